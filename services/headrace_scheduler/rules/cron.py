"""Cron expressions: five fields, or six with seconds last, or a nickname such as @daily.

Fields take numbers, names (JAN, MON), lists, ranges, steps, `L` (last day of the month, or `5L`: last Friday),
`LW` (last weekday of the month) and `5#2` (second Friday). Parsing and the calendar are cronsim's; this module
puts seconds where we have them, decides how the two day fields join, and reads wall clocks.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable, Iterator

from cronsim import CronSim, CronSimError

from headrace_scheduler.rules import timeline
from headrace_scheduler.rules.faults import Invalid

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week", "second")
_TAKES = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L or LW",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 or SUN-SAT (0 and 7 are Sunday), 5L for the last Friday, 5#2 for the second",
}
_HOURS_OF_DAY = 24
_ANY_TIME = datetime.datetime(2000, 1, 1)  # noqa: DTZ001 - on a wall clock


@dataclasses.dataclass(frozen=True, slots=True)
class CronRule:
    """When a cron expression matches on the wall clock of a time zone.

    `day_or`: where both day fields are restricted, one of them is enough; else both must match.
    """

    expression: str
    time_zone: str = ""
    day_or: bool = True


def check(rule: CronRule) -> None:
    """Return if the rule can be understood and ever matches.

    Raises:
        Invalid: It cannot; the fault names the field of the expression.
    """
    timeline.zone(rule.time_zone)
    expression = _expression(rule.expression)
    if next(iter(_local_times(expression, rule.day_or, _ANY_TIME)), None) is None:
        raise Invalid.of_field("expression", f"{rule.expression!r} never matches: there is no such day")


def moments(rule: CronRule, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of the rule, in UTC, strictly after `after`.

    An expression whose hours are a star or step (`0 * * * *`, `*/5 * * * *`) goes by elapsed time, one that names
    its hours by the wall clock (see `timeline`).

    Raises:
        Invalid: The rule cannot be understood.
    """
    tz = timeline.zone(rule.time_zone)
    expression = _expression(rule.expression)

    def times(start: datetime.datetime) -> Iterable[datetime.datetime]:
        return _local_times(expression, rule.day_or, start)

    read = timeline.by_elapsed_time if expression.is_hourly else timeline.by_wall_clock
    return read(times, tz, after)


@dataclasses.dataclass(frozen=True, slots=True)
class _Expression:
    text: str
    """As cronsim wants it: six fields, seconds first."""
    is_hourly: bool
    has_free_day: bool
    """One of the day fields is a star: the other alone decides."""


@functools.lru_cache(maxsize=4096)
def _expression(given: str) -> _Expression:
    text = NICKNAMES.get(given.strip().lower(), given)
    parts = text.upper().split()
    if len(parts) not in (5, 6):
        raise Invalid.of_field(
            "expression",
            f"{given!r} has {len(parts)} fields; it takes 5 (minute hour day-of-month month day-of-week), "
            "or 6 with seconds last",
        )
    for number in (2, 4):
        if parts[number] == "?":
            parts[number] = "*"
    for number, part in enumerate(parts):
        _check_field(_FIELDS[number], part)
    minute, hour, day, month, weekday = parts[:5]
    second = parts[5] if len(parts) == 6 else "0"
    ordered = " ".join((second, minute, hour, day, month, weekday))
    try:
        simulated = CronSim(ordered, _ANY_TIME)
    except CronSimError:
        # Each field is right by itself, so it is the day that no month of the list has.
        raise Invalid.of_field(
            "expression", f"{given!r} never matches: no month in {month!r} has the day-of-month {day!r}"
        ) from None
    return _Expression(
        text=ordered,
        is_hourly=hour.startswith("*") or len(simulated.hours) == _HOURS_OF_DAY,
        has_free_day=day == "*" or weekday == "*",
    )


def _check_field(name: str, text: str) -> None:
    parts = dict.fromkeys(_FIELDS, "*") | {name: text}
    trial = " ".join(parts[field] for field in ("second", "minute", "hour", "day-of-month", "month", "day-of-week"))
    try:
        CronSim(trial, _ANY_TIME)
    except (CronSimError, AssertionError):
        raise Invalid.of_field("expression", f"the {name} field {text!r} is wrong; it takes {_TAKES[name]}") from None


def _local_times(expression: _Expression, day_or: bool, start: datetime.datetime) -> Iterator[datetime.datetime]:
    simulated = CronSim(expression.text, start)
    simulated.day_and = expression.has_free_day or not day_or
    try:
        yield from simulated
    except (OverflowError, ValueError):
        # The calendar ends with the year 9999.
        return
