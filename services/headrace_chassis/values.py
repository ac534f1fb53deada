"""Ids, times, spans and JSON to and from protobuf, as more than one service has them on the wire."""

from __future__ import annotations

import datetime
import math
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

_MOST_DEPTH = 100


def to_id(text: str, field: str) -> uuid.UUID:
    """Return the id in `text`.

    Raises:
        errors.InvalidArgument: It is none; the violation names `field`.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise errors.InvalidArgument.of_field(field, "must be a UUID") from None


def to_optional_id(text: str, field: str) -> uuid.UUID | None:
    """Return the id in `text`, None for "".

    Raises:
        errors.InvalidArgument: It is neither.
    """
    return to_id(text, field) if text else None


def to_ids(texts: Iterable[str], field: str) -> tuple[uuid.UUID, ...]:
    """Return the ids in `texts`.

    Raises:
        errors.InvalidArgument: One is none.
    """
    return tuple(to_id(text, f"{field}[{place}]") for place, text in enumerate(texts))


def from_time(value: datetime.datetime | None) -> Timestamp | None:
    """Return a time for a message field; None leaves it unset."""
    if value is None:
        return None
    stamp = Timestamp()
    fill_time(stamp, value)
    return stamp


def fill_time(stamp: Timestamp, value: datetime.datetime) -> None:
    """Set the time of a message's field."""
    delta = value - EPOCH
    stamp.seconds = delta.days * 86_400 + delta.seconds
    stamp.nanos = delta.microseconds * 1000


def from_seconds(value: float | None) -> Duration | None:
    """Return a span of seconds for a message field; None leaves it unset."""
    if value is None:
        return None
    span = Duration()
    fill_seconds(span, value)
    return span


def fill_seconds(span: Duration, value: float) -> None:
    """Set the span of a message's field."""
    whole, rest = divmod(abs(round(value * 1_000_000)), 1_000_000)
    sign = -1 if value < 0 else 1
    span.seconds = sign * whole
    span.nanos = sign * rest * 1000


def to_object(struct: Struct, field: str = "") -> dict[str, Any]:
    """Return the JSON object in a Struct; whole numbers become integers.

    Raises:
        errors.InvalidArgument: A number is not finite, or it is nested too deep.
    """
    return {key: _to_json(value, field, 0) for key, value in struct.fields.items()}


def storable(text: str) -> str:
    """Return a text without the character that Postgres has neither in text nor in JSON."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def to_storable(struct: Struct) -> dict[str, Any]:
    """Return the JSON object in a Struct with storable texts; whole numbers become integers."""
    return {storable(name): _to_storable(value) for name, value in struct.fields.items()}


def _to_storable(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return to_storable(value.struct_value)
        case "list_value":
            return [_to_storable(item) for item in value.list_value.values]
        case "string_value":
            return storable(value.string_value)
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case "bool_value":
            return value.bool_value
        case _:
            return None


def to_json(value: Value, field: str = "") -> Any:
    """Return the JSON value in a Value.

    Raises:
        errors.InvalidArgument: A number is not finite, or it is nested too deep.
    """
    return _to_json(value, field, 0)


def to_list(values: ListValue, field: str = "") -> list[Any]:
    """Return the JSON array in a ListValue.

    Raises:
        errors.InvalidArgument: A number is not finite, or it is nested too deep.
    """
    return [_to_json(value, field, 0) for value in values.values]


def _to_json(value: Value, field: str, depth: int) -> Any:
    if depth > _MOST_DEPTH:
        raise errors.InvalidArgument.of_field(field, f"must not be nested deeper than {_MOST_DEPTH}")
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            number = value.number_value
            if not math.isfinite(number):
                raise errors.InvalidArgument.of_field(field, "must hold finite numbers only")
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return {key: _to_json(inner, field, depth + 1) for key, inner in value.struct_value.fields.items()}
        case "list_value":
            return [_to_json(inner, field, depth + 1) for inner in value.list_value.values]
        case _:
            return None


def from_object(value: Mapping[str, Any] | None) -> Struct | None:
    """Return a JSON object for a message field; an empty one leaves it unset."""
    if not value:
        return None
    struct = Struct()
    fill_object(struct, value)
    return struct


def fill_object(struct: Struct, value: Mapping[str, Any]) -> None:
    """Set the JSON object of a message's field, which is empty."""
    fields = struct.fields
    for key, inner in value.items():
        _fill(fields[key], inner)


def from_json(value: Any) -> Value:
    """Return a JSON value as a message."""
    message = Value()
    _fill(message, value)
    return message


def from_list(values: Iterable[Any]) -> ListValue:
    """Return a JSON array as a message."""
    message = ListValue()
    for value in values:
        _fill(message.values.add(), value)
    return message


def _fill(message: Value, value: Any) -> None:
    if isinstance(value, str):
        message.string_value = value
    elif value is None:
        message.null_value = NullValue.NULL_VALUE
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = value
    elif isinstance(value, Mapping):
        fields = message.struct_value.fields
        message.struct_value.SetInParent()
        for key, inner in value.items():
            _fill(fields[key], inner)
    else:
        message.list_value.SetInParent()
        for inner in value:
            _fill(message.list_value.values.add(), inner)
