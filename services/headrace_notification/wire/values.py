"""Values that many messages have: ids, times, structures."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace_chassis.codecs import parse_uuid


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


def timestamp(at: datetime.datetime | None) -> Timestamp | None:
    """Return a time as it goes over the wire; None leaves the field unset."""
    if at is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


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


def storable(text: str) -> str:
    """Return a text without NUL, which Postgres cannot store."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def plain(struct: Struct) -> dict[str, Any]:
    """Return a structure as plain data that can be stored."""
    return {storable(name): _plain(value) for name, value in struct.fields.items()}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "string_value":
        return storable(value.string_value)
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return value.bool_value if kind == "bool_value" else None


def struct(data: Mapping[str, Any]) -> Struct:
    """Return plain data as a structure."""
    message = Struct()
    message.update(dict(data))
    return message
