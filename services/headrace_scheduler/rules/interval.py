"""Fixed intervals from an anchor."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator

from headrace_scheduler.rules import timeline
from headrace_scheduler.rules.faults import Invalid

SHORTEST = datetime.timedelta(seconds=1)
LONGEST = datetime.timedelta(days=36_525)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class IntervalRule:
    """A moment every so often. Intervals of whole days keep the anchor's time on the wall clock of the time zone."""

    every: datetime.timedelta
    anchor_at: datetime.datetime | None = None
    """One of the moments; the epoch if None."""
    time_zone: str = ""


def check(rule: IntervalRule) -> None:
    """Return if the rule can be understood.

    Raises:
        Invalid: It cannot.
    """
    timeline.zone(rule.time_zone)
    if not SHORTEST <= rule.every <= LONGEST:
        raise Invalid.of_field("every", "must be at least one second and at most a hundred years")


def moments(rule: IntervalRule, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of the rule, in UTC, strictly after `after`.

    Raises:
        Invalid: The rule cannot be understood.
    """
    check(rule)
    tz = timeline.zone(rule.time_zone)
    anchor = (rule.anchor_at or _EPOCH).astimezone(datetime.UTC)
    if tz is not timeline.UTC and rule.every % _DAY == datetime.timedelta():
        local_anchor = timeline.to_local(anchor, tz)
        return timeline.by_wall_clock(lambda start: _every(local_anchor, rule.every, start), tz, after)
    return _every(anchor, rule.every, after.astimezone(datetime.UTC))


def _every(
    anchor: datetime.datetime, every: datetime.timedelta, after: datetime.datetime
) -> Iterator[datetime.datetime]:
    number = (after - anchor) // every + 1
    try:
        while True:
            yield anchor + number * every
            number += 1
    except OverflowError:
        # The calendar ends with the year 9999.
        return
