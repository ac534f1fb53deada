"""The order in which events are looked at: as they were stored, but none before the one that it follows."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from headrace_notification.rules.events import RESERVED_PREFIX, Event

HOLD_SECONDS = 10.0
"""So long an event waits for the one that it follows; then it is looked at without."""


def leaders_of(events: Sequence[Event]) -> set[uuid.UUID]:
    """Return the ids of events that those of clients follow and that are not among them.

    What the server tells itself comes in the order in which it happened.
    """
    present = {event.event_id for event in events}
    return {
        event.follows_event_id
        for event in events
        if event.follows_event_id is not None
        and event.follows_event_id not in present
        and not event.name.startswith(RESERVED_PREFIX)
    }


def split(events: Sequence[Event], missing: Collection[uuid.UUID]) -> tuple[list[Event], list[Event]]:
    """Return the events that can be looked at, in their order, and those that have to wait for a missing one.

    Args:
        events: As they were stored.
        missing: Events that some of them follow and that nobody has looked at.
    """
    waiting: dict[uuid.UUID, Event] = {}
    for event in causal_order(events):
        leader = event.follows_event_id
        if leader is not None and (leader in waiting or (leader in missing and _is_of_client(event))):
            waiting[event.event_id] = event
    return [event for event in causal_order(events) if event.event_id not in waiting], list(waiting.values())


def causal_order(events: Sequence[Event]) -> list[Event]:
    """Return events in their order, but each behind the one that it follows; those in a circle as they are."""
    by_id = {event.event_id: event for event in events}
    placed: dict[uuid.UUID, Event] = {}
    for event in events:
        chain: dict[uuid.UUID, Event] = {}
        current: Event | None = event
        while current is not None and current.event_id not in placed and current.event_id not in chain:
            chain[current.event_id] = current
            leader = current.follows_event_id
            current = by_id.get(leader) if leader is not None else None
        for one in reversed(chain.values()):
            placed[one.event_id] = one
    return list(placed.values())


def _is_of_client(event: Event) -> bool:
    return not event.name.startswith(RESERVED_PREFIX)
