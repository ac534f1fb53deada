"""Which runs a schedule needs made now, and when it has to be looked at again.

Runs are made some time ahead, so that what is coming can be seen and nothing depends on being quick at the
minute. How far: at least the next three and at least one hour, but never more than a hundred runs. A
schedule is looked at again only when that would no longer hold, so schedules at rest cost nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools

from headrace_scheduler.rules import schedule as schedules
from headrace_scheduler.rules.schedule import CatchUp, Schedule

LEAST_RUNS = 3
LEAST_AHEAD = datetime.timedelta(hours=1)
FILL_AHEAD = datetime.timedelta(minutes=75)
"""Filled further than the least, so that a frequent schedule gets its runs in batches."""
MOST_RUNS = 100
MOST_MISSED = 500
"""Runs of missed times made at once; the rest follows in the next look."""
MISSED_AFTER = datetime.timedelta(seconds=15)
"""A slot is missed if its run was not made by then. Until then it is only a little late."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a look at a schedule leads to."""

    slots: tuple[datetime.datetime, ...]
    """Whose runs to make now."""
    cursor_at: datetime.datetime
    """Slots up to here are dealt with after that."""
    next_at: datetime.datetime | None
    """When to look again; None if there is nothing more to come."""
    upcoming_at: tuple[datetime.datetime, ...]
    """Slots to come whose runs are made, after that."""


def plan(schedule: Schedule, now: datetime.datetime) -> Plan:
    """Return what `schedule` needs at `now`."""
    missed = _missed(schedule, now)
    if len(missed) == MOST_MISSED:
        return Plan(missed, missed[-1], now, schedule.upcoming_at)
    made = [slot for slot in schedule.upcoming_at if slot > now]
    start = max(schedule.cursor_at, now)
    fresh: list[datetime.datetime] = []
    is_ended = True
    for slot in schedules.slots(schedule.terms, start):
        if not _needs(made, fresh, slot, now):
            is_ended = False
            break
        fresh.append(slot)
    upcoming = (*made, *fresh)
    return Plan(
        slots=(*missed, *fresh),
        cursor_at=fresh[-1] if fresh else start,
        next_at=None if is_ended else _look_again(upcoming),
        upcoming_at=upcoming,
    )


def _missed(schedule: Schedule, now: datetime.datetime) -> tuple[datetime.datetime, ...]:
    """Return the slots up to `now` that still get a run."""
    cursor = schedule.cursor_at
    if cursor >= now:
        return ()
    recent = max(cursor, now - MISSED_AFTER - datetime.timedelta(seconds=schedule.jitter_seconds))
    earliest = cursor
    if schedule.maximum_lateness_seconds is not None:
        # A run that is too late would not be started, so it is not made.
        earliest = max(earliest, now - datetime.timedelta(seconds=schedule.maximum_lateness_seconds))
    if schedule.catch_up is CatchUp.ALL:
        return tuple(schedules.slots_until(schedule.terms, min(earliest, now), now, MOST_MISSED))
    found = schedules.slots_until(schedule.terms, recent, now, MOST_MISSED)
    if not found and schedule.catch_up is CatchUp.LATEST and earliest < recent:
        latest = schedules.latest_slot(schedule.terms, earliest, recent)
        found = [latest] if latest is not None else []
    return tuple(found)


def _needs(
    made: list[datetime.datetime], fresh: list[datetime.datetime], slot: datetime.datetime, now: datetime.datetime
) -> bool:
    count = len(made) + len(fresh)
    return count < LEAST_RUNS or (count < MOST_RUNS and slot <= now + FILL_AHEAD)


def _look_again(upcoming: tuple[datetime.datetime, ...]) -> datetime.datetime:
    """Return when fewer than the least will be ahead; for a full hundred, when half of them have passed."""
    too_few = upcoming[-LEAST_RUNS]
    too_near = upcoming[-1] - LEAST_AHEAD
    if len(upcoming) >= MOST_RUNS:
        too_near = max(too_near, upcoming[MOST_RUNS // 2])
    return min(too_few, too_near)


@dataclasses.dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead runs are wanted."""

    start_at: datetime.datetime
    end_at: datetime.datetime
    """None after."""
    least_span: datetime.timedelta
    """Until at least so long after the start."""
    least_runs: int
    most_runs: int


def slots_within(schedule: Schedule, horizon: Horizon) -> tuple[datetime.datetime, ...]:
    """Return as few slots of a schedule as a horizon asks for."""
    found: list[datetime.datetime] = []
    enough_at = horizon.start_at + horizon.least_span
    for slot in schedules.slots(schedule.terms, horizon.start_at - datetime.timedelta(microseconds=1)):
        if len(found) >= horizon.most_runs or slot > horizon.end_at:
            break
        if len(found) >= horizon.least_runs and slot > enough_at:
            break
        found.append(slot)
    return tuple(found)


def preview(schedule: Schedule, after: datetime.datetime, count: int) -> list[datetime.datetime]:
    """Return when the next `count` runs after `after` would be due, in order."""
    found = itertools.islice(schedules.slots(schedule.terms, after), count)
    return sorted(slot + schedule.jitter_of(slot) for slot in found)
