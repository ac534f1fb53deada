"""Ids, times, spans and JSON to and from protobuf."""

from __future__ import annotations

import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace_chassis.values import (
    EPOCH,
    from_json,
    from_object,
    from_seconds,
    from_time,
    to_id,
    to_ids,
    to_object,
    to_optional_id,
)

__all__ = [
    "EPOCH",
    "from_json",
    "from_object",
    "from_seconds",
    "from_time",
    "to_id",
    "to_ids",
    "to_object",
    "to_optional_id",
    "to_seconds",
    "to_span",
    "to_time",
]


def to_time(message: Message, field: str) -> datetime.datetime | None:
    """Return the time in a field of `message`, to the microsecond; None if it is unset.

    Raises:
        errors.InvalidArgument: It is outside of the years 1 to 9999.
    """
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    try:
        return EPOCH + datetime.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        raise errors.InvalidArgument.of_field(field, "must be a time in the years 1 to 9999") from None


def to_span(message: Message, field: str) -> datetime.timedelta | None:
    """Return the span in a field of `message`; None if it is unset.

    Raises:
        errors.InvalidArgument: It is too long.
    """
    if not message.HasField(field):
        return None
    span: Duration = getattr(message, field)
    try:
        return datetime.timedelta(seconds=span.seconds, microseconds=span.nanos // 1000)
    except OverflowError:
        raise errors.InvalidArgument.of_field(field, "must be shorter than a million years") from None


def to_seconds(message: Message, field: str) -> float | None:
    """Return the span in a field of `message` in seconds; None if it is unset.

    Raises:
        errors.InvalidArgument: It is negative.
    """
    if not message.HasField(field):
        return None
    span: Duration = getattr(message, field)
    seconds = span.seconds + span.nanos / 1e9
    if seconds < 0:
        raise errors.InvalidArgument.of_field(field, "must not be negative")
    return seconds
