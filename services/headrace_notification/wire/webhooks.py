"""Webhooks on the wire."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import webhook_pb2
from headrace.ids import uuid7
from headrace_chassis.values import from_time, storable, to_storable
from headrace_notification.rules.automations import Creator
from headrace_notification.rules.handshakes import Answer
from headrace_notification.rules.webhooks import (
    MOST_BYTES,
    MOST_PER_MINUTE,
    REPLAY_WINDOW,
    Authentication,
    Call,
    EventTemplate,
    Handshake,
    Related,
    Webhook,
)
from headrace_notification.wire.values import changed_fields, creator_to_proto, duration, parse_id, span, struct

CHANGEABLE = (
    "name",
    "description",
    "paused",
    "template",
    "replay_window",
    "most_bytes",
    "most_per_minute",
    "handshake",
)
"""What may be changed of a webhook."""

_AUTHENTICATION = "WEBHOOK_AUTHENTICATION_"
_HANDSHAKE = "WEBHOOK_HANDSHAKE_"


def webhook_from_proto(
    message: webhook_pb2.Webhook, workspace_id: uuid.UUID, creator: Creator, new_slug: str
) -> Webhook:
    """Return a new webhook as it was handed in.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    word = webhook_pb2.WebhookAuthentication.Name(message.authentication).removeprefix(_AUTHENTICATION)
    authentication = Authentication.TOKEN if word == "UNSPECIFIED" else Authentication[word]
    return Webhook(
        webhook_id=parse_id(message.webhook_id, "webhook.webhook_id") if message.webhook_id else uuid7(),
        workspace_id=workspace_id,
        slug=message.slug or new_slug,
        authentication=authentication,
        creator=creator,
        **{name: _field(message, name) for name in CHANGEABLE},
    )


def changes_from_proto(message: webhook_pb2.Webhook, mask: FieldMask) -> dict[str, Any]:
    """Return the new values that a mask names; without a mask, of the fields that are set.

    Raises:
        errors.InvalidArgument: The fields that are wrong, or a path that cannot be changed.
    """
    return {name: _field(message, name) for name in changed_fields(message, mask, CHANGEABLE)}


def _field(message: webhook_pb2.Webhook, name: str) -> Any:
    match name:
        case "template":
            return _template(message.template)
        case "replay_window":
            given = message.HasField("replay_window")
            return span(message.replay_window, "webhook.replay_window") if given else REPLAY_WINDOW
        case "most_bytes":
            return message.most_bytes or MOST_BYTES
        case "most_per_minute":
            return message.most_per_minute or MOST_PER_MINUTE
        case "handshake":
            word = webhook_pb2.WebhookHandshake.Name(message.handshake).removeprefix(_HANDSHAKE)
            return Handshake.NONE if word == "UNSPECIFIED" else Handshake[word]
    value = getattr(message, name)
    return storable(value) if isinstance(value, str) else value


def _template(message: webhook_pb2.WebhookTemplate) -> EventTemplate:
    return EventTemplate(
        event_name=storable(message.event_name),
        resource_id=storable(message.resource_id),
        resource_name=storable(message.resource_name),
        related=tuple(
            Related(storable(one.resource_id), storable(one.role), storable(one.name)) for one in message.related
        ),
        payload=to_storable(message.payload) if message.HasField("payload") else None,
        dedup_key=storable(message.dedup_key),
    )


def webhook_to_proto(webhook: Webhook) -> webhook_pb2.Webhook:
    """Return a webhook as it goes over the wire, without its secret."""
    template = webhook.template
    message = webhook_pb2.WebhookTemplate(
        event_name=template.event_name,
        resource_id=template.resource_id,
        resource_name=template.resource_name,
        related=[
            webhook_pb2.WebhookRelated(resource_id=one.resource_id, role=one.role, name=one.name)
            for one in template.related
        ],
        dedup_key=template.dedup_key,
    )
    if template.payload is not None:
        message.payload.CopyFrom(struct(template.payload))
    return webhook_pb2.Webhook(
        webhook_id=str(webhook.webhook_id),
        name=webhook.name,
        description=webhook.description,
        slug=webhook.slug,
        paused=webhook.paused,
        authentication=webhook_pb2.WebhookAuthentication.Value(_AUTHENTICATION + webhook.authentication.name),
        template=message,
        replay_window=duration(webhook.replay_window),
        most_bytes=webhook.most_bytes,
        most_per_minute=webhook.most_per_minute,
        creator=creator_to_proto(webhook.creator),
        created_at=from_time(webhook.created_at),
        updated_at=from_time(webhook.updated_at),
        last_received_at=from_time(webhook.last_received_at),
        received_count=webhook.received_count,
        last_error=webhook.last_error,
        last_error_at=from_time(webhook.last_error_at),
        handshake=webhook_pb2.WebhookHandshake.Value(_HANDSHAKE + webhook.handshake.name),
    )


def call_from_proto(message: webhook_pb2.ReceiveWebhookRequest) -> Call:
    """Return what was sent to an address."""
    headers = {name.lower(): value for name, value in message.headers.items()}
    return Call(message.method.upper(), headers, dict(message.query), message.body)


def answer_to_proto(answer: Answer) -> webhook_pb2.ReceiveWebhookResponse:
    """Return what a question about an address is answered with."""
    return webhook_pb2.ReceiveWebhookResponse(answer=answer.body, answer_type=answer.media_type)
