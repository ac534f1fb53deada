"""Events of clients on a stream, and how many there are of what."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest

from headrace.api.v1 import event_pb2, event_pb2_grpc, state_pb2
from headrace.ids import uuid7
from headrace_harness.services import RunningService

BEGIN = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0) - datetime.timedelta(days=2)


def stub_of(service: RunningService) -> Any:
    return event_pb2_grpc.EventServiceStub(service.channel)


def an_event(name: str, resource_id: str = "app.1", hours: float = 0, related: tuple[str, ...] = ()) -> event_pb2.Event:
    event = event_pb2.Event(
        event_id=str(uuid7()),
        name=name,
        resource=event_pb2.EventResource(resource_id=resource_id),
        related=[event_pb2.EventResource(resource_id=one, role="part") for one in related],
    )
    event.occurred_at.FromDatetime(BEGIN + datetime.timedelta(hours=hours))
    return event


async def streamed(service: RunningService, *batches: list[event_pb2.Event]) -> list[event_pb2.StreamEventsResponse]:
    async def requests() -> AsyncIterator[event_pb2.StreamEventsRequest]:
        for number, events in enumerate(batches, 1):
            yield event_pb2.StreamEventsRequest(sequence=number, events=events)

    return [response async for response in stub_of(service).StreamEvents(requests())]


async def test_batches_on_a_stream_are_acknowledged_in_order_once_they_are_stored(service: RunningService) -> None:
    first, second, third = (an_event(f"app.{number}") for number in range(3))
    acknowledged = await streamed(service, [first, second], [second, third], [first])
    assert [(one.sequence, one.stored, one.refused) for one in acknowledged] == [(1, 2, ""), (2, 1, ""), (3, 0, "")]
    found = await stub_of(service).ListEvents(event_pb2.ListEventsRequest())
    assert {event.event_id for event in found.events} == {event.event_id for event in (first, second, third)}


async def test_what_is_wrong_with_a_batch_is_told_and_the_stream_goes_on(service: RunningService) -> None:
    fine = an_event("app.fine")
    refused, stored = await streamed(service, [an_event("app.other"), an_event("headrace.flow-run.Failed")], [fine])
    assert (refused.sequence, refused.stored) == (1, 0)
    assert "events[1].name" in refused.refused
    assert (stored.sequence, stored.stored, stored.refused) == (2, 1, "")
    found = await stub_of(service).ListEvents(event_pb2.ListEventsRequest())
    assert [event.event_id for event in found.events] == [fine.event_id]


def a_span(hours: float = 24) -> state_pb2.TimeRange:
    span = state_pb2.TimeRange()
    getattr(span, "from").FromDatetime(BEGIN)
    span.until.FromDatetime(BEGIN + datetime.timedelta(hours=hours))
    return span


async def counted(service: RunningService, facet: str = "NAME", **fields: Any) -> event_pb2.CountEventsResponse:
    wanted = event_pb2.EventFilter(occurred=fields.pop("span", a_span()), **fields.pop("wanted", {}))
    request = event_pb2.CountEventsRequest(
        filter=wanted, facet=event_pb2.EventFacet.Value(f"EVENT_FACET_{facet}"), **fields
    )
    response: event_pb2.CountEventsResponse = await stub_of(service).CountEvents(request)
    return response


async def test_events_are_counted_by_what_they_have_in_common_and_over_time(service: RunningService) -> None:
    events = [an_event("app.a", f"app.{n % 2}", n, ("x", "y")[: n % 3]) for n in range(9)]
    events += [an_event("app.b", "app.0", 23.99), an_event("app.b", "app.0", 24), an_event("app.b", "app.0", -0.01)]
    await stub_of(service).EmitEvents(event_pb2.EmitEventsRequest(events=events))

    names = await counted(service, bucket_count=4)
    assert [(one.value, one.count, list(one.over_time)) for one in names.counts] == [
        ("app.a", 9, [6, 3, 0, 0]),
        ("app.b", 1, [0, 0, 0, 1]),
    ]
    assert (names.total, list(names.over_time), names.capped) == (10, [6, 3, 0, 1], False)
    assert names.span == a_span()
    resources = await counted(service, "RESOURCE", most_values=1)
    assert [(one.value, one.count) for one in resources.counts] == [("app.0", 6)]
    assert resources.total == 10
    related = await counted(service, "RELATED", wanted={"names": ["app.*"]})
    assert [(one.value, one.count) for one in related.counts] == [("x", 6), ("y", 3)]
    few = await counted(service, wanted={"names": ["app.b"]}, span=a_span(12))
    assert (few.total, list(few.counts)) == (0, [])


async def test_a_span_that_ends_before_it_begins_is_refused(service: RunningService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await counted(service, span=a_span(-1))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
