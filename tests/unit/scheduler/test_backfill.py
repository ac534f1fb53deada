"""Which runs a backfill consists of, and where it stands."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

from headrace_scheduler.rules import backfill
from headrace_scheduler.rules.backfill import Backfill, ItemState, Order, Progress, Status
from headrace_scheduler.rules.calendar import Calendar
from headrace_scheduler.rules.cron import CronRule
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.schedule import Terms

UTC = datetime.UTC
NOW = datetime.datetime(2026, 5, 1, tzinfo=UTC)


def day(number: int) -> datetime.datetime:
    return datetime.datetime(2026, 1, number, tzinfo=UTC)


def a_backfill(status: Status, concurrency: int = 0) -> Backfill:
    nobody = uuid.UUID(int=0)
    return Backfill(nobody, nobody, nobody, nobody, "b", status, "", concurrency, Order.ASC, Creator(), NOW, NOW)


def test_times_of_a_range_are_those_of_the_schedule_also_before_it_began() -> None:
    weekdays = Calendar("c", weekdays=(6, 7))
    terms = Terms(CronRule("0 0 * * *"), starts_at=NOW, calendars=(weekdays,))
    found = backfill.slots_between(terms, day(1), day(8))
    assert [slot.day for slot in found] == [1, 2, 5, 6, 7]
    with pytest.raises(Invalid, match="after from"):
        backfill.slots_between(terms, day(8), day(8))


def test_a_matrix_is_combined_with_each_time_in_the_order_asked_for() -> None:
    items = backfill.items([day(1), day(2)], {"region": ["eu", "us"]}, {"n": 1, "region": "none"}, "day", Order.DESC)
    assert [(item.number, item.parameters) for item in items] == [
        (1, {"n": 1, "region": "us", "day": "2026-01-02T00:00:00+00:00"}),
        (2, {"n": 1, "region": "eu", "day": "2026-01-02T00:00:00+00:00"}),
        (3, {"n": 1, "region": "us", "day": "2026-01-01T00:00:00+00:00"}),
        (4, {"n": 1, "region": "eu", "day": "2026-01-01T00:00:00+00:00"}),
    ]
    alone = backfill.items(None, {"a": [1, 2], "b": [True]}, {}, "", Order.ASC)
    assert [item.parameters for item in alone] == [{"a": 1, "b": True}, {"a": 2, "b": True}]


@pytest.mark.parametrize(
    ("slots", "matrix", "field"),
    [
        (None, {}, "range"),
        ([], {}, "range"),
        (None, {"a": 1}, "matrix.a"),
        (None, {"a": []}, "matrix.a"),
        (None, {"a": list(range(100)), "b": list(range(51))}, "matrix"),
    ],
)
def test_what_makes_no_backfill_is_refused(slots: Any, matrix: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        backfill.items(slots, matrix, {}, "", Order.ASC)
    assert [fault.field for fault in caught.value.faults] == [field]


@pytest.mark.parametrize(
    ("status", "counts", "expected"),
    [
        (Status.RUNNING, {ItemState.ACTIVE: 1}, Status.RUNNING),
        (Status.RUNNING, {ItemState.WAITING: 1, ItemState.COMPLETED: 1}, Status.RUNNING),
        (Status.RUNNING, {ItemState.COMPLETED: 2}, Status.COMPLETED),
        (Status.RUNNING, {ItemState.COMPLETED: 2, ItemState.FAILED: 1}, Status.FAILED),
        (Status.PAUSED, {ItemState.COMPLETED: 2}, Status.PAUSED),
        (Status.CANCELLING, {ItemState.ACTIVE: 1, ItemState.CANCELLED: 1}, Status.CANCELLING),
        (Status.CANCELLING, {ItemState.CANCELLED: 1}, Status.CANCELLED),
    ],
)
def test_a_backfill_is_over_when_its_runs_are(status: Status, counts: dict[ItemState, int], expected: Status) -> None:
    assert backfill.settled(a_backfill(status), Progress(counts)) is expected


def test_concurrency_is_a_limit_that_its_runs_share() -> None:
    assert a_backfill(Status.RUNNING).keyed_limits() == {}
    ((name, slots),) = a_backfill(Status.RUNNING, 3).keyed_limits().items()
    assert (name.startswith("deployment:"), ":key:backfill-" in name, slots) == (True, True, 3)
    assert a_backfill(Status.RUNNING, 3).window < a_backfill(Status.RUNNING).window
