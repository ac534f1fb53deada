"""Questions whether an address wants to be called are answered as each sender wants it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from headrace_notification.rules.handshakes import JSON, LONGEST_CHALLENGE, TEXT, Answer, answer_of
from headrace_notification.rules.webhooks import Call, Handshake

SECRETS = ("the secret", "the one before")


def a_call(method: str = "POST", body: Any = None, query: dict[str, str] | None = None, **headers: str) -> Call:
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return Call(method, {name.replace("_", "-"): value for name, value in headers.items()}, query or {}, content)


SLACK = {"token": "t", "challenge": "3eZbrw1a", "type": "url_verification"}
META = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "the secret"}
GRID = [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "512d38b6"}}]


@pytest.mark.parametrize(
    ("handshake", "call", "expected"),
    [
        (Handshake.SLACK, a_call(body=SLACK), Answer("3eZbrw1a", TEXT, needs_proof=True)),
        (Handshake.META, a_call("GET", query=META), Answer("1158201444")),
        (Handshake.META, a_call("GET", query={**META, "hub.verify_token": SECRETS[1]}), Answer("1158201444")),
        (Handshake.MICROSOFT_GRAPH, a_call(query={"validationToken": "Validation: 12"}), Answer("Validation: 12")),
        (Handshake.DROPBOX, a_call("GET", query={"challenge": "abc"}), Answer("abc")),
        (
            Handshake.EVENT_GRID,
            a_call(body=GRID, aeg_event_type="SubscriptionValidation"),
            Answer('{"validationResponse": "512d38b6"}', JSON),
        ),
    ],
)
def test_the_sender_hears_what_it_wants_to_hear(handshake: Handshake, call: Call, expected: Answer) -> None:
    assert answer_of(handshake, call, SECRETS) == expected
    assert answer_of(Handshake.NONE, call, SECRETS) is None


@pytest.mark.parametrize(
    ("handshake", "call"),
    [
        (Handshake.SLACK, a_call(body={"type": "event_callback", "challenge": "x"})),
        (Handshake.SLACK, a_call(body={"type": "url_verification", "challenge": 7})),
        (Handshake.SLACK, a_call(body=["url_verification"])),
        (Handshake.SLACK, a_call(body=b"{")),
        (Handshake.SLACK, a_call(body=b"[" * 100_000)),
        (Handshake.META, a_call("POST", query=META)),
        (Handshake.META, a_call("GET", query={**META, "hub.verify_token": "another"})),
        (Handshake.META, a_call("GET", query={**META, "hub.mode": "unsubscribe"})),
        (Handshake.MICROSOFT_GRAPH, a_call(query={"validationToken": ""})),
        (Handshake.MICROSOFT_GRAPH, a_call(query={"validationToken": "x" * (LONGEST_CHALLENGE + 1)})),
        (Handshake.DROPBOX, a_call("POST", query={"challenge": "abc"})),
        (Handshake.EVENT_GRID, a_call(body=GRID)),
        (Handshake.EVENT_GRID, a_call(body=[], aeg_event_type="SubscriptionValidation")),
        (Handshake.EVENT_GRID, a_call(body=[{"data": 3}], aeg_event_type="SubscriptionValidation")),
    ],
)
def test_what_is_no_such_question_is_none(handshake: Handshake, call: Call) -> None:
    assert answer_of(handshake, call, SECRETS) is None
