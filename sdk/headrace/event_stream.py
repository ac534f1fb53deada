"""Following events as they happen, from Python: `headrace.events.follow_events`."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

from headrace import errors
from headrace.api.v1 import event_pb2
from headrace.client import connect_async, get_client
from headrace.recording.wire import mapping_of

_RETRY_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class FollowedEvent:
    """An event that happened."""

    id: str
    name: str
    """For example `order.placed`, or `headrace.flow-run.Completed`."""
    occurred_at: datetime.datetime
    resource: Mapping[str, str]
    """What it is about, as labels; `headrace.resource.id` is always there."""
    related: tuple[Mapping[str, str], ...]
    """What else it concerns, as labels of each."""
    payload: Mapping[str, Any]
    follows: str
    """The id of the event that it follows; empty if it names none."""


def follow_events(*names: str, resources: Iterable[str] = (), timeout: float | None = None) -> Iterator[FollowedEvent]:
    """Return an iterator of events as they happen, all that come after this call, each once.

    It goes on where it was when the server has been away.

    Args:
        names: Only these; `*` at the end matches any rest, as in `headrace.flow-run.*`.
        resources: Only events about, or related to, one of these resource ids.
        timeout: Seconds after which it ends; None goes on for ever.

    Raises:
        errors.HeadraceError: The server does not answer, or refuses.
    """
    events = _followed(_request(names, resources), timeout)
    # It is open once the server has said where it begins.
    next(events, None)
    return (event for event in events if event is not None)


async def afollow_events(
    *names: str, resources: Iterable[str] = (), timeout: float | None = None
) -> AsyncIterator[FollowedEvent]:
    """Yield events as they happen, from the first step on; otherwise as `follow_events`."""
    request = _request(names, resources)
    deadline = None if timeout is None else time.monotonic() + timeout
    async with connect_async() as client:
        while (left := _left(deadline)) is None or left > 0:
            try:
                async for response in client.events.FollowEvents(request, timeout=left):
                    request.follow_token = response.follow_token or request.follow_token
                    for event in response.events:
                        yield _received(event)
            except errors.DeadlineExceeded:
                pass
            except errors.Unavailable:
                if not request.follow_token:
                    raise
            await asyncio.sleep(_pause(deadline))


def _followed(request: event_pb2.FollowEventsRequest, timeout: float | None) -> Iterator[FollowedEvent | None]:
    """Yield None once the stream is open, then events."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while (left := _left(deadline)) is None or left > 0:
        try:
            for response in get_client().events.FollowEvents(request, timeout=left):
                if not request.follow_token:
                    request.follow_token = response.follow_token
                    yield None
                request.follow_token = response.follow_token or request.follow_token
                for event in response.events:
                    yield _received(event)
        except errors.DeadlineExceeded:
            pass
        except errors.Unavailable:
            if not request.follow_token:
                raise
        time.sleep(_pause(deadline))


def _request(names: Iterable[str], resources: Iterable[str]) -> event_pb2.FollowEventsRequest:
    wanted = event_pb2.EventFilter(names=names, any_resource_ids=resources)
    return event_pb2.FollowEventsRequest(filter=wanted)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else deadline - time.monotonic()


def _pause(deadline: float | None) -> float:
    """Return how long to wait before the next try: also where something on the way lost its patience."""
    pause = _RETRY_SECONDS * random.uniform(0.5, 1.5)
    left = _left(deadline)
    return pause if left is None else min(pause, max(left, 0.0))


def _received(event: event_pb2.Event) -> FollowedEvent:
    return FollowedEvent(
        id=event.event_id,
        name=event.name,
        occurred_at=event.occurred_at.ToDatetime(datetime.UTC),
        resource=_labels(event.resource),
        related=tuple(map(_labels, event.related)),
        payload=mapping_of(event.payload),
        follows=event.follows_event_id,
    )


def _labels(resource: event_pb2.EventResource) -> dict[str, str]:
    own = {
        "headrace.resource.id": resource.resource_id,
        "headrace.resource.name": resource.name,
        "headrace.resource.role": resource.role,
    }
    return {**resource.labels, **{label: value for label, value in own.items() if value}}
