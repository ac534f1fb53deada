"""Take, find and follow events."""

from __future__ import annotations

import dataclasses
import datetime
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence

from headrace import errors
from headrace_notification.repository import EventStore, EventTail
from headrace_notification.rules.events import RESERVED_PREFIX, Event, EventCounts, EventFilter, Facet, Key

SIGN_OF_LIFE_SECONDS = 10.0
CHUNK = 200
MOST_COUNTED = 100_000
_LOOK_UP_SECONDS = 1.0


async def emit_events(store: EventStore, events: Sequence[Event], *, is_own: bool) -> int:
    """Store events of a client and return how many were new.

    Args:
        store: Where to.
        events: The events.
        is_own: Whether the client is a part of the server itself.

    Raises:
        errors.InvalidArgument: A name is the server's own.
    """
    if not is_own:
        for place, event in enumerate(events):
            if event.name.startswith(RESERVED_PREFIX):
                raise errors.InvalidArgument.of_field(
                    f"events[{place}].name",
                    f"must not begin with {RESERVED_PREFIX!r}, which the server's own events do",
                )
    return await store.add(events)


async def load_event(store: EventStore, workspace_id: uuid.UUID, event_id: uuid.UUID) -> Event:
    """Return an event.

    Raises:
        errors.NotFound: There is no such event.
    """
    event = await store.load(workspace_id, event_id)
    if event is None:
        raise errors.NotFound(f"there is no event {event_id}")
    return event


async def count_events(
    store: EventStore,
    workspace_id: uuid.UUID,
    wanted: EventFilter,
    facet: Facet,
    span: tuple[datetime.datetime, datetime.datetime],
    *,
    buckets: int,
    most_values: int,
) -> EventCounts:
    """Return how many events there are in a span of time, by value and bucket; of the newest MOST_COUNTED.

    Raises:
        errors.InvalidArgument: The span ends before it begins.
    """
    if span[0] >= span[1]:
        raise errors.InvalidArgument.of_field("filter.occurred", "must begin before it ends")
    return await store.count(
        workspace_id, wanted, facet, span, buckets=buckets, most_values=most_values, most_events=MOST_COUNTED
    )


@dataclasses.dataclass(frozen=True, slots=True)
class EventPage:
    """Events, and where the next page begins."""

    events: list[Event]
    next_key: Key | None


async def list_page(
    store: EventStore,
    workspace_id: uuid.UUID,
    wanted: EventFilter,
    *,
    after: Key | None,
    newest_first: bool,
    page_size: int,
) -> EventPage:
    """Return the page behind `after` in the order of time, or in the opposite one."""
    found = await store.list_events(workspace_id, wanted, after=after, newest_first=newest_first, limit=page_size + 1)
    events = found[:page_size]
    is_last = len(found) <= page_size
    return EventPage(events, None if is_last else Key(events[-1].occurred_at, events[-1].position))


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """How far a follower has come: it has everything up to a position, and so many of the events behind it."""

    position: int
    skip: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class EventChunk:
    """Events, or a sign of life, and where a follower goes on."""

    events: list[Event]
    place: Place


async def follow_events(
    tail: EventTail,
    workspace_id: uuid.UUID,
    wanted: EventFilter,
    place: Place | None,
    is_stopping: Callable[[], bool],
) -> AsyncIterator[EventChunk]:
    """Yield events as they are stored, first those behind `place`; the first chunk tells where it begins.

    Raises:
        errors.FailedPrecondition: What is behind the place is not kept any more.
    """
    async with tail.follow(workspace_id, wanted, place.position if place is not None else None) as follower:
        # Of the events read since `base`, which are `seen`, the follower has the first `skip`.
        base, seen, skip = follower.position, 0, place.skip if place is not None else 0
        told = Place(base, skip)
        yield EventChunk([], told)
        told_at = time.monotonic()
        while not is_stopping():
            events = await follower.next(_LOOK_UP_SECONDS) or []
            known = min(len(events), max(0, skip - seen))
            for start in range(known, len(events), CHUNK):
                part = events[start : start + CHUNK]
                is_last = start + CHUNK >= len(events)
                told = Place(follower.position) if is_last else Place(base, seen + start + len(part))
                told_at = time.monotonic()
                yield EventChunk(part, told)
            seen += len(events)
            if seen >= skip:
                base, seen, skip = follower.position, 0, 0
                told = Place(base)
            if time.monotonic() - told_at >= SIGN_OF_LIFE_SECONDS:
                told_at = time.monotonic()
                yield EventChunk([], told)
