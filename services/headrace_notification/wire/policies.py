"""Notification policies on the wire."""

from __future__ import annotations

import uuid
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import channel_pb2, notification_policy_pb2, state_pb2
from headrace.ids import uuid7
from headrace_chassis.values import from_time, storable
from headrace_notification.rules.automations import Creator
from headrace_notification.rules.policies import Policy
from headrace_notification.wire.values import changed_fields, parse_id

FIELDS = (
    "name",
    "paused",
    "tags",
    "flow_ids",
    "deployment_ids",
    "state_types",
    "state_names",
    "channel_ids",
    "subject",
    "body",
    "severity",
)
"""What may be changed of a notification policy."""

_OWN = "notification_policy"
_SEVERITY, _STATE_TYPE = "SEVERITY_", "STATE_TYPE_"


def policy_from_proto(
    message: notification_policy_pb2.NotificationPolicy, workspace_id: uuid.UUID, creator: Creator
) -> Policy:
    """Return a new notification policy as it was handed in.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    given = message.notification_policy_id
    return Policy(
        policy_id=parse_id(given, f"{_OWN}.notification_policy_id") if given else uuid7(),
        workspace_id=workspace_id,
        creator=creator,
        **{name: _field(message, name) for name in FIELDS},
    )


def changes_from_proto(message: notification_policy_pb2.NotificationPolicy, mask: FieldMask) -> dict[str, Any]:
    """Return the new values that a mask names; without a mask, of the fields that are set.

    Raises:
        errors.InvalidArgument: The fields that are wrong, or a path that cannot be changed.
    """
    return {name: _field(message, name) for name in changed_fields(message, mask, FIELDS)}


def _field(message: notification_policy_pb2.NotificationPolicy, name: str) -> Any:
    value = getattr(message, name)
    match name:
        case "channel_ids":
            ids = (parse_id(each, f"{_OWN}.channel_ids[{place}]") for place, each in enumerate(value))
            return tuple(dict.fromkeys(ids))
        case "state_types":
            words = (state_pb2.StateType.Name(each).removeprefix(_STATE_TYPE) for each in value)
            return tuple(dict.fromkeys(word for word in words if word != "UNSPECIFIED"))
        case "severity":
            word = channel_pb2.Severity.Name(value).removeprefix(_SEVERITY)
            return "" if word == "UNSPECIFIED" else word
        case "paused":
            return value
        case "name" | "subject" | "body":
            return storable(value)
    return tuple(dict.fromkeys(map(storable, value)))


def policy_to_proto(policy: Policy) -> notification_policy_pb2.NotificationPolicy:
    """Return a notification policy as it goes over the wire."""
    return notification_policy_pb2.NotificationPolicy(
        notification_policy_id=str(policy.policy_id),
        name=policy.name,
        paused=policy.paused,
        tags=policy.tags,
        flow_ids=policy.flow_ids,
        deployment_ids=policy.deployment_ids,
        state_types=[state_pb2.StateType.Value(_STATE_TYPE + word) for word in policy.state_types],
        state_names=policy.state_names,
        channel_ids=map(str, policy.channel_ids),
        subject=policy.subject,
        body=policy.body,
        severity=channel_pb2.Severity.Value(_SEVERITY + (policy.severity or "UNSPECIFIED")),
        created_at=from_time(policy.created_at),
        updated_at=from_time(policy.updated_at),
        last_fired_at=from_time(policy.last_fired_at),
    )
