"""The JSON forms of protobuf's scalar types, in both directions."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Callable
from typing import Any

from google.protobuf import descriptor

_EXACT_INTEGER = 2**53
_Field = descriptor.FieldDescriptor
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Wrong(ValueError):
    """A JSON value does not fit; the message says what is expected."""


def is_repeated(field: descriptor.FieldDescriptor) -> bool:
    """Return whether a field is a list (or a map, which is a list of entries)."""
    # Older releases of protobuf have the label only, newer ones warn about it.
    return bool(field.is_repeated if hasattr(field, "is_repeated") else getattr(field, "label") == 3)  # noqa: B009


def message_of(field: descriptor.FieldDescriptor) -> descriptor.Descriptor:
    """Return the type of a message field."""
    assert field.message_type is not None
    return field.message_type


def enum_of(field: descriptor.FieldDescriptor) -> descriptor.EnumDescriptor:
    """Return the type of an enum field."""
    assert field.enum_type is not None
    return field.enum_type


def is_map(field: descriptor.FieldDescriptor) -> bool:
    """Return whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def encode_number(value: float) -> float | int | str:
    """Return a double as JSON shows it: whole numbers without a point, words for what JSON cannot say."""
    if value.is_integer():
        return int(value) if -_EXACT_INTEGER <= value <= _EXACT_INTEGER else value
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def encode_float(value: float) -> float | int | str:
    """Return a 32-bit float with the fewest digits that give it back."""
    if not math.isfinite(value) or value.is_integer():
        return encode_number(value)
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if struct.unpack("<f", struct.pack("<f", short))[0] == value:
            return short
    return float(f"{value:.9g}")


def encode_bytes(value: bytes) -> str:
    """Return bytes in base64."""
    return base64.b64encode(value).decode("ascii")


def parse_text(value: object) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise Wrong("must be a string")
    return value


def parse_bool(value: object) -> bool:
    """Return a bool."""
    if not isinstance(value, bool):
        raise Wrong("must be true or false")
    return value


def parse_bool_text(value: object) -> bool:
    """Return the bool that a query parameter or path spells."""
    if value not in ("true", "false"):
        raise Wrong("must be true or false")
    return value == "true"


def parse_bytes(value: object) -> bytes:
    """Return bytes from base64, in the usual or the URL-safe alphabet, padded or not."""
    if not isinstance(value, str):
        raise Wrong("must be a string in base64")
    plain = value.rstrip("=").translate(_URL_SAFE)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("must be a string in base64") from None


_URL_SAFE = str.maketrans("-_", "+/")


def parse_double(value: object) -> float:
    """Return a float from a number, from digits in a string, or from "NaN", "Infinity" and "-Infinity"."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        if value in _WORDS:
            return _WORDS[value]
        try:
            number = float(value)
        except ValueError:
            raise Wrong("must be a number") from None
        # Python reads more spellings of infinity and "1_0"; JSON does not.
        if math.isfinite(number) and value.strip() == value and "_" not in value:
            return number
    raise Wrong("must be a number")


def parse_float(value: object) -> float:
    """Return a float that fits 32 bits."""
    number = parse_double(value)
    if math.isfinite(number) and abs(number) > 3.4028235677973366e38:
        raise Wrong("must be a number of 32 bits")
    return number


def _integer_parser(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        number: int
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, float) and value.is_integer():
            number = int(value)
        elif isinstance(value, str) and len(value) <= 20 and value.isascii() and value.lstrip("-").isdigit():
            try:
                number = int(value)
            except ValueError:
                raise Wrong("must be a whole number") from None
        else:
            raise Wrong("must be a whole number")
        if not low <= number <= high:
            raise Wrong(f"must be between {low} and {high}")
        return number

    return parse


_int32 = _integer_parser(-(2**31), 2**31 - 1)
_uint32 = _integer_parser(0, 2**32 - 1)
_int64 = _integer_parser(-(2**63), 2**63 - 1)
_uint64 = _integer_parser(0, 2**64 - 1)

Parse = Callable[[object], Any]
"""Takes what orjson read and returns what the message's field takes; raises `Wrong`."""

_PARSERS: dict[int, Parse] = {
    _Field.TYPE_STRING: parse_text,
    _Field.TYPE_BOOL: parse_bool,
    _Field.TYPE_BYTES: parse_bytes,
    _Field.TYPE_DOUBLE: parse_double,
    _Field.TYPE_FLOAT: parse_float,
    _Field.TYPE_INT32: _int32,
    _Field.TYPE_SINT32: _int32,
    _Field.TYPE_SFIXED32: _int32,
    _Field.TYPE_UINT32: _uint32,
    _Field.TYPE_FIXED32: _uint32,
    _Field.TYPE_INT64: _int64,
    _Field.TYPE_SINT64: _int64,
    _Field.TYPE_SFIXED64: _int64,
    _Field.TYPE_UINT64: _uint64,
    _Field.TYPE_FIXED64: _uint64,
}


def enum_parser(enum: descriptor.EnumDescriptor) -> Parse:
    """Return what reads a value of `enum`, by name or number."""
    numbers = {value.name: value.number for value in enum.values}
    # Numbers that a newer version may know are let through as protobuf does.
    by_number = _PARSERS[_Field.TYPE_INT32]

    def parse(value: object) -> int:
        if isinstance(value, str):
            number = numbers.get(value)
            if number is not None:
                return number
            if not value.lstrip("-").isdigit():
                raise Wrong(f"must be one of {', '.join(numbers)}")
        return int(by_number(value))

    return parse


def parser_of(field: descriptor.FieldDescriptor) -> Parse:
    """Return what reads one value of a scalar or enum field from JSON."""
    if field.type == _Field.TYPE_ENUM:
        return enum_parser(enum_of(field))
    return _PARSERS[field.type]


def text_parser_of(field: descriptor.FieldDescriptor) -> Parse:
    """Return what reads one value of a scalar or enum field from a path or query parameter."""
    return parse_bool_text if field.type == _Field.TYPE_BOOL else parser_of(field)
