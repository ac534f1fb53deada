"""Times, spans and JSON between the contract and Prefect's API."""

from __future__ import annotations

import datetime
import functools
import uuid
from typing import Any, overload

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace_gateway.transcoding import wellknown
from headrace_gateway.transcoding.scalars import Wrong

_NAMED = uuid.UUID("6f9c1a52-8f53-5b0e-9a59-0d1f3a3c4f77")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def moment(message: Any, field: str) -> str | None:
    """Return a time of a message as RFC 3339 with microseconds and Z, None where it is not set."""
    if not message.HasField(field):
        return None
    return of_timestamp(getattr(message, field))


def of_timestamp(stamp: Timestamp) -> str:
    """Return a time as RFC 3339 with microseconds and Z."""
    return f"{_to_the_second(stamp.seconds)}.{stamp.nanos // 1000:06}Z"


@functools.lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    # What is listed together happened in few seconds, and each thing has several times.
    return (_EPOCH + datetime.timedelta(seconds=seconds)).isoformat()[:19]


def seconds(message: Any, field: str, default: float | None = None) -> float | None:
    """Return a span of a message in seconds, `default` where it is not set."""
    if not message.HasField(field):
        return default
    span = getattr(message, field)
    # One division, so that 1.773051 s are not 1.7730510000000002.
    return float((span.seconds * 1_000_000_000 + span.nanos) / 1e9)


def word(value: str) -> str | None:
    """Return a text of a message, None for an empty one."""
    return value or None


@overload
def to_timestamp(moment: datetime.datetime) -> Timestamp: ...
@overload
def to_timestamp(moment: datetime.datetime | None) -> Timestamp | None: ...
def to_timestamp(moment: datetime.datetime | None) -> Timestamp | None:
    """Return a time for a field of a message."""
    if moment is None:
        return None
    delta = moment - _EPOCH
    return Timestamp(seconds=delta.days * 86_400 + delta.seconds, nanos=delta.microseconds * 1000)


@overload
def to_duration(span: float) -> Duration: ...
@overload
def to_duration(span: float | None) -> Duration | None: ...
def to_duration(span: float | None) -> Duration | None:
    """Return a span of seconds for a field of a message."""
    if span is None:
        return None
    duration = Duration()
    duration.FromNanoseconds(round(span * 1e9))
    return duration


@overload
def to_struct(value: dict[str, Any]) -> Struct: ...
@overload
def to_struct(value: dict[str, Any] | None) -> Struct | None: ...
def to_struct(value: dict[str, Any] | None) -> Struct | None:
    """Return a JSON object for a field of a message.

    Raises:
        errors.InvalidArgument: It is nested too deep.
    """
    if value is None:
        return None
    struct = Struct()
    try:
        wellknown.decode_struct(struct, value, 0)
    except Wrong as wrong:
        raise errors.InvalidArgument(str(wrong)) from None
    return struct


def to_value(value: Any) -> Value:
    """Return any JSON value for a field of a message.

    Raises:
        errors.InvalidArgument: It is nested too deep.
    """
    message = Value()
    try:
        wellknown.decode_value(message, value, 0)
    except Wrong as wrong:
        raise errors.InvalidArgument(str(wrong)) from None
    return message


def of_struct(struct: Struct) -> dict[str, Any]:
    """Return a JSON object."""
    # Most objects of runs are empty, and an empty one is not worth a walk.
    return wellknown.encode_struct(struct) if struct.fields else {}


def of_value(value: Value) -> Any:
    """Return any JSON value."""
    return wellknown.encode_value(value)


def id_of(*names: str) -> str:
    """Return an id for something that has none, always the same one for the same names."""
    return str(uuid.uuid5(_NAMED, "/".join(names)))
