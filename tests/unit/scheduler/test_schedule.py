"""Slots of schedules, and which of their runs are made when."""

from __future__ import annotations

import datetime
import itertools
import uuid
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from headrace_scheduler.rules import lookahead, schedule
from headrace_scheduler.rules.calendar import Blackout
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.interval import IntervalRule
from headrace_scheduler.rules.recurrence import RecurrenceRule
from headrace_scheduler.rules.schedule import CatchUp, Schedule, Terms

UTC = datetime.UTC
NOW = datetime.datetime(2026, 5, 1, 12, 0, 5, tzinfo=UTC)
SECOND = datetime.timedelta(seconds=1)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
HOURLY = CronRule("0 * * * *")
EVERY_MINUTE = CronRule("* * * * *")


def a_schedule(rule: schedule.Rule, **changes: Any) -> Schedule:
    terms = {name: changes.pop(name) for name in ("starts_at", "ends_at", "blackouts") if name in changes}
    facts: dict[str, Any] = {
        "schedule_id": uuid.UUID(int=7),
        "deployment_id": uuid.UUID(int=8),
        "slug": "s",
        "terms": Terms(rule, **terms),
        "active": True,
        "parameters": {},
        "catch_up": CatchUp.ALL,
        "maximum_lateness_seconds": None,
        "jitter_seconds": 0.0,
        "created_at": NOW,
        "updated_at": NOW,
        "cursor_at": NOW,
        "next_at": NOW,
    }
    return Schedule(**(facts | changes))


def clock(moments: Any) -> list[str]:
    return [f"{moment:%d %H:%M:%S}" for moment in moments]


def test_whole_day_intervals_keep_the_wall_clock_and_shorter_ones_the_elapsed_time() -> None:
    anchor = datetime.datetime(2026, 3, 1, 8, tzinfo=UTC)
    after = datetime.datetime(2026, 3, 28, 7, 30, tzinfo=UTC)
    daily = schedule.moments(IntervalRule(DAY, anchor, "Europe/Berlin"), after)
    assert clock(itertools.islice(daily, 3)) == ["28 08:00:00", "29 07:00:00", "30 07:00:00"]
    half = schedule.moments(IntervalRule(12 * HOUR, anchor, "Europe/Berlin"), after)
    assert clock(itertools.islice(half, 4)) == ["28 08:00:00", "28 20:00:00", "29 08:00:00", "29 20:00:00"]


def test_an_interval_has_its_anchor_before_and_after() -> None:
    rule = IntervalRule(7 * MINUTE, NOW + DAY)
    for after in (NOW - DAY, NOW, NOW + 2 * DAY):
        moment = next(schedule.moments(rule, after))
        assert after < moment <= after + 7 * MINUTE
        assert (moment - (NOW + DAY)) % (7 * MINUTE) == datetime.timedelta()


@hypothesis.given(seconds=st.integers(1, 10**7), anchor=st.integers(-(10**9), 10**9), after=st.integers(0, 10**9))
def test_an_interval_leaves_no_moment_out(seconds: int, anchor: int, after: int) -> None:
    epoch = datetime.datetime(2000, 1, 1, tzinfo=UTC)
    rule = IntervalRule(seconds * SECOND, epoch + anchor * SECOND)
    first, second = itertools.islice(schedule.moments(rule, epoch + after * SECOND), 2)
    number = (after - anchor) // seconds + 1
    assert first == epoch + (anchor + number * seconds) * SECOND
    assert second - first == seconds * SECOND


def test_start_end_and_blackouts_bound_the_slots() -> None:
    terms = Terms(
        HOURLY,
        starts_at=NOW.replace(hour=14, second=0),
        ends_at=NOW.replace(hour=20, second=0),
        blackouts=(
            Blackout(NOW.replace(hour=15, second=0), NOW.replace(hour=17, second=0)),
            Blackout(NOW.replace(hour=18, minute=30), NOW.replace(hour=19, minute=30)),
        ),
    )
    assert clock(schedule.slots(terms, NOW)) == ["01 14:00:00", "01 17:00:00", "01 18:00:00"]


def test_a_long_blackout_is_leapt_over() -> None:
    blackout = Blackout(NOW, NOW + 9 * 365 * DAY)
    terms = Terms(CronRule("* * * * * *"), blackouts=(blackout,))
    assert next(schedule.slots(terms, NOW)) == blackout.until_at
    assert list(schedule.slots(Terms(HOURLY, blackouts=(Blackout(NOW, None),)), NOW)) == []
    assert next(schedule.slots(Terms(HOURLY, blackouts=(Blackout(None, NOW + DAY),)), NOW)) > NOW + DAY


def test_the_latest_slot_is_found_without_stepping_through_the_past() -> None:
    since = NOW - 40 * 365 * DAY
    assert schedule.latest_slot(Terms(CronRule("* * * * * *")), since, NOW) == NOW
    assert schedule.latest_slot(Terms(CronRule("0 0 1 1 *")), since, NOW) == datetime.datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule.latest_slot(Terms(HOURLY), NOW - SECOND, NOW) is None


def test_terms_are_refused_field_by_field() -> None:
    terms = Terms(
        IntervalRule(datetime.timedelta(milliseconds=10)),
        starts_at=NOW,
        ends_at=NOW,
        blackouts=(Blackout(None, None), Blackout(NOW, NOW - DAY)),
    )
    with pytest.raises(Invalid) as caught:
        schedule.check(terms)
    assert [fault.field for fault in caught.value.faults] == [
        "rule.interval.every",
        "ends_at",
        "blackouts[0]",
        "blackouts[1].until",
    ]


def test_jitter_is_the_same_each_time_spread_out_and_below_its_bound() -> None:
    jittered = a_schedule(HOURLY, jitter_seconds=600.0)
    slots = list(itertools.islice(schedule.slots(jittered.terms, NOW), 200))
    spans = [jittered.jitter_of(slot) for slot in slots]
    assert spans == [jittered.jitter_of(slot) for slot in slots]
    assert all(datetime.timedelta() <= span < 10 * MINUTE for span in spans)
    assert min(spans) < MINUTE
    assert max(spans) > 9 * MINUTE
    assert jittered.idempotency_key(slots[0]) == f"schedule:{jittered.schedule_id}:2026-05-01T13:00:00+00:00"


def test_slugs_of_schedules_without_one_follow_from_their_rules() -> None:
    first = schedule.default_slug(HOURLY, {"x": 1})
    assert first == schedule.default_slug(CronRule("0 * * * *"), {"x": 1})
    assert len({first, schedule.default_slug(HOURLY, {"x": 2}), schedule.default_slug(EVERY_MINUTE, {"x": 1})}) == 3
    assert first.startswith("cron-")
    assert schedule.default_slug(RecurrenceRule("FREQ=DAILY"), {}).startswith("rrule-")


def test_a_rare_schedule_has_three_runs_ahead_and_is_looked_at_when_one_has_passed() -> None:
    weekly = a_schedule(CronRule("0 0 * * MON"))
    plan = lookahead.plan(weekly, NOW)
    assert clock(plan.slots) == ["04 00:00:00", "11 00:00:00", "18 00:00:00"]
    assert plan.next_at == plan.slots[0]
    assert plan.cursor_at == plan.slots[-1]


def test_a_frequent_schedule_has_an_hour_ahead_and_is_filled_in_batches() -> None:
    plan = lookahead.plan(a_schedule(EVERY_MINUTE), NOW)
    assert len(plan.slots) == 75
    assert plan.next_at == plan.slots[-1] - HOUR
    later = a_schedule(EVERY_MINUTE, cursor_at=plan.cursor_at, upcoming_at=plan.upcoming_at)
    assert plan.next_at is not None
    again = lookahead.plan(later, plan.next_at)
    assert again.slots[0] == plan.slots[-1] + MINUTE
    assert len(again.slots) == 15


def test_a_very_frequent_schedule_has_at_most_a_hundred_runs_ahead() -> None:
    plan = lookahead.plan(a_schedule(IntervalRule(SECOND)), NOW)
    assert len(plan.slots) == 100
    assert plan.next_at == plan.slots[50]


def test_a_schedule_that_ends_is_not_looked_at_again() -> None:
    plan = lookahead.plan(a_schedule(HOURLY, ends_at=NOW + 2 * HOUR), NOW)
    assert clock(plan.slots) == ["01 13:00:00", "01 14:00:00"]
    assert plan.next_at is None
    assert lookahead.plan(a_schedule(HOURLY, ends_at=NOW), NOW) == lookahead.Plan((), NOW, None, ())


@pytest.mark.parametrize(
    ("catch_up", "maximum_lateness", "expected"),
    [
        (CatchUp.ALL, None, ["01 09:00:00", "01 10:00:00", "01 11:00:00", "01 12:00:00"]),
        (CatchUp.ALL, 5400.0, ["01 11:00:00", "01 12:00:00"]),
        # The slot five seconds ago is not missed, only a little late.
        (CatchUp.LATEST, None, ["01 12:00:00"]),
        (CatchUp.SKIP, None, ["01 12:00:00"]),
    ],
)
def test_missed_times_follow_the_policy(catch_up: CatchUp, maximum_lateness: float | None, expected: list[str]) -> None:
    late = a_schedule(
        HOURLY,
        cursor_at=NOW - 3 * HOUR - MINUTE,
        catch_up=catch_up,
        maximum_lateness_seconds=maximum_lateness,
    )
    plan = lookahead.plan(late, NOW)
    assert clock(slot for slot in plan.slots if slot <= NOW) == expected
    assert plan.cursor_at > NOW


@pytest.mark.parametrize(
    ("catch_up", "maximum_lateness", "expected"),
    [
        (CatchUp.ALL, None, ["01 10:00:00", "01 11:00:00"]),
        (CatchUp.LATEST, None, ["01 11:00:00"]),
        (CatchUp.LATEST, 1800.0, ["01 11:00:00"]),
        (CatchUp.LATEST, 60.0, []),
        (CatchUp.SKIP, None, []),
    ],
)
def test_a_time_missed_long_ago(catch_up: CatchUp, maximum_lateness: float | None, expected: list[str]) -> None:
    now = NOW.replace(hour=11, minute=20)
    late = a_schedule(
        HOURLY,
        cursor_at=NOW.replace(hour=9, minute=30),
        catch_up=catch_up,
        maximum_lateness_seconds=maximum_lateness,
    )
    assert clock(slot for slot in lookahead.plan(late, now).slots if slot <= now) == expected


def test_many_missed_times_are_made_in_bounded_batches_and_each_once() -> None:
    late = a_schedule(EVERY_MINUTE, cursor_at=NOW - DAY)
    made: list[datetime.datetime] = []
    looks = 0
    while True:
        plan = lookahead.plan(late, NOW)
        made.extend(plan.slots)
        looks += 1
        late = a_schedule(EVERY_MINUTE, cursor_at=plan.cursor_at, upcoming_at=plan.upcoming_at)
        if plan.next_at is None or plan.next_at > NOW:
            break
    assert looks == 3
    assert made == schedule.slots_until(late.terms, NOW - DAY, plan.cursor_at, 10_000)


RULES = st.sampled_from(
    [
        EVERY_MINUTE,
        HOURLY,
        CronRule("30 2 * * *", "Europe/Berlin"),
        CronRule("0 9 * * MON-FRI", "America/New_York"),
        IntervalRule(37 * SECOND),
        IntervalRule(DAY, NOW, "Europe/Berlin"),
        RecurrenceRule("FREQ=WEEKLY;BYDAY=TU,SA;BYHOUR=3", "Australia/Lord_Howe"),
    ]
)


@hypothesis.given(rule=RULES, pauses=st.lists(st.integers(0, 300), min_size=1, max_size=6))
@hypothesis.settings(deadline=None, max_examples=60)
def test_whenever_it_is_looked_at_each_slot_is_made_once_and_in_time(rule: schedule.Rule, pauses: list[int]) -> None:
    """Looks come late by up to five minutes: with ALL no slot is lost, none is made twice."""
    facts = a_schedule(rule, cursor_at=NOW)
    now, made = NOW, list[datetime.datetime]()
    for pause in pauses:
        plan = lookahead.plan(facts, now)
        made.extend(plan.slots)
        ahead = [slot for slot in plan.upcoming_at if slot > now]
        assert len(ahead) >= lookahead.LEAST_RUNS
        assert len(ahead) == lookahead.MOST_RUNS or ahead[-1] >= now + HOUR
        assert plan.next_at is not None
        facts = a_schedule(rule, cursor_at=plan.cursor_at, upcoming_at=plan.upcoming_at)
        now = max(plan.next_at, now) + pause * SECOND
    assert made == schedule.slots_until(facts.terms, NOW, facts.cursor_at, 100_000)
