"""Recurrence rules against dateutil, which expands them in another way."""

from __future__ import annotations

import datetime
import itertools
import time

import hypothesis
import pytest
from dateutil import rrule
from hypothesis import strategies as st

from headrace_scheduler.rules import recurrence, schedule
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.recurrence import RecurrenceRule

UTC = datetime.UTC
START = datetime.datetime(2024, 1, 31, 9, 30, 15)  # noqa: DTZ001
FIRST = "DTSTART:20240131T093015\nRRULE:"


def numbers(least: int, most: int, *, signed: bool = False, size: int = 3) -> st.SearchStrategy[str]:
    values = st.integers(least, most)
    if signed:
        values = values | st.integers(-most, -least)
    return st.lists(values, min_size=1, max_size=size, unique=True).map(lambda found: ",".join(map(str, found)))


DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WEEKDAYS = st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True).map(",".join)
NTH_WEEKDAYS = st.lists(
    st.builds(
        "{}{}".format,
        st.sampled_from([1, 2, 3, 4, -1, -2]),
        st.sampled_from(DAYS),
    ),
    min_size=1,
    max_size=3,
    unique=True,
).map(",".join)


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"]))
    parts = {"FREQ": frequency}
    if draw(st.booleans()):
        most = 4 if frequency in ("YEARLY", "MONTHLY", "WEEKLY") else 200
        parts["INTERVAL"] = str(draw(st.integers(1, most)))
    options = {
        "BYMONTH": numbers(1, 12),
        "BYMONTHDAY": numbers(1, 31, signed=True),
        "BYHOUR": numbers(0, 23),
        "BYMINUTE": numbers(0, 59),
        "BYSECOND": numbers(0, 59),
        "BYDAY": (WEEKDAYS | NTH_WEEKDAYS) if frequency in ("YEARLY", "MONTHLY") else WEEKDAYS,
    }
    if frequency == "YEARLY":
        # Not weeks -52 and -53: where one is the first week, dateutil misses its days before New Year.
        weeks = numbers(1, 53) | numbers(1, 51, signed=True)
        options |= {"BYYEARDAY": numbers(1, 366, signed=True), "BYWEEKNO": weeks}
    for name in draw(st.lists(st.sampled_from(sorted(options)), max_size=3, unique=True)):
        parts[name] = draw(options[name])
    if draw(st.booleans()):
        parts["WKST"] = draw(st.sampled_from(["MO", "SU", "TH"]))
    if frequency in ("YEARLY", "MONTHLY", "DAILY") and set(parts) & set(options) and draw(st.booleans()):
        parts["BYSETPOS"] = draw(numbers(1, 5, signed=True, size=2))
    if draw(st.integers(0, 4)) == 0:
        parts["COUNT"] = str(draw(st.integers(1, 20)))
    return ";".join(f"{name}={value}" for name, value in parts.items())


# dateutil steps from the start, so a fine rule is compared near to it.
HOURS_AHEAD = {"YEARLY": 20_000, "MONTHLY": 20_000, "WEEKLY": 20_000, "DAILY": 20_000, "HOURLY": 500, "MINUTELY": 48}


@hypothesis.given(text=rules(), share=st.floats(0, 1))
@hypothesis.settings(max_examples=100, deadline=None, suppress_health_check=[hypothesis.HealthCheck.filter_too_much])
def test_rules_expand_as_dateutil_expands_them(text: str, share: float) -> None:
    frequency = text.split(";")[0].removeprefix("FREQ=")
    after = START + share * datetime.timedelta(hours=HOURS_AHEAD.get(frequency, 1))
    until = after + datetime.timedelta(days=1500 if frequency in ("YEARLY", "MONTHLY") else 60)
    found = (
        moment.replace(tzinfo=None)
        for moment in recurrence.moments(RecurrenceRule(FIRST + text), after.replace(tzinfo=UTC))
    )
    actual = list(itertools.islice(itertools.takewhile(lambda local: local <= until, found), 40))
    # Where nothing more comes dateutil searches up to the year 9999, so it is asked for what ours has found.
    hypothesis.assume(actual)
    expected = itertools.islice(rrule.rrulestr(text, dtstart=START).xafter(after), len(actual))
    assert actual == list(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Every second Tuesday of the month, the last workday, the last Sunday of March and October.
        ("FREQ=MONTHLY;BYDAY=2TU", ["2024-02-13", "2024-03-12", "2024-04-09"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["2024-01-31", "2024-02-29", "2024-03-29"]),
        ("FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", ["2024-03-31", "2024-10-27", "2025-03-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2024-01-31", "2024-03-31", "2024-05-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2024-01-31", "2024-02-29", "2024-03-31"]),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", ["2024-12-30", "2025-12-29", "2027-01-04"]),
        # Of 52 weeks the first is also the 52nd from the end; it may begin in the year before.
        ("FREQ=YEARLY;BYWEEKNO=-52;BYDAY=MO", ["2024-12-30", "2026-01-05", "2027-01-04"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU", ["2024-02-11", "2024-02-25", "2024-03-10"]),
        ("FREQ=DAILY;COUNT=2", ["2024-01-31", "2024-02-01"]),
        ("FREQ=DAILY;UNTIL=20240202", ["2024-01-31", "2024-02-01", "2024-02-02"]),
        # A weekday with a number and one without are a union.
        ("FREQ=MONTHLY;BYDAY=1MO,FR;BYMONTHDAY=1,2,3,4,5,6,7", ["2024-02-02", "2024-02-05", "2024-03-01"]),
    ],
)
def test_rules_of_the_standard(text: str, expected: list[str]) -> None:
    found = recurrence.moments(RecurrenceRule(FIRST + text), START.replace(tzinfo=UTC) - datetime.timedelta(days=1))
    assert [f"{moment:%Y-%m-%d}" for moment in itertools.islice(found, 3)] == expected


def test_exdate_rdate_and_exrule_take_away_and_add() -> None:
    rule = RecurrenceRule(
        "DTSTART;TZID=Europe/Berlin:20260601T090000\n"
        "RRULE:FREQ=DAILY;\n UNTIL=20260610T070000Z\n"
        "EXDATE;TZID=Europe/Berlin:20260602T090000,20260603T090000\n"
        "EXDATE:20260604T070000Z\n"
        "EXRULE:FREQ=WEEKLY;BYDAY=SA,SU\n"
        "RDATE:20260630T120000Z",
        "Europe/Berlin",
    )
    found = list(recurrence.moments(rule, datetime.datetime(2026, 1, 1, tzinfo=UTC)))
    assert [f"{moment:%m-%d %H:%M}" for moment in found] == [
        "06-01 07:00",
        "06-05 07:00",
        "06-08 07:00",
        "06-09 07:00",
        "06-10 07:00",
        "06-30 12:00",
    ]


def test_times_are_read_on_the_wall_clock_of_the_zone() -> None:
    rule = RecurrenceRule("DTSTART:20260101T023000\nRRULE:FREQ=DAILY", "Europe/Berlin")
    found = recurrence.moments(rule, datetime.datetime(2026, 3, 27, 12, tzinfo=UTC))
    assert [f"{moment:%d %H:%M}" for moment in itertools.islice(found, 3)] == ["28 01:30", "29 01:00", "30 00:30"]
    found = recurrence.moments(rule, datetime.datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert [f"{moment:%d %H:%M}" for moment in itertools.islice(found, 2)] == ["25 00:30", "26 01:30"]


def test_an_hourly_rule_fires_every_hour_on_both_edges() -> None:
    rule = RecurrenceRule("FREQ=HOURLY", "Europe/Berlin")
    found = itertools.islice(recurrence.moments(rule, datetime.datetime(2026, 1, 1, tzinfo=UTC)), 24 * 365)
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {datetime.timedelta(hours=1)}


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=1;BYSECOND=5;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=5",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=6",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=DAILY;UNTIL=20190101T000000Z",
    ],
)
def test_a_rule_that_never_yields_is_refused_soon(text: str) -> None:
    started = time.process_time()
    with pytest.raises(Invalid) as caught:
        schedule.check(schedule.Terms(RecurrenceRule(text)))
    assert caught.value.faults[0].field == "rule.recurrence.rule"
    assert "never yields" in caught.value.faults[0].description
    assert time.process_time() - started < 2


def test_a_rule_that_began_long_ago_is_not_stepped_through() -> None:
    rule = RecurrenceRule("DTSTART:19700101T000000\nRRULE:FREQ=SECONDLY;INTERVAL=10;BYDAY=MO")
    started = time.process_time()
    first = next(recurrence.moments(rule, datetime.datetime(2026, 11, 22, tzinfo=UTC)))
    assert first == datetime.datetime(2026, 11, 23, tzinfo=UTC)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "needs an RRULE"),
        ("FREQ=FORTNIGHTLY", "FREQ must be one of"),
        ("INTERVAL=2", "FREQ must be one of"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be a number from 1"),
        ("FREQ=DAILY;COUNT=99999999", "COUNT must be a number from 1"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR takes 0 to 23"),
        ("FREQ=DAILY;BYDAY=2MO", "BYDAY takes"),
        ("FREQ=DAILY;BYDAY=XX", "not a weekday"),
        ("FREQ=DAILY;BYEASTER=1", "does not take BYEASTER"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20300101", "COUNT or UNTIL, not both"),
        ("FREQ=DAILY;UNTIL=soon", "is not a date"),
        ("DTSTART:1969", "is not a date"),
        ("DTSTART:19691231\nRRULE:FREQ=DAILY", "before 1970"),
        ("DTSTART;TZID=Mars/Olympus:20260101\nRRULE:FREQ=DAILY", "IANA name"),
        ("SUMMARY:lunch", "does not take SUMMARY"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        schedule.check(schedule.Terms(RecurrenceRule(text)))
    assert words in caught.value.faults[0].description
