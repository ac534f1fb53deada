"""Which task run made a value: how the graph of a flow run knows its edges between direct calls."""

from __future__ import annotations

import datetime
import decimal
import pathlib
import uuid
import weakref
from typing import Any

MAX_TRACKED = 10_000
"""Values that are known at once; the oldest are forgotten."""

SCALARS: frozenset[type] = frozenset(
    {
        bool,
        bytes,
        complex,
        datetime.date,
        datetime.datetime,
        datetime.time,
        datetime.timedelta,
        decimal.Decimal,
        float,
        int,
        pathlib.PosixPath,
        range,
        str,
        type(None),
        uuid.UUID,
    }
)
"""Types that hold no futures and whose values are too common to tell where they came from."""

_SEQUENCES: frozenset[type] = frozenset({list, tuple})
_SETS: frozenset[type] = frozenset({set, frozenset})


class ResultTracker:
    """Remembers which task run returned an object, without keeping the object alive.

    Objects that cannot be referred to weakly (lists, dicts) are known by their address, length and the
    addresses of two members, so that another object at the same address is not taken for them.
    """

    __slots__ = ("_sources",)

    def __init__(self) -> None:
        self._sources: dict[int, tuple[object, str]] = {}

    def track(self, value: Any, task_run_id: str) -> None:
        """Remember that a task run returned `value`."""
        kind = type(value)
        if kind in SCALARS:
            return
        address = id(value)
        mark = _mark(value, kind)
        if mark is None:
            try:
                mark = weakref.ref(value, lambda _: self._sources.pop(address, None))
            except TypeError:
                return
        sources = self._sources
        if len(sources) >= MAX_TRACKED:
            sources.pop(next(iter(sources), 0), None)
        sources[address] = mark, task_run_id

    def source_of(self, value: Any) -> str | None:
        """Return the task run that returned `value`, if it is known."""
        found = self._sources.get(id(value))
        if found is None:
            return None
        mark, task_run_id = found
        if isinstance(mark, weakref.ref):
            return task_run_id if mark() is value else None
        return task_run_id if mark == _mark(value, type(value)) else None


def _mark(value: Any, kind: type) -> object | None:
    if kind in _SEQUENCES:
        return (len(value), id(value[0]), id(value[-1])) if value else None
    if kind is dict:
        return (len(value), id(next(iter(value.values())))) if value else None
    if kind in _SETS:
        return (len(value), id(next(iter(value)))) if value else None
    return None
