from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

from headrace.ids import uuid7
from headrace_notification.rules import deliveries
from headrace_notification.rules.automations import (
    Automation,
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    RunDeployment,
    SendRunInput,
    action_document,
    action_from_document,
    trigger_document,
    trigger_from_document,
)
from headrace_notification.rules.deliveries import Answer, Result, Status, after_try, judge_status
from headrace_notification.rules.signing import signature
from headrace_notification.rules.triggers import EventTrigger, Posture
from headrace_notification.rules.validity import fault_of_url, faults_of, origin_of


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, Result.DONE),
        (204, Result.DONE),
        (301, Result.REFUSED),
        (304, Result.REFUSED),
        (400, Result.REFUSED),
        (404, Result.REFUSED),
        (408, Result.AGAIN),
        (409, Result.AGAIN),
        (425, Result.AGAIN),
        (429, Result.AGAIN),
        (500, Result.AGAIN),
        (503, Result.AGAIN),
    ],
)
def test_what_an_http_status_means(status: int, result: Result) -> None:
    assert judge_status(status) is result


def test_tries_become_rarer_and_end() -> None:
    again = Answer(Result.AGAIN)
    delays = [after_try(again, tries, 0.5).delay_seconds for tries in range(1, deliveries.MOST_TRIES)]
    assert delays[:5] == [1, 2, 4, 8, 16]
    assert delays == sorted(delays)
    assert delays[-1] == deliveries.LONGEST_DELAY_SECONDS
    assert after_try(again, deliveries.MOST_TRIES, 0.5).status is Status.DEAD
    assert after_try(Answer(Result.DONE), 1, 0.5).status is Status.DELIVERED
    assert after_try(Answer(Result.REFUSED), 1, 0.5).status is Status.DEAD


def test_tries_vary_and_wait_as_long_as_they_are_asked_to() -> None:
    assert [after_try(Answer(Result.AGAIN), 3, chance).delay_seconds for chance in (0.0, 1.0)] == [3, 5]
    for asked, expected in ((0.1, 1.0), (60.0, 60.0), (1e9, deliveries.LONGEST_DELAY_SECONDS)):
        assert after_try(Answer(Result.AGAIN, retry_after_seconds=asked), 1, 0.5).delay_seconds == expected


def test_a_signature_is_of_the_time_and_the_body() -> None:
    # Known answer: echo -n '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    assert signature("secret", 1700000000, b'{"a":1}') == (
        "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686"
    )


@pytest.mark.parametrize(
    "action",
    [
        CallWebhook("https://x/", "PUT", {"A": "sealed"}, "{{ event }}", "sealed", True),
        RunDeployment(uuid7(), {"a": [1, {"b": None}]}),
        RunDeployment(),
        ChangeFlowRunState(uuid7(), "CRASHED", "Gone", "m", True),
        ChangeFlowRunState(None, "FAILED"),
        CancelFlowRun(uuid7()),
        CancelFlowRun(),
        SendRunInput(uuid7(), "event-0"),
        SendRunInput(None, "k"),
    ],
)
def test_actions_come_back_from_the_database_as_they_went(action: Any) -> None:
    document = action_document(action)
    assert action_from_document(document) == action
    assert action_from_document({**document, "field_of_a_later_version": 1}) == action


def test_triggers_come_back_from_the_database_as_they_went() -> None:
    trigger = EventTrigger(
        Posture.PROACTIVE,
        {"a": ("b", "!c")},
        ({"d": ("e*",)}, {}),
        ("f",),
        ("g", "h*"),
        ("i",),
        3,
        datetime.timedelta(seconds=90, milliseconds=250),
    )
    assert trigger_from_document(trigger_document(trigger)) == trigger


@pytest.mark.parametrize(
    ("url", "is_fine"),
    [
        ("https://hooks.example.com/services/T/B/x?y=z#f", True),
        ("http://[2001:db8::1]:8080/", True),
        ("http://bücher.example/", True),
        ("//x/", False),
        ("file:///etc/passwd", False),
        ("gopher://x/", False),
        ("http://", False),
        ("http://x:0/", False),
        ("http://x:70000/", False),
        ("http://[::1/", False),
        ("http://a:b@x/", False),
        ("http://x\n/", False),
    ],
)
def test_which_urls_are_fine(url: str, is_fine: bool) -> None:
    assert (fault_of_url(url) is None) == is_fine


def test_the_origin_of_a_url_is_who_gets_the_secrets() -> None:
    assert origin_of("https://X.example/a") == origin_of("https://x.example/b?c")
    assert origin_of("https://x.example/") != origin_of("http://x.example/")
    assert origin_of("https://x.example/") != origin_of("https://x.example:8443/")


def an_automation(**fields: Any) -> Automation:
    given: dict[str, Any] = {
        "automation_id": uuid.UUID(int=1),
        "workspace_id": uuid.UUID(int=2),
        "name": "n",
        "trigger": EventTrigger(),
        "actions": (CancelFlowRun(),),
    }
    return Automation(**{**given, **fields})


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"trigger": EventTrigger(Posture.PROACTIVE, within=datetime.timedelta(seconds=9))}, "trigger.event.within"),
        ({"trigger": EventTrigger(within=datetime.timedelta(days=400))}, "trigger.event.within"),
        ({"trigger": EventTrigger(within=-datetime.timedelta(1))}, "trigger.event.within"),
        ({"trigger": EventTrigger(threshold=0)}, "trigger.event.threshold"),
        ({"trigger": EventTrigger(expect=("",))}, "trigger.event.expect"),
        ({"trigger": EventTrigger(for_each=("x",) * 101)}, "trigger.event.for_each"),
        ({"trigger": EventTrigger(match={"x": ()})}, "trigger.event.match[x]"),
        ({"trigger": EventTrigger(match_related=({"": ("x",)},))}, "trigger.event.match_related[0][]"),
        ({"tags": ("x",) * 101}, "tags"),
        ({"actions_on_resolve": (CancelFlowRun(),)}, "actions_on_resolve"),
    ],
)
def test_what_makes_an_automation_useless_is_named(fields: dict[str, Any], path: str) -> None:
    assert [fault[0] for fault in faults_of(an_automation(**fields))] == [path]


def test_a_sound_automation_has_no_fault() -> None:
    assert faults_of(an_automation()) == []
