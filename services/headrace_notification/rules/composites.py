"""What a condition on several conditions remembers of them, and when it fires."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from headrace_notification.rules.triggers import CompositeTrigger


@dataclasses.dataclass(frozen=True, slots=True)
class Came:
    """A condition that came true."""

    at: datetime.datetime
    since: datetime.datetime
    """In an order: when the first of those up to this one came true, as late as can be."""
    event: Mapping[str, Any] | None
    """What made it true, as JSON."""

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        event = dict(self.event) if self.event is not None else None
        return {"at": self.at.isoformat(), "since": self.since.isoformat(), "event": event}

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Came:
        """Return what JSON describes."""
        at, since = (datetime.datetime.fromisoformat(document[name]) for name in ("at", "since"))
        return cls(at, since, document["event"])


Memory = Mapping[int, Came]
"""Which of the conditions came true, by their place."""


def come_true(
    trigger: CompositeTrigger, memory: Memory, place: int, at: datetime.datetime, event: Mapping[str, Any] | None
) -> tuple[Memory, bool]:
    """Return what is remembered once the condition at `place` came true, and whether the whole fires.

    After it has fired, nothing is remembered: it takes all conditions anew.
    """
    if trigger.in_order:
        return _in_order(trigger, memory, place, at, event)
    latest = max(at, memory[place].at) if place in memory else at
    after = {**memory, place: Came(latest, latest, event)}
    if trigger.within:
        newest = max(came.at for came in after.values())
        after = {where: came for where, came in after.items() if newest - came.at <= trigger.within}
    return ({}, True) if len(after) >= trigger.require else (after, False)


def _in_order(
    trigger: CompositeTrigger, memory: Memory, place: int, at: datetime.datetime, event: Mapping[str, Any] | None
) -> tuple[Memory, bool]:
    # Of all ways to have come so far the one that began last is kept: it has the most time left.
    since = at
    if place:
        before = memory.get(place - 1)
        if before is None or before.at > at or (trigger.within and at - before.since > trigger.within):
            return memory, False
        since = before.since
    if place == len(trigger.children) - 1:
        return {}, True
    known = memory.get(place)
    if known is not None and known.since > since:
        return memory, False
    return {**memory, place: Came(at, since, event)}, False


def no_longer_true(memory: Memory, place: int) -> Memory:
    """Return what is remembered once the condition at `place` was resolved."""
    return {where: came for where, came in memory.items() if where != place}


def ends_at(trigger: CompositeTrigger, memory: Memory) -> datetime.datetime | None:
    """Return when the last of what is remembered is too old to count; None if it never is."""
    if not trigger.within or not memory:
        return None
    return max(came.since for came in memory.values()) + trigger.within
