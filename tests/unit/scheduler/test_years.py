"""Ten years of recurrence rules and intervals in several zones, on both edges of daylight saving time."""

from __future__ import annotations

import datetime
import itertools
import zoneinfo

import pytest

from headrace_harness import wall_clock
from headrace_scheduler.rules import interval, recurrence
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.recurrence import RecurrenceRule

UTC = datetime.UTC
START = datetime.datetime(2020, 1, 1, tzinfo=UTC)
END = datetime.datetime(2030, 1, 1, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"]
RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=0,30",
    "FREQ=WEEKLY;BYDAY=SU,SA;BYHOUR=2;BYMINUTE=30",
    "FREQ=MONTHLY;BYDAY=-1SU;BYHOUR=2;BYMINUTE=15",
    "FREQ=YEARLY;BYMONTH=3,4,10,11;BYDAY=1SU,2SU;BYHOUR=0,2",
]
EXCLUDED = [datetime.datetime(2024, 3, 31, 2, 30), datetime.datetime(2025, 11, 2, 1, 30)]  # noqa: DTZ001


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("text", RULES)
def test_recurrence_rules_fire_when_dateutil_and_the_clock_say(text: str, time_zone: str) -> None:
    first = datetime.datetime(2020, 1, 1, 2, 30)  # noqa: DTZ001
    exdates = ",".join(f"{moment:%Y%m%dT%H%M%S}" for moment in EXCLUDED)
    rule = RecurrenceRule(f"DTSTART:20200101T023000\nRRULE:{text}\nEXDATE:{exdates}", time_zone)
    zone = zoneinfo.ZoneInfo(time_zone)
    oracle = wall_clock.recurring(text, first, EXCLUDED, zone)
    expected = list(itertools.takewhile(lambda moment: moment <= END, oracle))
    actual = list(itertools.takewhile(lambda moment: moment <= END, recurrence.moments(rule, START - zone_span())))
    assert actual == expected
    assert len(expected) > 20


def zone_span() -> datetime.timedelta:
    """Return more than any zone is away from UTC."""
    return datetime.timedelta(days=2)


@pytest.mark.parametrize("time_zone", ZONES)
@pytest.mark.parametrize("days", [1, 7, 10])
def test_intervals_of_days_keep_the_time_on_the_wall_clock(days: int, time_zone: str) -> None:
    zone = zoneinfo.ZoneInfo(time_zone)
    anchor = datetime.datetime(2019, 6, 2, 2, 30, tzinfo=zone).astimezone(UTC)
    rule = IntervalRule(datetime.timedelta(days=days), anchor, time_zone)
    expected = list(itertools.takewhile(lambda moment: moment <= END, wall_clock.daily(anchor, days, zone, START)))
    actual = list(itertools.takewhile(lambda moment: moment <= END, interval.moments(rule, START)))
    assert actual == expected
