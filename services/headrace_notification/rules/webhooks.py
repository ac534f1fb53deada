"""Webhooks: addresses that other systems call, and how they tell who does."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_notification.rules.automations import Creator

REPLAY_WINDOW = datetime.timedelta(minutes=5)
LONGEST_WINDOW = datetime.timedelta(days=7)
LONGEST_GRACE = datetime.timedelta(days=7)
MOST_BYTES = 256 * 1024
MOST_PER_MINUTE = 600

UNSHOWN_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-headrace-token"})
"""Headers that templates do not get to see."""


class Authentication(enum.Enum):
    """How a webhook tells who calls it."""

    NONE = "none"
    TOKEN = "token"
    HEADRACE = "headrace"
    GITHUB = "github"
    STRIPE = "stripe"
    SLACK = "slack"


class Handshake(enum.Enum):
    """Whose question is answered by which a sender finds out whether it may call."""

    NONE = ""
    SLACK = "slack"
    META = "meta"
    MICROSOFT_GRAPH = "microsoft-graph"
    EVENT_GRID = "event-grid"
    DROPBOX = "dropbox"


@dataclasses.dataclass(frozen=True, slots=True)
class Related:
    """What else an event concerns; texts are templates."""

    resource_id: str
    role: str = ""
    name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class EventTemplate:
    """The event that a call becomes; texts are templates."""

    event_name: str
    resource_id: str = ""
    """"" is the webhook itself."""
    resource_name: str = ""
    related: tuple[Related, ...] = ()
    payload: Mapping[str, Any] | None = None
    """None is the body."""
    dedup_key: str = ""

    def texts(self) -> dict[str, str]:
        """Return the templates in it, by field, beside those of the payload."""
        texts = {
            "event_name": self.event_name,
            "resource_id": self.resource_id,
            "resource_name": self.resource_name,
            "dedup_key": self.dedup_key,
        }
        for place, related in enumerate(self.related):
            texts[f"related[{place}].resource_id"] = related.resource_id
            texts[f"related[{place}].name"] = related.name
        return texts


@dataclasses.dataclass(frozen=True, slots=True)
class Webhook:
    """An address that other systems call. What is secret is sealed."""

    webhook_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    slug: str
    template: EventTemplate
    description: str = ""
    paused: bool = False
    authentication: Authentication = Authentication.TOKEN
    secret: str = ""
    """Sealed; "" without authentication."""
    secret_before: str = ""
    """Sealed; taken until `grace_until`."""
    grace_until: datetime.datetime | None = None
    replay_window: datetime.timedelta = REPLAY_WINDOW
    most_bytes: int = MOST_BYTES
    most_per_minute: int = MOST_PER_MINUTE
    handshake: Handshake = Handshake.NONE
    creator: Creator = dataclasses.field(default_factory=Creator)
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    last_received_at: datetime.datetime | None = None
    received_count: int = 0
    last_error: str = ""
    last_error_at: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """What was sent to an address."""

    method: str
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, str]
    body: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """Who calls is known."""

    signature: str = ""
    """What was signed with, the same when the call is repeated; "" if nothing was."""


def prove(webhook: Webhook, call: Call, secrets: tuple[str, ...], now: datetime.datetime) -> Proof | None:
    """Return the proof that a call comes from who knows one of the secrets; None if it does not.

    A signature that names its time is proof only within the replay window of it.
    """
    for secret in secrets:
        proof = _prove(webhook, call, secret.encode(), now)
        if proof is not None:
            return proof
    return Proof() if webhook.authentication is Authentication.NONE else None


def _prove(webhook: Webhook, call: Call, secret: bytes, now: datetime.datetime) -> Proof | None:
    headers = call.headers
    match webhook.authentication:
        case Authentication.NONE:
            return Proof()
        case Authentication.TOKEN:
            given = headers.get("x-headrace-token") or _bearer(headers.get("authorization", ""))
            return Proof() if given and hmac.compare_digest(given.encode(), secret) else None
        case Authentication.GITHUB:
            given = headers.get("x-hub-signature-256", "").removeprefix("sha256=")
            return Proof(given) if _is_signed(secret, call.body, given) else None
        case Authentication.SLACK:
            moment = headers.get("x-slack-request-timestamp", "")
            signed = b"v0:" + moment.encode() + b":" + call.body
            given = headers.get("x-slack-signature", "").removeprefix("v0=")
            is_fresh = _is_fresh(moment, webhook.replay_window, now)
            return Proof(given) if is_fresh and _is_signed(secret, signed, given) else None
    name = "stripe-signature" if webhook.authentication is Authentication.STRIPE else "headrace-signature"
    parts = [part.strip().partition("=") for part in headers.get(name, "").split(",")[:MOST_SIGNATURES]]
    moment = next((value for key, _, value in parts if key == "t"), "")
    if not _is_fresh(moment, webhook.replay_window, now):
        return None
    for key, _, given in parts:
        if key == "v1" and _is_signed(secret, moment.encode() + b"." + call.body, given):
            return Proof(given)
    return None


MOST_SIGNATURES = 10
"""Signatures of one call that are looked at."""


def _bearer(value: str) -> str:
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_signed(secret: bytes, signed: bytes, given: str) -> bool:
    expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.lower().encode())


def _is_fresh(moment: str, window: datetime.timedelta, now: datetime.datetime) -> bool:
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12:
        return False
    return abs(now.timestamp() - int(moment)) <= window.total_seconds()


def digest_of(dedup_key: str, proof: Proof) -> bytes | None:
    """Return by what a call that comes again is known; None: it cannot be told from another."""
    if dedup_key:
        return hashlib.sha256(b"key:" + dedup_key.encode()).digest()
    return hashlib.sha256(b"signature:" + proof.signature.encode()).digest() if proof.signature else None


def template_document(template: EventTemplate) -> dict[str, Any]:
    """Return a template as JSON."""
    return {
        "event_name": template.event_name,
        "resource_id": template.resource_id,
        "resource_name": template.resource_name,
        "related": [dataclasses.asdict(related) for related in template.related],
        "payload": dict(template.payload) if template.payload is not None else None,
        "dedup_key": template.dedup_key,
    }


def template_from_document(document: Mapping[str, Any]) -> EventTemplate:
    """Return the template that JSON describes."""
    return EventTemplate(
        event_name=document["event_name"],
        resource_id=document["resource_id"],
        resource_name=document["resource_name"],
        related=tuple(Related(**related) for related in document["related"]),
        payload=document["payload"],
        dedup_key=document["dedup_key"],
    )
