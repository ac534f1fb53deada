"""Calendars, keys of runs, and how late the runs of a schedule may start."""

from __future__ import annotations

import datetime
import itertools
import uuid
from typing import Any

import pytest

from headrace_scheduler.rules import calendar, keys, schedule
from headrace_scheduler.rules.calendar import Blackout, Calendar
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.schedule import CatchUp, GivenSchedule, Terms

UTC = datetime.UTC


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_days_of_a_calendar_are_days_of_its_zone_also_where_the_clock_changes() -> None:
    berlin = Calendar("c", time_zone="Europe/Berlin", dates=("2026-03-29",))
    span = berlin.covering(at("2026-03-29T12:00"))
    assert span == Blackout(at("2026-03-28T23:00"), at("2026-03-29T22:00"))
    assert berlin.covering(at("2026-03-28T22:59")) is None
    assert berlin.covering(at("2026-03-29T22:00")) is None


def test_slots_skip_weekends_holidays_and_spans() -> None:
    office = Calendar(
        "office",
        dates=("2026-12-24", "12-25"),
        weekdays=(6, 7),
        blackouts=(Blackout(at("2026-12-28T00:00"), at("2026-12-30T00:00")),),
    )
    terms = Terms(CronRule("0 5 * * *"), calendars=(office,))
    found = itertools.islice(schedule.slots(terms, at("2026-12-22T06:00")), 3)
    assert [f"{slot:%Y-%m-%d}" for slot in found] == ["2026-12-23", "2026-12-30", "2026-12-31"]
    yearly = itertools.islice(schedule.slots(terms, at("2028-12-22T06:00")), 2)
    assert [f"{slot:%m-%d}" for slot in yearly] == ["12-26", "12-27"]


def test_a_schedule_that_its_calendar_leaves_nothing_ends() -> None:
    terms = Terms(CronRule("0 5 * * MON"), calendars=(Calendar("c", weekdays=(1,)),))
    assert next(schedule.slots(terms, at("2026-01-01T00:00")), None) is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dates": ("25.12.2026",)}, "dates[0]"),
        ({"dates": ("2026-12-24", "02-30")}, "dates[1]"),
        ({"weekdays": (1, 2, 3, 4, 5, 6, 7)}, "weekdays"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"blackouts": (Blackout(None, None),)}, "blackouts[0]"),
    ],
)
def test_a_wrong_calendar_is_refused_by_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        calendar.check(Calendar("c", **fields))
    assert [fault.field for fault in caught.value.faults] == [field]


def lateness(catch_up: CatchUp, given: float | None, rule: str = "*/5 * * * *") -> float | None:
    """Return how late the run of a slot may start."""
    now = at("2026-01-01T00:00")
    wanted = GivenSchedule("s", Terms(CronRule(rule)), True, {}, catch_up, given)
    made = schedule.begin(wanted, uuid.UUID(int=1), uuid.UUID(int=2), now, is_paused=False)
    return made.lateness_of(at("2026-01-01T00:05"))


def test_runs_that_nobody_took_are_caught_up_with_by_the_policy() -> None:
    assert lateness(CatchUp.ALL, None) is None
    assert lateness(CatchUp.ALL, 900) == 900
    assert lateness(CatchUp.LATEST, None) == 300
    assert lateness(CatchUp.LATEST, 20) == 20
    assert lateness(CatchUp.SKIP, None) == 60
    assert lateness(CatchUp.SKIP, 900) == 60


def test_keys_are_made_of_parameters_and_stay_short() -> None:
    template = "{{ customer.id }}/{{ region }}"
    keys.check(template)
    assert keys.render(template, {"customer": {"id": 7}, "region": "eu"}) == "7/eu"
    assert keys.render(template, {"region": None}) == "/"
    long = keys.render(template, {"customer": {"id": "x" * 500}, "region": "eu"})
    other = keys.render(template, {"customer": {"id": "x" * 500}, "region": "us"})
    assert len(long) < 100
    assert long != other
    assert "\n" not in keys.render("{{ a }}", {"a": "x\ny"})
    for wrong in ("customer", "{{ customer", "{{ a }} {{ 1+1 }}"):
        with pytest.raises(Invalid):
            keys.check(wrong)
