"""Times, spans and JSON of a Prefect server."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

_EXACT = 2**53


def moment(text: str | None) -> datetime.datetime | None:
    """Return a time; None for none. A time without an offset is in UTC."""
    if not text:
        return None
    # Python 3.11 reads all of ISO 8601 that servers write, "Z" too.
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=datetime.UTC)


def stamp(text: str | None) -> Timestamp | None:
    """Return a time for a message field; None leaves it unset."""
    at = moment(text)
    if at is None:
        return None
    message = Timestamp()
    message.FromDatetime(at)
    return message


def span(seconds: float | None) -> Duration | None:
    """Return a span for a message field; None leaves it unset."""
    if seconds is None:
        return None
    message = Duration()
    message.FromTimedelta(datetime.timedelta(seconds=seconds))
    return message


def plain(value: Any) -> Any:
    """Return JSON as it can be kept: numbers that a double cannot hold become texts, NUL is left out of texts."""
    if isinstance(value, str):
        return value.replace("\x00", "") if "\x00" in value else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value)


def struct(value: Mapping[str, Any] | None) -> Struct | None:
    """Return an object for a message field; None and {} leave it unset."""
    if not value:
        return None
    message = Struct()
    json_format.ParseDict(plain(value), message)
    return message


def any_value(value: Any) -> Value:
    """Return a JSON value as a message."""
    message = Value()
    json_format.ParseDict(plain(value), message)
    return message


def has_large_numbers(value: Any) -> bool:
    """Return whether there is a whole number that is kept as a text."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) > _EXACT
    if isinstance(value, Mapping):
        return any(has_large_numbers(item) for item in value.values())
    return isinstance(value, list | tuple) and any(has_large_numbers(item) for item in value)


def text(value: str | None, most: int = 0) -> str:
    """Return a text, "" for None, cut to `most` characters where that is given."""
    found = (value or "").replace("\x00", "")
    return found[:most] if most else found
