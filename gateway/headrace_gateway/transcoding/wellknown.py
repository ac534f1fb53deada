"""The JSON forms of the well-known types of protobuf, in both directions.

Encoders return what orjson writes; decoders take what orjson read, fill the message, and raise `Wrong` with a
sentence that says what is expected.
"""

from __future__ import annotations

import datetime
import functools
import re
from collections.abc import Callable
from typing import Any

from headrace_gateway.transcoding.scalars import Wrong, encode_number

MAX_DEPTH = 32
"""Levels of lists and objects in a `Struct`: a deeper one could not be parsed from the wire (100 nested messages)."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MIN_SECONDS = -62_135_596_800
_MAX_SECONDS = 253_402_300_799
_MAX_DURATION_SECONDS = 315_576_000_000
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_UPPER = re.compile(r"[A-Z]")
_AFTER_UNDERSCORE = re.compile(r"_([a-z])")
_PATH = re.compile(r"[A-Za-z0-9_.*]+", re.ASCII)


# A run has the same moment in several fields, and a page of runs is asked for again and again.
@functools.lru_cache(maxsize=16_384)
def _timestamp_text(seconds: int, nanos: int) -> str:
    text = (_EPOCH + datetime.timedelta(seconds=seconds)).isoformat()[:19]
    return f"{text}{_fraction(nanos)}Z" if nanos else f"{text}Z"


def _fraction(nanos: int) -> str:
    if nanos % 1_000_000 == 0:
        return f".{nanos // 1_000_000:03d}"
    if nanos % 1_000 == 0:
        return f".{nanos // 1_000:06d}"
    return f".{nanos:09d}"


def encode_timestamp(message: Any) -> str:
    """Return a Timestamp as RFC 3339 in UTC with 0, 3, 6 or 9 digits of the second."""
    return _timestamp_text(message.seconds, message.nanos)


def decode_timestamp(message: Any, value: object, depth: int) -> None:
    """Fill a Timestamp from RFC 3339 with any offset."""
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Wrong('must be a time such as "2026-01-31T12:00:00Z"')
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
    except ValueError as error:
        raise Wrong(f"is not a time: {error}") from None
    if match[8]:
        offset = datetime.timedelta(hours=int(match[9]), minutes=int(match[10]))
        seconds = (moment - _EPOCH) // datetime.timedelta(seconds=1)
        seconds += int(offset.total_seconds()) * (-1 if match[8] == "+" else 1)
    else:
        seconds = (moment - _EPOCH) // datetime.timedelta(seconds=1)
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        raise Wrong("must be a time between the years 1 and 9999")
    message.seconds = seconds
    message.nanos = int((match[7] or "0").ljust(9, "0"))


def encode_duration(message: Any) -> str:
    """Return a Duration as seconds with 0, 3, 6 or 9 digits after the point, and an "s"."""
    seconds, nanos = message.seconds, message.nanos
    if not nanos:
        return f"{seconds}s"
    sign = "-" if seconds < 0 or nanos < 0 else ""
    return f"{sign}{abs(seconds)}{_fraction(abs(nanos))}s"


def decode_duration(message: Any, value: object, depth: int) -> None:
    """Fill a Duration from seconds such as "1.5s"."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Wrong('must be a span in seconds such as "90s" or "1.5s"')
    sign = -1 if match[1] else 1
    seconds = int(match[2])
    if seconds > _MAX_DURATION_SECONDS:
        raise Wrong("must be a span of at most 10,000 years")
    message.seconds = sign * seconds
    message.nanos = sign * int((match[3] or "0").ljust(9, "0"))


def encode_field_mask(message: Any) -> str:
    """Return a FieldMask as its paths in lowerCamelCase, joined by commas."""
    return ",".join(_AFTER_UNDERSCORE.sub(lambda match: match[1].upper(), path) for path in message.paths)


def decode_field_mask(message: Any, value: object, depth: int) -> None:
    """Fill a FieldMask from paths joined by commas, in lowerCamelCase or as the contract spells them."""
    if not isinstance(value, str):
        raise Wrong('must be field paths joined by commas such as "name,tags"')
    for path in filter(None, value.split(",")):
        if not _PATH.fullmatch(path):
            raise Wrong(f"{path!r} is not a field path")
        message.paths.append(_UPPER.sub(lambda match: "_" + match[0].lower(), path))


def encode_value(message: Any) -> object:
    """Return any JSON value."""
    kind = message.WhichOneof("kind")
    if kind == "string_value":
        return message.string_value
    if kind == "number_value":
        return encode_number(message.number_value)
    if kind == "struct_value":
        return encode_struct(message.struct_value)
    if kind == "list_value":
        return encode_list(message.list_value)
    if kind == "bool_value":
        return message.bool_value
    return None


def encode_struct(message: Any) -> dict[str, object]:
    """Return a JSON object."""
    fields = message.fields
    return {key: encode_value(fields[key]) for key in fields}


def encode_list(message: Any) -> list[object]:
    """Return a JSON list."""
    return [encode_value(value) for value in message.values]


def decode_value(message: Any, value: object, depth: int) -> None:
    """Fill a Value from any JSON value."""
    if isinstance(value, str):
        message.string_value = value
    elif value is None:
        message.null_value = 0
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, int | float):
        message.number_value = value
    elif isinstance(value, dict):
        # Marks the kind even where the object is empty.
        message.struct_value.SetInParent()
        decode_struct(message.struct_value, value, depth)
    else:
        message.list_value.SetInParent()
        decode_list(message.list_value, value, depth)


def decode_struct(message: Any, value: object, depth: int) -> None:
    """Fill a Struct from a JSON object."""
    if not isinstance(value, dict):
        raise Wrong("must be an object")
    if depth >= MAX_DEPTH:
        raise Wrong(f"must not be nested more than {MAX_DEPTH} levels deep")
    fields = message.fields
    for key, item in value.items():
        decode_value(fields[key], item, depth + 1)


def decode_list(message: Any, value: object, depth: int) -> None:
    """Fill a ListValue from a JSON list."""
    if not isinstance(value, list):
        raise Wrong("must be a list")
    if depth >= MAX_DEPTH:
        raise Wrong(f"must not be nested more than {MAX_DEPTH} levels deep")
    for item in value:
        decode_value(message.values.add(), item, depth + 1)


def encode_empty(message: Any) -> dict[str, object]:
    """Return an object without fields."""
    return {}


Encode = Callable[[Any], object]
"""Takes a message and returns what orjson writes."""
Fill = Callable[[Any, object, int], None]
"""Takes a message, what orjson read, and how deep it stands."""

ENCODERS: dict[str, Encode] = {
    "google.protobuf.Timestamp": encode_timestamp,
    "google.protobuf.Duration": encode_duration,
    "google.protobuf.FieldMask": encode_field_mask,
    "google.protobuf.Struct": encode_struct,
    "google.protobuf.Value": encode_value,
    "google.protobuf.ListValue": encode_list,
    "google.protobuf.Empty": encode_empty,
}
"""By full name of the message."""

DECODERS: dict[str, Fill] = {
    "google.protobuf.Timestamp": decode_timestamp,
    "google.protobuf.Duration": decode_duration,
    "google.protobuf.FieldMask": decode_field_mask,
    "google.protobuf.Struct": decode_struct,
    "google.protobuf.Value": decode_value,
    "google.protobuf.ListValue": decode_list,
}
"""By full name of the message."""

FROM_TEXT = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"})
"""Those whose JSON form is a string, so that a query parameter can carry them."""
