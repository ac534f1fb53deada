"""Recurrence rules of RFC 5545: RRULE, RDATE and EXDATE lines with an optional DTSTART.

Where RFC 5545 leaves a skipped wall-clock time to the offset before the gap, we take the first moment after it,
like cron.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import heapq
from collections.abc import Iterable, Iterator

from headrace_scheduler.rules import expansion, timeline
from headrace_scheduler.rules.expansion import Expansion
from headrace_scheduler.rules.faults import Invalid

MOST_RULES = 20
MOST_DATES = 1_000
MOST_COUNT = 10_000
MOST_INTERVAL = 100_000
# Times on a wall clock have no zone.
OLDEST_START = datetime.datetime(1970, 1, 1)  # noqa: DTZ001
DEFAULT_START = datetime.datetime(2020, 1, 1)  # noqa: DTZ001
"""Start of a rule without DTSTART: midnight of that day on its wall clock."""

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DATE_FORMATS = {8: "%Y%m%d", 15: "%Y%m%dT%H%M%S"}
_DAY = datetime.timedelta(days=1)
_SECOND = datetime.timedelta(seconds=1)

# Name -> (least, most, whether it may also count from the end).
_LISTS = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_NAMES = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_LISTS})


@dataclasses.dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """The text of a recurrence rule, read on the wall clock of a time zone."""

    rule: str
    time_zone: str = ""


def check(rule: RecurrenceRule) -> None:
    """Return if the rule can be understood and yields a time.

    Raises:
        Invalid: It cannot.
    """
    timeline.zone(rule.time_zone)
    parts = _parse(rule.rule, rule.time_zone)
    start = min([line.start for line in parts.rules] + list(parts.dates)) - _SECOND
    if next(_local_times(parts, start), None) is None:
        raise Invalid.of_field("rule", "never yields a time")


def moments(rule: RecurrenceRule, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the moments of the rule, in UTC, strictly after `after`.

    Rules that repeat hourly or faster go by elapsed time, others by the wall clock (see `timeline`).

    Raises:
        Invalid: The rule cannot be understood.
    """
    tz = timeline.zone(rule.time_zone)
    parts = _parse(rule.rule, rule.time_zone)
    read = timeline.by_elapsed_time if parts.is_hourly else timeline.by_wall_clock
    return read(lambda start: _local_times(parts, start), tz, after)


@dataclasses.dataclass(frozen=True, slots=True)
class _Parts:
    rules: tuple[Expansion, ...]
    excluded: tuple[Expansion, ...]
    dates: tuple[datetime.datetime, ...]
    excluded_dates: tuple[datetime.datetime, ...]

    @property
    def is_hourly(self) -> bool:
        return any(line.frequency >= expansion.HOURLY for line in self.rules)


def _local_times(parts: _Parts, after: datetime.datetime) -> Iterator[datetime.datetime]:
    """Yield the wall-clock times strictly after `after`, each once."""
    excluded = _merged(parts.excluded, parts.excluded_dates, after)
    barred = next(excluded, None)
    last = after
    for local in _merged(parts.rules, parts.dates, after):
        if local <= last:
            continue
        last = local
        while barred is not None and barred < local:
            barred = next(excluded, None)
        if barred != local:
            yield local


def _merged(
    rules: Iterable[Expansion], dates: Iterable[datetime.datetime], after: datetime.datetime
) -> Iterator[datetime.datetime]:
    return heapq.merge(
        *(expansion.times(line, after) for line in rules), sorted(date for date in dates if date > after)
    )


@functools.lru_cache(maxsize=1024)
def _parse(text: str, time_zone: str) -> _Parts:
    tz = timeline.zone(time_zone)
    starts: list[datetime.datetime] = []
    lines: dict[str, list[str]] = {"RRULE": [], "EXRULE": []}
    dates: dict[str, list[datetime.datetime]] = {"RDATE": [], "EXDATE": []}
    for content in _unfolded(text):
        head, colon, value = content.partition(":")
        if not colon:
            head, value = "RRULE", content
        name = head.upper().split(";")[0]
        written_in = _zone_of(head)
        if name == "DTSTART":
            starts.append(_date(value, tz, written_in))
        elif name in lines:
            lines[name].append(value.upper())
        elif name in dates:
            dates[name].extend(_date(date, tz, written_in) for date in value.split(","))
        else:
            raise Invalid.of_field("rule", f"does not take {name}; it takes DTSTART, RRULE, RDATE, EXDATE and EXRULE")
    if len(starts) > 1:
        raise Invalid.of_field("rule", "has more than one DTSTART")
    start = starts[0] if starts else DEFAULT_START
    if start < OLDEST_START:
        raise Invalid.of_field("rule", "DTSTART must not be before 1970")
    if not lines["RRULE"] and not dates["RDATE"]:
        raise Invalid.of_field("rule", "needs an RRULE or RDATE line")
    if len(lines["RRULE"]) + len(lines["EXRULE"]) > MOST_RULES:
        raise Invalid.of_field("rule", f"has more than {MOST_RULES} rules")
    if len(dates["RDATE"]) + len(dates["EXDATE"]) > MOST_DATES:
        raise Invalid.of_field("rule", f"has more than {MOST_DATES} dates")
    return _Parts(
        rules=tuple(_line(value, start, tz) for value in lines["RRULE"]),
        excluded=tuple(_line(value, start, tz) for value in lines["EXRULE"]),
        dates=tuple(dates["RDATE"]),
        excluded_dates=tuple(dates["EXDATE"]),
    )


def _unfolded(text: str) -> list[str]:
    """Return the content lines: a line that begins with white space goes on the one before."""
    lines: list[str] = []
    for line in text.splitlines():
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:].rstrip()
        elif line.strip():
            lines.append(line.strip())
    return lines


def _line(value: str, start: datetime.datetime, tz: datetime.tzinfo) -> Expansion:
    pairs = _pairs(value)
    if pairs.get("FREQ") not in expansion.FREQUENCIES:
        raise Invalid.of_field("rule", f"FREQ must be one of {', '.join(expansion.FREQUENCIES)}")
    if "COUNT" in pairs and "UNTIL" in pairs:
        raise Invalid.of_field("rule", "takes COUNT or UNTIL, not both")
    frequency = expansion.FREQUENCIES.index(pairs["FREQ"])
    lists = {name: _numbers(pairs, name) for name in _LISTS}
    plain, numbered = _weekdays(pairs.get("BYDAY", ""), frequency)
    if lists["BYSETPOS"] and not any(name.startswith("BY") and name != "BYSETPOS" for name in pairs):
        raise Invalid.of_field("rule", "BYSETPOS needs another BY... part")
    months, month_days = lists["BYMONTH"], lists["BYMONTHDAY"]
    if not (lists["BYWEEKNO"] or lists["BYYEARDAY"] or month_days or plain or numbered):
        # What the rule does not say is as in DTSTART.
        if frequency <= expansion.MONTHLY:
            month_days = (start.day,)
        if frequency == expansion.YEARLY and not months:
            months = (start.month,)
        if frequency == expansion.WEEKLY:
            plain = frozenset({start.weekday()})
    return Expansion(
        start=start,
        frequency=frequency,
        interval=_number(pairs, "INTERVAL", MOST_INTERVAL) or 1,
        count=_number(pairs, "COUNT", MOST_COUNT),
        until=_until(pairs["UNTIL"], tz) if "UNTIL" in pairs else None,
        week_start=_weekday(pairs.get("WKST", "MO")),
        by_month=frozenset(months),
        by_month_day=frozenset(month_days),
        by_year_day=frozenset(lists["BYYEARDAY"]),
        by_week_number=frozenset(lists["BYWEEKNO"]),
        by_weekday=plain,
        by_nth_weekday=numbered,
        by_hour=_clock_part(lists["BYHOUR"], start.hour, frequency >= expansion.HOURLY),
        by_minute=_clock_part(lists["BYMINUTE"], start.minute, frequency >= expansion.MINUTELY),
        by_second=_clock_part(lists["BYSECOND"], start.second, frequency >= expansion.SECONDLY),
        by_position=lists["BYSETPOS"],
    )


def _pairs(value: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in value.strip().strip(";").split(";"):
        key, equals, content = pair.strip().partition("=")
        if not equals or not content:
            raise Invalid.of_field("rule", f"{pair!r} is not a NAME=VALUE part")
        if key not in _NAMES:
            raise Invalid.of_field("rule", f"does not take {key}; it takes {', '.join(sorted(_NAMES))}")
        if key in pairs:
            raise Invalid.of_field("rule", f"names {key} twice")
        pairs[key] = content
    return pairs


def _clock_part(wanted: tuple[int, ...], of_start: int, is_counted: bool) -> tuple[int, ...] | None:
    if wanted:
        return tuple(sorted(set(wanted)))
    return None if is_counted else (of_start,)


def _numbers(pairs: dict[str, str], name: str) -> tuple[int, ...]:
    if name not in pairs:
        return ()
    least, most, signed = _LISTS[name]
    numbers = []
    for text in pairs[name].split(","):
        digits = text.removeprefix("-") if signed else text
        digits = digits.removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 5 and least <= int(digits) <= most):
            counted = f"{least} to {most}" + (f", or -{most} to -{least}" if signed else "")
            raise Invalid.of_field("rule", f"{name} takes {counted}, not {text!r}")
        numbers.append(-int(digits) if text.startswith("-") else int(digits))
    return tuple(numbers)


def _number(pairs: dict[str, str], key: str, most: int) -> int | None:
    if key not in pairs:
        return None
    text = pairs[key]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid.of_field("rule", f"{key} must be a number from 1 to {most}, not {text!r}")
    return int(text)


def _weekdays(text: str, frequency: int) -> tuple[frozenset[int], frozenset[tuple[int, int]]]:
    plain: set[int] = set()
    numbered: set[tuple[int, int]] = set()
    for item in text.split(",") if text else ():
        weekday = _weekday(item[-2:])
        number = item[:-2]
        if not number:
            plain.add(weekday)
            continue
        digits = number.removeprefix("-").removeprefix("+")
        if frequency > expansion.MONTHLY or not (digits.isascii() and digits.isdigit() and 1 <= int(digits[:4]) <= 53):
            raise Invalid.of_field(
                "rule", f"BYDAY takes MO to SU, and with FREQ=MONTHLY or YEARLY also 2MO or -1FR, not {item!r}"
            )
        numbered.add((weekday, -int(digits) if number.startswith("-") else int(digits)))
    return frozenset(plain), frozenset(numbered)


def _weekday(text: str) -> int:
    if text not in _WEEKDAYS:
        raise Invalid.of_field("rule", f"{text!r} is not a weekday; these are {', '.join(_WEEKDAYS)}")
    return _WEEKDAYS.index(text)


def _until(text: str, tz: datetime.tzinfo) -> datetime.datetime:
    moment = _date(text, tz, None)
    # A date without a time means that whole day.
    return moment + _DAY - _SECOND if "T" not in text else moment


def _zone_of(head: str) -> datetime.tzinfo | None:
    for parameter in head.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.upper() == "TZID":
            try:
                return timeline.zone(value)
            except Invalid as error:
                raise Invalid.of_field("rule", error.faults[0].description) from None
        if name.upper() != "VALUE" or value.upper() not in ("DATE", "DATE-TIME"):
            raise Invalid.of_field("rule", f"does not take the parameter {parameter!r}")
    return None


def _date(text: str, tz: datetime.tzinfo, written_in: datetime.tzinfo | None) -> datetime.datetime:
    """Return a date of the rule on the wall clock of `tz`."""
    bare = text.strip().upper()
    is_utc = bare.endswith("Z")
    bare = bare.removesuffix("Z")
    try:
        if len(bare) not in _DATE_FORMATS:
            raise ValueError
        local = datetime.datetime.strptime(bare, _DATE_FORMATS[len(bare)])  # noqa: DTZ007
    except ValueError:
        raise Invalid.of_field("rule", f"{text!r} is not a date such as 20260131T093000 or 20260131T093000Z") from None
    if is_utc:
        return timeline.to_local(local.replace(tzinfo=timeline.UTC), tz)
    if written_in is not None and written_in is not tz:
        return timeline.to_local(timeline.to_moment(local, written_in), tz)
    return local
