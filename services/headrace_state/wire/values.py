"""Ids, times, spans and JSON to and from protobuf."""

from __future__ import annotations

import datetime
import uuid

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace_chassis.values import (
    EPOCH,
    fill_object,
    fill_seconds,
    fill_time,
    from_json,
    from_list,
    from_object,
    from_seconds,
    from_time,
    to_id,
    to_ids,
    to_json,
    to_list,
    to_object,
    to_optional_id,
)

__all__ = [
    "EPOCH",
    "fill_object",
    "fill_seconds",
    "fill_time",
    "from_id",
    "from_iso",
    "from_json",
    "from_list",
    "from_object",
    "from_seconds",
    "from_time",
    "to_id",
    "to_ids",
    "to_json",
    "to_list",
    "to_object",
    "to_optional_id",
    "to_seconds",
    "to_span",
    "to_time",
]


def from_id(value: uuid.UUID | None) -> str:
    """Return an id as text, "" for None."""
    return str(value) if value is not None else ""


def to_time(stamp: Timestamp, field: str) -> datetime.datetime:
    """Return a time, to the microsecond.

    Raises:
        errors.InvalidArgument: It is outside of the years 1 to 9999.
    """
    try:
        return EPOCH + datetime.timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        raise errors.InvalidArgument.of_field(field, "must be a time in the years 1 to 9999") from None


def from_iso(text: str) -> Timestamp:
    """Return a stored time in ISO 8601 as a message."""
    stamp = Timestamp()
    fill_time(stamp, datetime.datetime.fromisoformat(text))
    return stamp


def to_seconds(span: Duration) -> float:
    """Return a span in seconds."""
    return span.seconds + span.nanos / 1e9


def to_span(span: Duration, field: str, *, least: float, most: float, default: float) -> float:
    """Return a span in seconds; 0 is the default.

    Raises:
        errors.InvalidArgument: It is negative, or not between `least` and `most` seconds.
    """
    seconds = to_seconds(span)
    if seconds == 0:
        return default
    if not least <= seconds <= most:
        raise errors.InvalidArgument.of_field(field, f"must be between {least:g} and {most:g} seconds")
    return seconds
