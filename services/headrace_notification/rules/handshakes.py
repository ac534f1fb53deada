"""Questions by which senders find out whether an address is theirs to call, before they send anything to it."""

from __future__ import annotations

import dataclasses
import hmac
import json
from typing import Any

from headrace_notification.rules.webhooks import Call, Handshake

LONGEST_CHALLENGE = 2048
"""Characters of what is sent back. Nobody's is longer, and nobody shall have the server say more."""

TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the sender wants to hear."""

    body: str
    media_type: str = TEXT
    needs_proof: bool = False
    """Whether the question itself has to prove who asks, as any other call does."""


def answer_of(handshake: Handshake, call: Call, secrets: tuple[str, ...]) -> Answer | None:
    """Return the answer to a call, if it is such a question; None if it is to become an event.

    Args:
        handshake: Whose question may come.
        call: What was sent.
        secrets: Those of the webhook that are taken now.
    """
    challenge: Any = None
    match handshake:
        case Handshake.SLACK:
            body = _document(call)
            if isinstance(body, dict) and body.get("type") == "url_verification":
                return _answer(body.get("challenge"), needs_proof=True)
        case Handshake.META:
            if call.method == "GET" and call.query.get("hub.mode") == "subscribe":
                given = call.query.get("hub.verify_token", "").encode()
                if any(hmac.compare_digest(given, secret.encode()) for secret in secrets):
                    challenge = call.query.get("hub.challenge")
        case Handshake.MICROSOFT_GRAPH:
            challenge = call.query.get("validationToken")
        case Handshake.DROPBOX:
            challenge = call.query.get("challenge") if call.method == "GET" else None
        case Handshake.EVENT_GRID:
            if call.headers.get("aeg-event-type", "").lower() == "subscriptionvalidation":
                return _event_grid(_document(call))
    return _answer(challenge)


def _event_grid(body: Any) -> Answer | None:
    event = body[0] if isinstance(body, list) and body else body
    data = event.get("data") if isinstance(event, dict) else None
    answer = _answer(data.get("validationCode") if isinstance(data, dict) else None)
    return Answer(json.dumps({"validationResponse": answer.body}), JSON) if answer is not None else None


def _answer(challenge: object, *, needs_proof: bool = False) -> Answer | None:
    if not isinstance(challenge, str) or not 0 < len(challenge) <= LONGEST_CHALLENGE:
        return None
    return Answer(challenge, needs_proof=needs_proof)


def _document(call: Call) -> Any:
    try:
        return json.loads(call.body)
    except (ValueError, RecursionError):
        return None
