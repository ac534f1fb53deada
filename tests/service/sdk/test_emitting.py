"""Events of flows against a real server: all of them arrive, each once, and none holds the flow up."""

from __future__ import annotations

import asyncio
import threading
import uuid

from headrace import emit_event, flow, task
from headrace.api.v1 import event_pb2
from headrace.client import Client
from headrace.events import FollowedEvent, afollow_events, follow_events
from headrace.ids import uuid7
from service.sdk.counterpart import wait_until

COUNT = 450


def test_events_of_a_flow_arrive_with_its_run(client: Client) -> None:
    name = f"test.emitted.{uuid.uuid4().hex}"

    @task
    def emit(number: int) -> None:
        emit_event(name, f"test.thing.{number}", payload={"number": number})

    @flow
    def emitting() -> None:
        for number in range(COUNT):
            emit_event(name, f"test.thing.{number}", payload={"number": number})
        emit(COUNT)

    emitting()
    wanted = event_pb2.EventFilter(names=[name])

    def is_all() -> bool:
        return client.events.CountEvents(event_pb2.CountEventsRequest(filter=wanted)).total == COUNT + 1

    wait_until(is_all, "not all events have come")
    request = event_pb2.ListEventsRequest(filter=wanted, page_size=200)
    found: dict[int, event_pb2.Event] = {}
    while True:
        page = client.events.ListEvents(request)
        found.update({int(str(event.payload["number"]).removesuffix(".0")): event for event in page.events})
        request.page_token = page.next_page_token
        if not request.page_token:
            break
    assert sorted(found) == list(range(COUNT + 1))
    roles = [[related.role for related in found[number].related] for number in (0, COUNT)]
    assert roles == [["flow-run"], ["task-run", "flow-run"]]


def test_events_are_followed_from_the_call_on(client: Client) -> None:
    name = f"test.followed.{uuid.uuid4().hex}"
    emit = client.events.EmitEvents
    events = follow_events(f"{name}.*", timeout=60)

    def say(word: str) -> None:
        resource = event_pb2.EventResource(resource_id="test.thing", name="thing")
        event = event_pb2.Event(event_id=str(uuid7()), name=f"{name}.{word}", resource=resource)
        event.payload.update({"word": word, "number": 1})
        emit(event_pb2.EmitEventsRequest(events=[event]))

    say("one")
    say("two")
    first, second = next(events), next(events)
    assert (first.name, second.name) == (f"{name}.one", f"{name}.two")
    assert first.payload == {"word": "one", "number": 1}
    assert first.resource == {"headrace.resource.id": "test.thing", "headrace.resource.name": "thing"}
    assert list(follow_events(name, timeout=0.1)) == []

    async def third() -> FollowedEvent:
        async with asyncio.timeout(60):
            going_on = asyncio.create_task(asyncio.to_thread(repeat))
            async for event in afollow_events(f"{name}.three"):
                done.set()
                await going_on
                return event
        raise AssertionError("it ended by itself")

    done = threading.Event()

    def repeat() -> None:
        # From when on it follows is not told, so it is said until it is heard.
        while not done.wait(0.2):
            say("three")

    assert asyncio.run(third()).name == f"{name}.three"
