"""Identifiers: UUIDv7 made where the thing is made, so that a repeated request names the same thing.

A UUIDv7 starts with the Unix time in milliseconds, so ids sort by age and database indexes stay local.
"""

from __future__ import annotations

import datetime
import os
import threading
import time
import uuid

DEFAULT_WORKSPACE_ID = uuid.UUID("00000000-0000-7000-8000-000000000001")
"""The workspace that exists after installation, before anybody creates another."""

_COUNTER_BITS = 42
_COUNTER_MASK = (1 << _COUNTER_BITS) - 1
_lock = threading.Lock()
_last_milliseconds = 0
_counter = 0


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562), strictly increasing within this process.

    Layout: 48 bits of Unix milliseconds, 42 bits of a counter that is seeded at random each millisecond
    and incremented within one, 32 random bits. A clock that steps back does not make ids go back: the
    last millisecond seen is kept until the clock has caught up.
    """
    global _last_milliseconds, _counter
    random = int.from_bytes(os.urandom(10), "big")
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        if milliseconds > _last_milliseconds:
            _last_milliseconds = milliseconds
            # The top bit of the seed stays clear so that a millisecond has room for 2**41 increments.
            _counter = (random >> 32) & (_COUNTER_MASK >> 1)
        else:
            _counter += 1
            if _counter > _COUNTER_MASK:
                _last_milliseconds += 1
                _counter = 0
        stamp, counter = _last_milliseconds, _counter
    value = (stamp & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (counter >> 30) << 64
    value |= 0b10 << 62
    value |= (counter & 0x3FFF_FFFF) << 32
    value |= random & 0xFFFF_FFFF
    return uuid.UUID(int=value)


def made_at(identifier: uuid.UUID) -> datetime.datetime:
    """Return the UTC time, to the millisecond, that a UUIDv7 carries.

    Raises:
        ValueError: `identifier` is not a version 7 UUID.
    """
    if identifier.version != 7:
        raise ValueError(f"{identifier} is not a version 7 UUID and carries no time")
    return datetime.datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=datetime.UTC)
