from __future__ import annotations

import datetime
import uuid

from headrace.ids import uuid7
from headrace_notification.rules.automations import Automation, DoNothing, Steer
from headrace_notification.rules.buckets import Outcome
from headrace_notification.rules.deliveries import Status
from headrace_notification.rules.firings import Firing, deliveries_of
from headrace_notification.rules.triggers import EventTrigger
from headrace_notification.usecases.circles import MOST_TURNS, Turns

NOW = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
AUTOMATION = Automation(
    uuid7(), uuid7(), "resume it", EventTrigger(), actions=(Steer("resume_deployment", None), DoNothing())
)


def a_firing(seconds: float, resource: str = "headrace.deployment.1") -> Firing:
    about = {"id": resource, "name": "etl", "labels": {}}
    event = {"id": str(uuid.uuid4()), "name": "paused", "resource": about, "related": []}
    return Firing(AUTOMATION, Outcome.FIRED, NOW + datetime.timedelta(seconds=seconds), event)


def test_who_fires_too_often_for_one_thing_changes_nothing_until_a_minute_is_over() -> None:
    turns = Turns()
    assert not any(turns.too_many(a_firing(place / 10)) for place in range(MOST_TURNS))
    refused = turns.too_many(a_firing(MOST_TURNS / 10))
    assert "circles" in refused
    assert not turns.too_many(a_firing(7.0, "headrace.deployment.2"))
    assert not turns.too_many(a_firing(60.0))
    changing, harmless = deliveries_of(a_firing(7.0), uuid7, refused)
    assert (changing.status, changing.last_answer) == (Status.DEAD, refused)
    assert (harmless.status, harmless.last_answer) == (Status.PENDING, "")


def test_what_fires_now_and_then_is_never_too_often() -> None:
    turns = Turns()
    assert not any(turns.too_many(a_firing(place * 1.1)) for place in range(5 * MOST_TURNS))
