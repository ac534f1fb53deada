"""`EventService` on the wire."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import event_pb2, event_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining
from headrace_chassis.clock import Clock
from headrace_chassis.paging import page_size, question_digest
from headrace_notification.repository import EventStore, EventTail
from headrace_notification.usecases.events import (
    Place,
    count_events,
    emit_events,
    follow_events,
    list_page,
    load_event,
)
from headrace_notification.wire import events as wire
from headrace_notification.wire.values import parse_id

DAY = datetime.timedelta(days=1)
MOST_VALUES = 20

Context = grpc.aio.ServicerContext[Any, Any]


class EventServicer(event_pb2_grpc.EventServiceServicer):
    """Takes, finds and follows events.

    Args:
        store: Keeps them.
        tail: Tells what is stored.
        clock: Gives a time to events that have none.
    """

    def __init__(self, store: EventStore, tail: EventTail, clock: Clock) -> None:
        self._store = store
        self._tail = tail
        self._clock = clock

    async def EmitEvents(self, request: event_pb2.EmitEventsRequest, context: Context) -> event_pb2.EmitEventsResponse:
        """Take events of a client."""
        caller = current_caller()
        now = self._clock.now()
        events = [
            wire.event_from_proto(message, caller.workspace_id, now, f"events[{place}]")
            for place, message in enumerate(request.events)
        ]
        stored = await emit_events(self._store, events, is_own=caller.principal_kind == "service")
        return event_pb2.EmitEventsResponse(stored=stored)

    async def StreamEvents(
        self, request_iterator: AsyncIterator[event_pb2.StreamEventsRequest], context: Context
    ) -> AsyncIterator[event_pb2.StreamEventsResponse]:
        """Take events of a client on one stream."""
        caller = current_caller()
        async for request in request_iterator:
            now = self._clock.now()
            try:
                events = [
                    wire.event_from_proto(message, caller.workspace_id, now, f"events[{place}]")
                    for place, message in enumerate(request.events)
                ]
                stored = await emit_events(self._store, events, is_own=caller.principal_kind == "service")
            except errors.InvalidArgument as error:
                yield event_pb2.StreamEventsResponse(sequence=request.sequence, refused=str(error))
            else:
                yield event_pb2.StreamEventsResponse(sequence=request.sequence, stored=stored)

    async def CountEvents(
        self, request: event_pb2.CountEventsRequest, context: Context
    ) -> event_pb2.CountEventsResponse:
        """Count events by what they have in common, and over time."""
        wanted = wire.filter_from_proto(request.filter)
        end = wanted.occurred_until or self._clock.now()
        begin = wanted.occurred_from or end - DAY
        counts = await count_events(
            self._store,
            current_caller().workspace_id,
            wanted,
            wire.facet_from_proto(request.facet),
            (begin, end),
            buckets=request.bucket_count or 1,
            most_values=request.most_values or MOST_VALUES,
        )
        return wire.counts_to_proto(counts, begin, end)

    async def GetEvent(self, request: event_pb2.GetEventRequest, context: Context) -> event_pb2.GetEventResponse:
        """Return one event."""
        event_id = parse_id(request.event_id, "event_id")
        event = await load_event(self._store, current_caller().workspace_id, event_id)
        return event_pb2.GetEventResponse(event=wire.event_to_proto(event))

    async def ListEvents(self, request: event_pb2.ListEventsRequest, context: Context) -> event_pb2.ListEventsResponse:
        """Return a page of events."""
        workspace_id = current_caller().workspace_id
        newest_first = request.sort != event_pb2.EVENT_SORT_OCCURRED_ASC
        question = question_digest(request.filter, "desc" if newest_first else "asc", workspace_id)
        page = await list_page(
            self._store,
            workspace_id,
            wire.filter_from_proto(request.filter),
            after=wire.key_from_token(request.page_token, question),
            newest_first=newest_first,
            page_size=page_size(request.page_size),
        )
        return event_pb2.ListEventsResponse(
            events=map(wire.event_to_proto, page.events), next_page_token=wire.key_to_token(page.next_key, question)
        )

    async def FollowEvents(
        self, request: event_pb2.FollowEventsRequest, context: Context
    ) -> AsyncIterator[event_pb2.FollowEventsResponse]:
        """Send events as they are stored."""
        workspace_id = current_caller().workspace_id
        question = _following(request.filter, workspace_id)
        found = wire.place_from_token(request.follow_token, question)
        place = Place(*found) if found is not None else None
        wanted = wire.filter_from_proto(request.filter)
        async for chunk in follow_events(self._tail, workspace_id, wanted, place, current_draining().is_set):
            yield event_pb2.FollowEventsResponse(
                events=map(wire.event_to_proto, chunk.events),
                follow_token=wire.place_to_token(chunk.place.position, chunk.place.skip, question),
            )


def _following(wanted: event_pb2.EventFilter, workspace_id: uuid.UUID) -> bytes:
    return question_digest(wanted, "follow", workspace_id)
