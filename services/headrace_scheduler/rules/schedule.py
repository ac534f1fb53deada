"""Schedules: a rule with its bounds, and what the scheduler keeps of it."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from headrace_scheduler.rules import cron, interval, recurrence
from headrace_scheduler.rules.calendar import Blackout, Calendar, blackout_faults
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.faults import Fault, Invalid
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.recurrence import RecurrenceRule

Rule: TypeAlias = CronRule | IntervalRule | RecurrenceRule

MOST_BLACKOUTS = 1_000
SKIPPED_AFTER = datetime.timedelta(minutes=1)
"""A run of a schedule that skips what is missed is missed if it has not started by then."""
_MOST_LEAPS = 5_000
"""So many spans without runs in a row, years of days, mean that there is nothing more to come."""
_MOMENT = datetime.timedelta(microseconds=1)


class CatchUp(enum.StrEnum):
    """What happens to times that passed while nothing could make their runs."""

    ALL = "ALL"
    LATEST = "LATEST"
    SKIP = "SKIP"


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """Everything that decides at which times a schedule makes runs. These times are its slots."""

    rule: Rule
    starts_at: datetime.datetime | None = None
    ends_at: datetime.datetime | None = None
    blackouts: tuple[Blackout, ...] = ()
    calendar_names: tuple[str, ...] = ()
    calendars: tuple[Calendar, ...] = ()
    """Those with these names."""

    def covering(self, moment: datetime.datetime) -> Blackout | None:
        """Return a span without runs that `moment` lies in, None if there is none."""
        for blackout in self.blackouts:
            if blackout.covers(moment):
                return blackout
        return next((span for calendar in self.calendars if (span := calendar.covering(moment)) is not None), None)


@dataclasses.dataclass(frozen=True, slots=True)
class GivenSchedule:
    """A schedule as a user gives it."""

    slug: str
    terms: Terms
    active: bool
    parameters: Mapping[str, Any]
    catch_up: CatchUp = CatchUp.ALL
    maximum_lateness_seconds: float | None = None
    jitter_seconds: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a deployment, as the scheduler keeps it."""

    schedule_id: uuid.UUID
    deployment_id: uuid.UUID
    slug: str
    terms: Terms
    active: bool
    parameters: Mapping[str, Any]
    catch_up: CatchUp
    maximum_lateness_seconds: float | None
    jitter_seconds: float
    created_at: datetime.datetime
    updated_at: datetime.datetime
    cursor_at: datetime.datetime
    """Slots up to here have their runs, or were passed over."""
    next_at: datetime.datetime | None
    """When the next runs have to be made; None while the schedule makes none."""
    upcoming_at: tuple[datetime.datetime, ...] = ()
    """Slots whose runs are made, as of the last time that runs were made."""
    revision: int = 1
    """Rises with each change by a user."""

    def given(self) -> GivenSchedule:
        """Return what of it a user has given."""
        return GivenSchedule(
            slug=self.slug,
            terms=self.terms,
            active=self.active,
            parameters=self.parameters,
            catch_up=self.catch_up,
            maximum_lateness_seconds=self.maximum_lateness_seconds,
            jitter_seconds=self.jitter_seconds,
        )

    def next_run_at(self, now: datetime.datetime) -> datetime.datetime | None:
        """Return when its next run is due; None if there is none to come."""
        if not self.active:
            return None
        slot = next((slot for slot in self.upcoming_at if slot > now), None)
        if slot is None and self.next_at is not None:
            slot = next(slots(self.terms, max(now, self.cursor_at)), None)
        return None if slot is None else slot + self.jitter_of(slot)

    def jitter_of(self, slot: datetime.datetime) -> datetime.timedelta:
        """Return by how much the run of `slot` is moved: always the same, evenly spread below the jitter."""
        if self.jitter_seconds <= 0:
            return datetime.timedelta()
        digest = hashlib.blake2b(f"{self.schedule_id} {slot.timestamp():.0f}".encode(), digest_size=8).digest()
        share = int.from_bytes(digest, "big") / 2**64
        return datetime.timedelta(seconds=share * self.jitter_seconds)

    def lateness_of(self, slot: datetime.datetime) -> float | None:
        """Return how many seconds late the run of `slot` may start by its catch-up policy; None: any number."""
        given = self.maximum_lateness_seconds
        if self.catch_up is CatchUp.ALL:
            return given
        bound = SKIPPED_AFTER.total_seconds()
        if self.catch_up is CatchUp.LATEST:
            following = next(slots(self.terms, slot), None)
            if following is None:
                return given
            due, next_due = slot + self.jitter_of(slot), following + self.jitter_of(following)
            bound = max((next_due - due).total_seconds(), 1.0)
        return bound if given is None else min(given, bound)

    def idempotency_key(self, slot: datetime.datetime) -> str:
        """Return the key under which the run of `slot` exists once."""
        return f"schedule:{self.schedule_id}:{slot.astimezone(datetime.UTC).isoformat()}"


def moments(rule: Rule, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of a rule, in UTC, strictly after `after`, in order and without end where the rule has none.

    Raises:
        Invalid: The rule cannot be understood.
    """
    match rule:
        case CronRule():
            return cron.moments(rule, after)
        case IntervalRule():
            return interval.moments(rule, after)
        case RecurrenceRule():
            return recurrence.moments(rule, after)


def check(terms: Terms) -> None:
    """Return if the terms can be understood.

    Raises:
        Invalid: They cannot; fields are named as in the schedule.
    """
    faults: list[Fault] = []
    try:
        match terms.rule:
            case CronRule():
                kind = "cron"
                cron.check(terms.rule)
            case IntervalRule():
                kind = "interval"
                interval.check(terms.rule)
            case RecurrenceRule():
                kind = "recurrence"
                recurrence.check(terms.rule)
    except Invalid as error:
        faults.extend(error.under(f"rule.{kind}").faults)
    if terms.starts_at is not None and terms.ends_at is not None and terms.ends_at <= terms.starts_at:
        faults.append(Fault("ends_at", "must be after starts_at"))
    if len(terms.blackouts) > MOST_BLACKOUTS:
        faults.append(Fault("blackouts", f"must not be more than {MOST_BLACKOUTS}"))
    faults.extend(blackout_faults(terms.blackouts))
    if faults:
        raise Invalid(faults)


def slots(terms: Terms, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the slots strictly after `after`, in order."""
    if terms.starts_at is not None:
        after = max(after, terms.starts_at - _MOMENT)
    leaps = 0
    while leaps < _MOST_LEAPS:
        leap: datetime.datetime | None = None
        for slot in moments(terms.rule, after):
            if terms.ends_at is not None and slot >= terms.ends_at:
                return
            covering = terms.covering(slot)
            if covering is None:
                leaps = 0
                yield slot
                continue
            if covering.until_at is None:
                return
            leap = covering.until_at - _MOMENT
            break
        if leap is None:
            return
        # The rule goes on from the end of the blackout, instead of stepping through it.
        after = leap
        leaps += 1


def slots_until(
    terms: Terms, after: datetime.datetime, until: datetime.datetime, limit: int
) -> list[datetime.datetime]:
    """Return the slots in (after, until], at most the first `limit`."""
    found = itertools.takewhile(lambda slot: slot <= until, slots(terms, after))
    return list(itertools.islice(found, limit))


def latest_slot(terms: Terms, after: datetime.datetime, until: datetime.datetime) -> datetime.datetime | None:
    """Return the last slot in (after, until], None if there is none. Does not step through a long past."""
    span = datetime.timedelta(minutes=1)
    while True:
        start = max(after, until - span)
        latest = None
        for slot in slots(terms, start):
            if slot > until:
                break
            latest = slot
        if latest is not None or start == after:
            return latest
        span *= 4


def default_slug(rule: Rule, parameters: Mapping[str, Any]) -> str:
    """Return a slug for a schedule that was given none: the same for the same rule and parameters."""
    kind = {CronRule: "cron", IntervalRule: "interval", RecurrenceRule: "rrule"}[type(rule)]
    content = repr(rule) + json.dumps(dict(parameters), sort_keys=True, default=str)
    return f"{kind}-{hashlib.blake2b(content.encode(), digest_size=4).hexdigest()}"


def begin(
    given: GivenSchedule, schedule_id: uuid.UUID, deployment_id: uuid.UUID, now: datetime.datetime, *, is_paused: bool
) -> Schedule:
    """Return a new schedule, whose first slot is the first after `now`."""
    return Schedule(
        schedule_id=schedule_id,
        deployment_id=deployment_id,
        slug=given.slug,
        terms=given.terms,
        active=given.active,
        parameters=given.parameters,
        catch_up=given.catch_up,
        maximum_lateness_seconds=given.maximum_lateness_seconds,
        jitter_seconds=given.jitter_seconds,
        created_at=now,
        updated_at=now,
        cursor_at=now,
        next_at=now if given.active and not is_paused else None,
    )


def changed(schedule: Schedule, given: GivenSchedule, now: datetime.datetime, *, is_paused: bool) -> Schedule:
    """Return the schedule as a user wants it from `now` on; its runs to come have to be made anew."""
    anew = begin(given, schedule.schedule_id, schedule.deployment_id, now, is_paused=is_paused)
    return dataclasses.replace(anew, created_at=schedule.created_at, revision=schedule.revision + 1)


def restarted(schedule: Schedule, now: datetime.datetime, *, is_paused: bool, was_paused: bool) -> Schedule:
    """Return the schedule after something changed that its runs to come are made of.

    Runs that are due later are made anew, also those that jitter has moved beyond `now`. Slots of a pause are not
    caught up with.
    """
    makes_runs = schedule.active and not is_paused
    reopened = now - datetime.timedelta(seconds=schedule.jitter_seconds)
    return dataclasses.replace(
        schedule,
        cursor_at=now if was_paused else min(schedule.cursor_at, reopened),
        next_at=now if makes_runs else None,
        upcoming_at=(),
        revision=schedule.revision + 1,
    )
