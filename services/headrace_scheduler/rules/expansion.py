"""The wall-clock times of one recurrence rule of RFC 5545, in bounded work per time.

dateutil expands these rules too, and the tests hold this module against it. It steps from the rule's beginning,
though, and does not come back from a rule that never matches before it has reached the year 9999, which a
server cannot have. Here the first period is computed, days and hours that cannot match are leapt over, and
the search ends after `_MOST_EMPTY` periods without a time.
"""

from __future__ import annotations

import calendar
import dataclasses
import datetime
import itertools
from collections.abc import Iterator
from typing import Final

YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY = range(7)
FREQUENCIES: Final = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")

_MOST_EMPTY = {YEARLY: 100, MONTHLY: 1200, WEEKLY: 5000, DAILY: 20_000}
_MOST_EMPTY_FINE = 20_000
_UNITS = {
    DAILY: datetime.timedelta(days=1),
    HOURLY: datetime.timedelta(hours=1),
    MINUTELY: datetime.timedelta(minutes=1),
    SECONDLY: datetime.timedelta(seconds=1),
}
_DAY = datetime.timedelta(days=1)
_HOUR = datetime.timedelta(hours=1)
_MINUTE = datetime.timedelta(minutes=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Expansion:
    """One RRULE or EXRULE on the wall clock, with everything that RFC 5545 takes from DTSTART filled in.

    Empty sets of days do not restrict; `by_hour` and so on are None where the frequency itself counts them.
    """

    start: datetime.datetime
    frequency: int
    interval: int = 1
    count: int | None = None
    until: datetime.datetime | None = None
    week_start: int = 0
    by_month: frozenset[int] = frozenset()
    by_month_day: frozenset[int] = frozenset()
    by_year_day: frozenset[int] = frozenset()
    by_week_number: frozenset[int] = frozenset()
    by_weekday: frozenset[int] = frozenset()
    by_nth_weekday: frozenset[tuple[int, int]] = frozenset()
    """(weekday, n): the n-th of the month or year, from its end if negative."""
    by_hour: tuple[int, ...] | None = None
    by_minute: tuple[int, ...] | None = None
    by_second: tuple[int, ...] | None = None
    by_position: tuple[int, ...] = ()


def times(rule: Expansion, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the times of the rule strictly after `after`, in order."""
    left = rule.count
    # A count is of all times since the start, so these have to be stepped through.
    number = 0 if rule.count is not None else max(_period_of(rule, after), 0)
    empty = 0
    try:
        while empty <= _MOST_EMPTY.get(rule.frequency, _MOST_EMPTY_FINE):
            empty += 1
            for time in _period(rule, number):
                if time < rule.start:
                    continue
                if rule.until is not None and time > rule.until:
                    return
                if left is not None:
                    left -= 1
                    if left < 0:
                        return
                empty = 0
                if time > after:
                    yield time
            if rule.until is not None and _first_day(rule, number) > rule.until.date():
                return
            number = _next(rule, number)
    except (OverflowError, ValueError):
        # The calendar ends with the year 9999.
        return


def _period_of(rule: Expansion, moment: datetime.datetime) -> int:
    """Return the number of the period before or at `moment`; negative before the first."""
    start = rule.start
    match rule.frequency:
        case 0:
            return (moment.year - start.year) // rule.interval
        case 1:
            return ((moment.year - start.year) * 12 + moment.month - start.month) // rule.interval
        case 2:
            return (moment.date() - _week_of(rule)).days // (7 * rule.interval)
        case _:
            return (moment - _unit_of(rule)) // (rule.interval * _UNITS[rule.frequency])


def _week_of(rule: Expansion) -> datetime.date:
    day = rule.start.date()
    return day - datetime.timedelta(days=(day.weekday() - rule.week_start) % 7)


def _unit_of(rule: Expansion) -> datetime.datetime:
    """Return the beginning of the day, hour, minute or second that the start lies in."""
    match rule.frequency:
        case 3:
            return rule.start.replace(hour=0, minute=0, second=0)
        case 4:
            return rule.start.replace(minute=0, second=0)
        case 5:
            return rule.start.replace(second=0)
        case _:
            return rule.start


def _first_day(rule: Expansion, number: int) -> datetime.date:
    """Return the first day of a period.

    Raises:
        ValueError, OverflowError: It lies beyond the calendar.
    """
    start = rule.start
    match rule.frequency:
        case 0:
            return datetime.date(start.year + number * rule.interval, 1, 1)
        case 1:
            months = start.month - 1 + number * rule.interval
            return datetime.date(start.year + months // 12, months % 12 + 1, 1)
        case 2:
            return _week_of(rule) + datetime.timedelta(days=7 * number * rule.interval)
        case _:
            return (_unit_of(rule) + number * rule.interval * _UNITS[rule.frequency]).date()


def _period(rule: Expansion, number: int) -> list[datetime.datetime]:
    """Return the times of one period, before BYSETPOS would be bounded by the start."""
    days = [day for day in _days(rule, _first_day(rule, number)) if _day_matches(rule, day)]
    if not days:
        return []
    clock = _clock(rule, number)
    if rule.by_position:
        return _positions(rule, days, clock)
    return [datetime.datetime.combine(day, time) for day in days for time in clock]


def _days(rule: Expansion, first: datetime.date) -> Iterator[datetime.date]:
    match rule.frequency:
        case 0:
            for month in sorted(rule.by_month) or range(1, 13):
                yield from _month_days(first.year, month)
        case 1:
            yield from _month_days(first.year, first.month)
        case 2:
            yield from (first + datetime.timedelta(days=number) for number in range(7))
        case _:
            yield first


def _month_days(year: int, month: int) -> Iterator[datetime.date]:
    return (datetime.date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1))


def _day_matches(rule: Expansion, day: datetime.date) -> bool:
    if rule.by_month and day.month not in rule.by_month:
        return False
    if rule.by_month_day:
        length = calendar.monthrange(day.year, day.month)[1]
        if rule.by_month_day.isdisjoint((day.day, day.day - length - 1)):
            return False
    if rule.by_year_day:
        length = 366 if calendar.isleap(day.year) else 365
        number = day.timetuple().tm_yday
        if rule.by_year_day.isdisjoint((number, number - length - 1)):
            return False
    if rule.by_week_number and rule.by_week_number.isdisjoint(_week_numbers(day, rule.week_start)):
        return False
    if rule.by_weekday or rule.by_nth_weekday:
        return day.weekday() in rule.by_weekday or _is_nth_weekday(rule, day)
    return True


def _week_numbers(day: datetime.date, week_start: int) -> tuple[int, int]:
    """Return the number of the day's week from the beginning and from the end (-1) of the year of that week."""
    week = day - datetime.timedelta(days=(day.weekday() - week_start) % 7)
    # A week belongs to the year that has most of its days, so the year of its fourth day.
    year = (week + datetime.timedelta(days=3)).year
    first = _first_week(year, week_start)
    weeks = (_first_week(year + 1, week_start) - first).days // 7
    number = (week - first).days // 7 + 1
    return number, number - weeks - 1


def _first_week(year: int, week_start: int) -> datetime.date:
    fourth = datetime.date(year, 1, 4)
    return fourth - datetime.timedelta(days=(fourth.weekday() - week_start) % 7)


def _is_nth_weekday(rule: Expansion, day: datetime.date) -> bool:
    if not rule.by_nth_weekday:
        return False
    if rule.frequency == MONTHLY or rule.by_month:
        length = calendar.monthrange(day.year, day.month)[1]
        before, behind = day.day - 1, length - day.day
    else:
        length = 366 if calendar.isleap(day.year) else 365
        before = day.timetuple().tm_yday - 1
        behind = length - before - 1
    weekday = day.weekday()
    return not rule.by_nth_weekday.isdisjoint(((weekday, before // 7 + 1), (weekday, -(behind // 7) - 1)))


def _clock(rule: Expansion, number: int) -> list[datetime.time]:
    """Return the times of day in a period, in order; empty where the period's own hour, ... is not wanted."""
    if rule.frequency <= DAILY:
        hours, minutes, seconds = rule.by_hour or (), rule.by_minute or (), rule.by_second or ()
    else:
        moment = _unit_of(rule) + number * rule.interval * _UNITS[rule.frequency]
        hours = _only(moment.hour, rule.by_hour)
        minutes = _only(moment.minute, rule.by_minute) if rule.frequency >= MINUTELY else rule.by_minute or ()
        seconds = _only(moment.second, rule.by_second) if rule.frequency >= SECONDLY else rule.by_second or ()
    return [datetime.time(*clock) for clock in itertools.product(hours, minutes, seconds)]


def _only(value: int, wanted: tuple[int, ...] | None) -> tuple[int, ...]:
    return (value,) if wanted is None or value in wanted else ()


def _positions(rule: Expansion, days: list[datetime.date], clock: list[datetime.time]) -> list[datetime.datetime]:
    total = len(days) * len(clock)
    chosen = {place - 1 if place > 0 else total + place for place in rule.by_position}
    return [
        datetime.datetime.combine(days[place // len(clock)], clock[place % len(clock)])
        for place in sorted(chosen)
        if 0 <= place < total
    ]


def _next(rule: Expansion, number: int) -> int:
    """Return the number of the next period that is worth a look."""
    if rule.frequency <= DAILY:
        return number + 1
    step = rule.interval * _UNITS[rule.frequency]
    begin = _unit_of(rule)
    moment = begin + number * step
    midnight = moment.replace(hour=0, minute=0, second=0)
    if not _day_matches(rule, moment.date()):
        target = midnight + _DAY
    elif rule.by_hour is not None and moment.hour not in rule.by_hour:
        target = min((midnight + hour * _HOUR for hour in rule.by_hour if hour > moment.hour), default=midnight + _DAY)
    elif rule.frequency == SECONDLY and rule.by_minute is not None and moment.minute not in rule.by_minute:
        target = moment.replace(second=0) + _MINUTE
    else:
        return number + 1
    return max(number + 1, -((begin - target) // step))
