"""Values that many messages have: ids, times, structures, who made them, and what is to change of them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import state_pb2
from headrace_chassis.codecs import parse_uuid
from headrace_notification.rules.automations import Creator


def parse_id(text: str, field: str) -> uuid.UUID:
    """Return an id.

    Raises:
        errors.InvalidArgument: It is none.
    """
    try:
        return parse_uuid(text)
    except ValueError:
        raise errors.InvalidArgument.of_field(field, "must be a UUID") from None


def optional_id(text: str, field: str) -> uuid.UUID | None:
    """Return an id, None for "".

    Raises:
        errors.InvalidArgument: It is none.
    """
    return parse_id(text, field) if text else None


def moment(stamp: Timestamp, field: str = "occurred_at") -> datetime.datetime:
    """Return a time.

    Raises:
        errors.InvalidArgument: It is none that a calendar has.
    """
    try:
        return stamp.ToDatetime(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise errors.InvalidArgument.of_field(field, "must be a time in the years 1 to 9999") from None


def span(duration: Duration, field: str) -> datetime.timedelta:
    """Return a span of time.

    Raises:
        errors.InvalidArgument: It is none.
    """
    try:
        return duration.ToTimedelta()
    except (ValueError, OverflowError):
        raise errors.InvalidArgument.of_field(field, "must be a span of time") from None


def duration(of: datetime.timedelta) -> Duration:
    """Return a span of time as it goes over the wire."""
    message = Duration()
    message.FromTimedelta(of)
    return message


def changed_fields(message: Message, mask: FieldMask, changeable: Collection[str]) -> list[str]:
    """Return the fields that a mask names, without a mask those that are set.

    Raises:
        errors.InvalidArgument: A path cannot be changed, or there is none.
    """
    set_fields = [field.name for field, _ in message.ListFields() if field.name in changeable]
    names = list(dict.fromkeys(mask.paths)) or set_fields
    for name in names:
        if name not in changeable:
            raise errors.InvalidArgument.of_field(
                "update_mask", f"{name!r} cannot be changed; {', '.join(changeable)} can"
            )
    if not names:
        raise errors.InvalidArgument.of_field("update_mask", "must name what to change")
    return names


def creator_to_proto(creator: Creator) -> state_pb2.Creator:
    """Return who made something as it goes over the wire."""
    kind = state_pb2.CreatorKind.Value("CREATOR_KIND_" + (creator.kind or "UNSPECIFIED"))
    return state_pb2.Creator(kind=kind, creator_id=creator.creator_id, display_name=creator.display_name)


def struct(data: Mapping[str, Any]) -> Struct:
    """Return plain data as a structure."""
    message = Struct()
    message.update(dict(data))
    return message
