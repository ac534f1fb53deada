"""How values cross between Python and Postgres on every connection of a service.

uuid, timestamptz and arrays are what asyncpg makes of them; json and jsonb are Python objects through orjson.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import asyncpg
import orjson

parse_uuid: Callable[[str], uuid.UUID] = asyncpg.pgproto.pgproto.UUID
"""Makes a `uuid.UUID` of its text, six times as fast as the standard library; a ValueError says that it is none."""

_JSONB_VERSION = b"\x01"
_EMPTY_JSONB = _JSONB_VERSION + b"{}"

# As many digits as may be beyond 64 bits, where orjson would make a float of an integer.
_LONG_DIGITS = 19
_LONG_NUMBER = re.compile(rb"\d{%d}" % _LONG_DIGITS)


def dump_json(value: object) -> bytes:
    """Return `value` as UTF-8 JSON.

    Integers beyond 64 bits, which orjson refuses and JSON allows, take the slower way.

    Raises:
        TypeError: `value` holds something that JSON has no form for.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load_json(data: bytes) -> Any:
    """Return the Python value of JSON text; integers keep every digit.

    Raises:
        ValueError: `data` is not JSON.
    """
    if len(data) >= _LONG_DIGITS and _LONG_NUMBER.search(data):
        return json.loads(data)
    return orjson.loads(data)


def _encode_jsonb(value: object) -> bytes:
    return _JSONB_VERSION + dump_json(value)


def _decode_jsonb(data: bytes) -> Any:
    # Most objects of rows are empty.
    return {} if data == _EMPTY_JSONB else load_json(data[1:])


async def register(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Set the JSON codecs on a new connection."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )
    await connection.set_type_codec("json", schema="pg_catalog", encoder=dump_json, decoder=load_json, format="binary")
