"""Events of flows against a real server: all of them arrive, each once, and none holds the flow up."""

from __future__ import annotations

import uuid

from headrace import emit_event, flow, task
from headrace.api.v1 import event_pb2
from headrace.client import Client
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
