"""JSON values to and from `google.protobuf.Value`, with whole numbers as whole numbers."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, struct_pb2

from headrace import errors

_MAX_EXACT = 2**53


def value_to_proto(value: Any, field: str = "value") -> struct_pb2.Value:
    """Return a JSON value as a message.

    Raises:
        errors.InvalidArgument: It is no JSON value, or a whole number that a double cannot hold.
    """
    _check(value, field)
    message = struct_pb2.Value()
    json_format.ParseDict(value, message)
    return message


def value_from_proto(message: struct_pb2.Value) -> Any:
    """Return the JSON value of a message."""
    return _narrowed(json_format.MessageToDict(message))


def _check(value: Any, field: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise errors.InvalidArgument.of_field(field, f"the key {key!r} is not a text")
            _check(item, f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{field}[{index}]")
    elif isinstance(value, int) and abs(value) > _MAX_EXACT:
        raise errors.InvalidArgument.of_field(field, f"{value} is too large to be kept exactly; keep it as text")
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        raise errors.InvalidArgument.of_field(field, f"{value} is not a JSON number")
    elif value is not None and not isinstance(value, str | int | float | bool):
        raise errors.InvalidArgument.of_field(field, f"a {type(value).__name__} is not a JSON value")


def _narrowed(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_narrowed(item) for item in value]
    return value
