"""Cron rules against an oracle that knows neither cronsim nor the timeline module.

The oracle looks at every minute around changes of the offset, asks zoneinfo what the wall clock shows, and
matches the fields of the expression itself.
"""

from __future__ import annotations

import calendar
import datetime
import functools
import itertools
import zoneinfo
from collections.abc import Iterator

import pytest

from headrace_scheduler.rules import cron, schedule
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.faults import Invalid

UTC = datetime.UTC
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
NAMES = {name: str(number) for number, name in [*enumerate(WEEKDAYS), *enumerate(MONTHS, 1)]}


class Oracle:
    """Five fields of lists, ranges, steps, L and #, over real time."""

    def __init__(self, expression: str, time_zone: str, day_or: bool) -> None:
        for name, number in NAMES.items():
            expression = expression.replace(name, number)
        self.fields = expression.split()
        self.zone = zoneinfo.ZoneInfo(time_zone)
        self.minutes = self._numbers(self.fields[0], 0, 59)
        self.hours = self._numbers(self.fields[1], 0, 23)
        self.months = self._numbers(self.fields[3], 1, 12)
        self.is_hourly = self.fields[1].startswith("*")
        self.day_or = day_or
        self._dates: dict[datetime.date, bool] = {}

    @staticmethod
    def _numbers(field: str, least: int, most: int) -> set[int]:
        numbers: set[int] = set()
        for part in field.split(","):
            base, _, step = part.partition("/")
            first, _, last = (f"{least}-{most}" if base == "*" else base).partition("-")
            end = int(last or (most if step else first))
            numbers.update(range(int(first), end + 1, int(step or 1)))
        return numbers

    def _date_matches(self, date: datetime.date) -> bool:
        if date not in self._dates:
            day, weekday = self.fields[2], self.fields[4]
            on_day, on_weekday = self._on_day(day, date), self._on_weekday(weekday, date)
            if "*" in (day, weekday) or not self.day_or:
                both = on_day and on_weekday
            else:
                both = on_day or on_weekday
            self._dates[date] = date.month in self.months and both
        return self._dates[date]

    def _on_day(self, field: str, date: datetime.date) -> bool:
        length = calendar.monthrange(date.year, date.month)[1]
        if field == "L":
            return date.day == length
        return date.day in self._numbers(field, 1, 31)

    def _on_weekday(self, field: str, date: datetime.date) -> bool:
        weekday = date.isoweekday() % 7
        if field.endswith("L"):
            length = calendar.monthrange(date.year, date.month)[1]
            return weekday == int(field[:-1]) % 7 and date.day + 7 > length
        if "#" in field:
            wanted, nth = field.split("#")
            return weekday == int(wanted) % 7 and (date.day - 1) // 7 + 1 == int(nth)
        return weekday in {number % 7 for number in self._numbers(field, 0, 7)}

    def moments(self, start: datetime.datetime, end: datetime.datetime) -> Iterator[datetime.datetime]:
        """Yield matches in (start, end]."""
        seen = datetime.datetime.min  # noqa: DTZ901
        for begin, finish in steady_spans(self.zone, start, end):
            offset = begin.astimezone(self.zone).utcoffset()
            assert offset is not None
            local_begin, local_finish = ((moment + offset).replace(tzinfo=None) for moment in (begin, finish))
            found = list(self._matches(local_begin, local_finish))
            if not self.is_hourly:
                found = [local for local in found if local >= seen]
                was_skipped = seen != datetime.datetime.min and any(self._matches(seen, local_begin))  # noqa: DTZ901
                if was_skipped and local_begin not in found:
                    found.insert(0, local_begin)
            seen = max(seen, local_finish)
            yield from (moment for local in found if start < (moment := local.replace(tzinfo=UTC) - offset) <= end)

    def _matches(self, begin: datetime.datetime, finish: datetime.datetime) -> Iterator[datetime.datetime]:
        """Yield what matches on the wall clock in [begin, finish)."""
        date = begin.date()
        while date <= finish.date():
            if self._date_matches(date):
                for hour, minute in itertools.product(sorted(self.hours), sorted(self.minutes)):
                    local = datetime.datetime.combine(date, datetime.time(hour, minute))
                    if begin <= local < finish:
                        yield local
            date += datetime.timedelta(days=1)


@functools.lru_cache
def steady_spans(
    zone: zoneinfo.ZoneInfo, start: datetime.datetime, end: datetime.datetime
) -> list[tuple[datetime.datetime, datetime.datetime]]:
    """Return the spans [from, to) of one offset that make up start..end, found by looking at every minute."""
    spans = []
    begin = moment = start
    while moment <= end:
        following = moment + MINUTE
        # Minutes are looked at one by one only in days in which the offset changes.
        if moment + DAY <= end and moment.astimezone(zone).utcoffset() == (moment + DAY).astimezone(zone).utcoffset():
            following = moment + DAY
        elif following.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
            spans.append((begin, following))
            begin = following
        moment = following
    return [*spans, (begin, moment)]


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # moves by half an hour
    "America/St_Johns",  # an offset of half an hour
    "Africa/Casablanca",  # moves around Ramadan
    "Pacific/Apia",
    "Asia/Kolkata",
]
EXPRESSIONS = [
    ("30 2 * * *", True),
    ("0 * * * *", True),
    ("15,45 */2 * * *", True),
    ("0 0 * * *", True),
    ("*/30 1-3 * * *", True),
    ("0 2,3 * * SUN", True),
    ("10 4 L * *", True),
    ("0 9 13 * 5", False),
    ("0 9 13 * 5", True),
    ("0 1 * * 0#1", True),
    ("59 23 * MAR,OCT,NOV 7L", True),
    ("0 0 29 2 *", True),
]


def is_frequent(expression: str) -> bool:
    return any(sign in expression.split()[1] for sign in "*-,/")


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize(("expression", "day_or"), EXPRESSIONS)
def test_cron_fires_when_the_oracle_says_over_years(expression: str, day_or: bool, time_zone: str) -> None:
    start = datetime.datetime(2020, 2, 10, 5, 7, tzinfo=UTC)
    end = start + (760 if is_frequent(expression) else 3653) * DAY
    expected = list(Oracle(expression, time_zone, day_or).moments(start, end))
    rule = CronRule(expression, time_zone, day_or)
    actual = list(itertools.takewhile(lambda moment: moment <= end, cron.moments(rule, start)))
    assert actual == expected
    assert expected, "an oracle that never fires proves nothing"


@pytest.mark.parametrize("time_zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 * * * *", "*/20 1,2 * * *"])
def test_the_next_time_does_not_depend_on_where_one_starts(expression: str, time_zone: str) -> None:
    rule = CronRule(expression, time_zone)
    zone = zoneinfo.ZoneInfo(time_zone)
    changes = [
        moment
        for moment in (datetime.datetime(2026, 1, 1, tzinfo=UTC) + number * HOUR for number in range(24 * 365))
        if moment.astimezone(zone).utcoffset() != (moment + HOUR).astimezone(zone).utcoffset()
    ]
    assert len(changes) == 2
    for change in changes:
        start, end = change - 30 * HOUR, change + 30 * HOUR
        expected = list(itertools.takewhile(lambda moment: moment <= end, cron.moments(rule, start)))  # noqa: B023
        step = 7 * MINUTE + datetime.timedelta(seconds=13)
        after = start
        while after < end - 24 * HOUR:
            assert next(cron.moments(rule, after)) == next(moment for moment in expected if moment > after)
            after += step


def test_ten_years_of_a_daily_rule_keep_the_wall_clock_and_miss_no_day() -> None:
    rule = CronRule("30 2 * * *", "America/New_York")
    zone = zoneinfo.ZoneInfo("America/New_York")
    start = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    locals_ = [moment.astimezone(zone) for moment in itertools.islice(cron.moments(rule, start), 3652)]
    assert [local.date() for local in locals_] == [
        datetime.date(2026, 1, 1) + datetime.timedelta(days=number) for number in range(3652)
    ]
    odd = [local for local in locals_ if (local.hour, local.minute) != (2, 30)]
    assert len(odd) == 10
    assert {(local.month, local.hour, local.minute) for local in odd} == {(3, 3, 0)}


def test_an_hourly_rule_fires_every_hour_on_both_edges() -> None:
    rule = CronRule("0 * * * *", "Europe/Berlin")
    start = datetime.datetime(2026, 1, 1, 0, 30, tzinfo=UTC)
    moments = list(itertools.islice(cron.moments(rule, start), 365 * 24))
    assert {later - earlier for earlier, later in itertools.pairwise(moments)} == {HOUR}


def test_six_fields_have_seconds_last() -> None:
    start = datetime.datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)
    moments = itertools.islice(cron.moments(CronRule("*/5 * * * * 10,40"), start), 3)
    assert [f"{moment:%H:%M:%S}" for moment in moments] == ["12:00:40", "12:05:10", "12:05:40"]


def test_a_fraction_of_a_second_is_neither_lost_nor_counted_twice() -> None:
    rule = CronRule("0 12 * * *")
    noon = datetime.datetime(2026, 5, 1, 12, tzinfo=UTC)
    tick = datetime.timedelta(microseconds=1)
    assert next(cron.moments(rule, noon - tick)) == noon
    assert next(cron.moments(rule, noon)) == noon + datetime.timedelta(days=1)
    assert next(cron.moments(rule, noon + tick)) == noon + datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("nickname", "expression"), [("@daily", "0 0 * * *"), ("@Hourly", "0 * * * *"), ("@weekly", "0 0 * * SUN")]
)
def test_nicknames_mean_their_expressions(nickname: str, expression: str) -> None:
    start = datetime.datetime(2026, 5, 1, 12, tzinfo=UTC)
    first, second = (cron.moments(CronRule(text), start) for text in (nickname, expression))
    assert list(itertools.islice(first, 5)) == list(itertools.islice(second, 5))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("61 * * * *", "minute field '61'"),
        ("* 24 * * *", "hour field '24'"),
        ("* * 32 * *", "day-of-month field '32'"),
        ("* * * 13 *", "month field '13'"),
        ("* * * * MUN", "day-of-week field 'MUN'"),
        ("* * * * * 60", "second field '60'"),
        ("*/0 * * * *", "minute field '*/0'"),
        ("5-1 * * * *", "minute field '5-1'"),
        ("R * * * *", "minute field 'R'"),
        ("* * * *", "has 4 fields"),
        ("* * * * * * *", "has 7 fields"),
        ("@never", "has 1 fields"),
        ("0 0 31 2,4 *", "never matches"),
    ],
)
def test_a_wrong_expression_is_refused_by_the_name_of_its_field(expression: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        schedule.check(schedule.Terms(CronRule(expression)))
    (fault,) = caught.value.faults
    assert fault.field == "rule.cron.expression"
    assert words in fault.description


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        schedule.check(schedule.Terms(CronRule("0 0 * * *", "Mars/Olympus")))
    assert caught.value.faults[0].field == "rule.cron.time_zone"
