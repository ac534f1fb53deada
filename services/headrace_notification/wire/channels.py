"""Channels and deliveries to them, to and from protobuf."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import channel_pb2, delivery_pb2
from headrace.ids import uuid7
from headrace_chassis.values import from_time, storable, to_storable
from headrace_notification.rules.channel_deliveries import ChannelDelivery, ChannelDeliveryStatus, Try
from headrace_notification.rules.channels import Channel, Escalation, Policy, QuietHours
from headrace_notification.rules.kinds.base import Kind
from headrace_notification.rules.kinds.registry import schema_of, secret_fields
from headrace_notification.rules.messages import Message, Severity
from headrace_notification.wire.values import changed_fields, duration, parse_id, span, struct

FIELDS = ("name", "description", "kind", "paused", "config", "policy")
"""Fields of a channel that can be changed."""


def channel_from_proto(message: channel_pb2.Channel, workspace_id: uuid.UUID) -> Channel:
    """Return a new channel as it was handed in, secrets in the clear.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    values = {field: _field(message, field) for field in FIELDS}
    return Channel(
        channel_id=parse_id(message.channel_id, "channel.channel_id") if message.channel_id else uuid7(),
        workspace_id=workspace_id,
        **values,
    )


def changes_from_proto(message: channel_pb2.Channel, mask: FieldMask) -> dict[str, Any]:
    """Return the new values that a mask names; without a mask, of the fields that are set.

    Raises:
        errors.InvalidArgument: The fields that are wrong, or a path that cannot be changed.
    """
    return {name: _field(message, name) for name in changed_fields(message, mask, FIELDS)}


def _field(message: channel_pb2.Channel, name: str) -> Any:
    value = getattr(message, name)
    if name == "config":
        return to_storable(value)
    if name == "policy":
        return _policy(value)
    return storable(value) if isinstance(value, str) else value


def _policy(message: channel_pb2.ChannelPolicy) -> Policy:
    path = "channel.policy"
    quiet = escalation = None
    if message.HasField("quiet_hours"):
        hours = message.quiet_hours
        quiet = QuietHours(
            hours.begins_at,
            hours.ends_at,
            storable(hours.zone) or "UTC",
            tuple(sorted(set(hours.days))),
            Severity(hours.passes) if hours.passes else Severity.CRITICAL,
        )
    if message.HasField("escalation"):
        after = span(message.escalation.after, f"{path}.escalation.after")
        to = parse_id(message.escalation.channel_id, f"{path}.escalation.channel_id")
        escalation = Escalation(after.total_seconds(), to)
    return Policy(
        most_per_minute=message.most_per_minute,
        group_seconds=span(message.group_within, f"{path}.group_within").total_seconds(),
        quiet_hours=quiet,
        escalation=escalation,
        most_tries=message.most_tries,
    )


def channel_to_proto(channel: Channel) -> channel_pb2.Channel:
    """Return a channel as it goes over the wire, without its secrets."""
    return channel_pb2.Channel(
        channel_id=str(channel.channel_id),
        name=channel.name,
        description=channel.description,
        kind=channel.kind,
        paused=channel.paused,
        config=struct(channel.config),
        policy=_policy_to_proto(channel.policy),
        created_at=from_time(channel.created_at),
        updated_at=from_time(channel.updated_at),
        held_until=from_time(channel.held_until),
    )


def _policy_to_proto(policy: Policy) -> channel_pb2.ChannelPolicy:
    message = channel_pb2.ChannelPolicy(most_per_minute=policy.most_per_minute, most_tries=policy.most_tries)
    if policy.group_seconds:
        message.group_within.CopyFrom(_seconds(policy.group_seconds))
    if policy.quiet_hours is not None:
        quiet = policy.quiet_hours
        message.quiet_hours.CopyFrom(
            channel_pb2.QuietHours(
                begins_at=quiet.begins_at,
                ends_at=quiet.ends_at,
                zone=quiet.zone,
                days=quiet.days,
                passes=_severity(quiet.passes),
            )
        )
    if policy.escalation is not None:
        message.escalation.after.CopyFrom(_seconds(policy.escalation.after_seconds))
        message.escalation.channel_id = str(policy.escalation.channel_id)
    return message


def _seconds(seconds: float) -> Any:
    return duration(datetime.timedelta(seconds=seconds))


def _severity(severity: Severity) -> channel_pb2.Severity.ValueType:
    return channel_pb2.Severity.Value(f"SEVERITY_{severity.name}")


def kind_to_proto(kind: Kind) -> channel_pb2.ChannelKind:
    """Return a kind of channels as it goes over the wire."""
    return channel_pb2.ChannelKind(
        kind=kind.kind,
        title=kind.title,
        description=kind.description,
        schema=struct(schema_of(kind.kind)),
        secret_fields=secret_fields(kind.kind),
        most_per_minute=kind.most_per_minute,
        documentation_url=kind.documentation_url,
    )


def message_from_proto(message: channel_pb2.Message) -> Message:
    """Return a message as it was handed in."""
    return Message(
        subject=message.subject,
        body=message.body,
        severity=Severity(message.severity) if message.severity else Severity.INFO,
        link=message.link,
        facts=tuple((fact.name, fact.value) for fact in message.facts),
        links=tuple((link.text, link.url) for link in message.links),
        incident_key=message.incident_key,
        resolves=message.resolves,
        plural=message.plural,
    )


def message_to_proto(message: Message) -> channel_pb2.Message:
    """Return a message as it goes over the wire."""
    return channel_pb2.Message(
        subject=message.subject,
        body=message.body,
        severity=_severity(message.severity),
        link=message.link,
        facts=[channel_pb2.Fact(name=name, value=value) for name, value in message.facts],
        links=[channel_pb2.MessageLink(text=text, url=url) for text, url in message.links],
        incident_key=message.incident_key,
        resolves=message.resolves,
        plural=message.plural,
    )


def statuses_from_proto(
    statuses: Iterable[delivery_pb2.ChannelDeliveryStatus.ValueType],
) -> tuple[ChannelDeliveryStatus, ...]:
    """Return statuses.

    Raises:
        errors.InvalidArgument: One of them is none.
    """
    try:
        names = [delivery_pb2.ChannelDeliveryStatus.Name(status) for status in statuses]
        return tuple(ChannelDeliveryStatus(name.removeprefix("CHANNEL_DELIVERY_STATUS_")) for name in names)
    except ValueError:
        raise errors.InvalidArgument.of_field("statuses", "must be known statuses") from None


def _id(identifier: uuid.UUID | None) -> str:
    return str(identifier) if identifier is not None else ""


def delivery_to_proto(delivery: ChannelDelivery) -> delivery_pb2.ChannelDelivery:
    """Return a delivery as it goes over the wire."""
    return delivery_pb2.ChannelDelivery(
        channel_delivery_id=str(delivery.channel_delivery_id),
        channel_id=str(delivery.channel_id),
        channel_name=delivery.channel_name,
        channel_kind=delivery.channel_kind,
        message=message_to_proto(delivery.message),
        status=delivery_pb2.ChannelDeliveryStatus.Value(f"CHANNEL_DELIVERY_STATUS_{delivery.status.value}"),
        tries=delivery.tries,
        next_try_at=from_time(delivery.next_try_at),
        last_answer=delivery.last_answer,
        last_status_code=delivery.last_status_code,
        created_at=from_time(delivery.created_at),
        ended_at=from_time(delivery.ended_at),
        dedup_key=delivery.dedup_key,
        event_id=_id(delivery.event_id),
        automation_id=_id(delivery.automation_id),
        flow_run_id=_id(delivery.flow_run_id),
        digest_id=_id(delivery.digest_id),
        grouped=delivery.grouped,
        acknowledged_at=from_time(delivery.acknowledged_at),
        acknowledged_by=delivery.acknowledged_by,
        escalates_at=from_time(delivery.escalates_at),
        escalated_to_id=_id(delivery.escalated_to_id),
        escalation_of_id=_id(delivery.escalation_of_id),
    )


def try_to_proto(one: Try) -> delivery_pb2.ChannelDeliveryTry:
    """Return a try as it goes over the wire."""
    return delivery_pb2.ChannelDeliveryTry(
        number=one.number,
        ended_at=from_time(one.ended_at),
        took=_seconds(one.took_seconds),
        delivered=one.delivered,
        status_code=one.status_code,
        answer=one.answer,
    )


def acknowledgement_to_proto(delivery: ChannelDelivery) -> delivery_pb2.Acknowledgement:
    """Return what someone may see who has the link to acknowledge."""
    return delivery_pb2.Acknowledgement(
        subject=delivery.message.subject,
        created_at=from_time(delivery.created_at),
        acknowledged_at=from_time(delivery.acknowledged_at),
        acknowledged_by=delivery.acknowledged_by,
    )
