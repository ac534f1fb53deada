"""UUIDv7 as text, made without a lock and without an object: three are needed for each task run."""

from __future__ import annotations

import itertools
import os
import time

_MASK = (1 << 42) - 1


class _Maker:
    """Makes ids of 48 bits of Unix milliseconds, a 42 bit counter and 32 bits that belong to the process.

    The counter starts anywhere and never restarts, so ids of one millisecond stay in order (but for the one
    moment in which it wraps) and two processes do not meet.
    """

    __slots__ = ("_counter", "_suffix")

    def __init__(self) -> None:
        seed = int.from_bytes(os.urandom(9), "big")
        self._counter = itertools.count((seed >> 32) & (_MASK >> 1))
        self._suffix = f"{seed & 0xFFFF_FFFF:08x}"

    def __call__(self) -> str:
        count = next(self._counter) & _MASK
        stamp = f"{time.time_ns() // 1_000_000:012x}"
        middle = f"7{count >> 30:03x}-{0x8000 | (count >> 16) & 0x3FFF:04x}-{count & 0xFFFF:04x}"
        return f"{stamp[:8]}-{stamp[8:]}-{middle}{self._suffix}"


_maker = _Maker()


def new_id() -> str:
    """Return a new UUIDv7 as text."""
    return _maker()


def _reseed() -> None:
    global _maker
    _maker = _Maker()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed)
