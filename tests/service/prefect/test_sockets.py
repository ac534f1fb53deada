"""Websockets of Prefect's client in front of played services: what is kept, for how long, and what is said."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace import errors
from headrace.api.v1 import (
    background_task_pb2,
    background_task_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    task_run_pb2,
    task_run_pb2_grpc,
    workspace_pb2,
    workspace_pb2_grpc,
)
from headrace.ids import uuid7
from headrace_gateway import server
from headrace_harness.gateway import RunningGateway, play, running_gateway
from headrace_harness.waiting import eventually
from headrace_harness.websocket import Closed, WebSocket, websocket
from headrace_prefect import application as prefect_application
from headrace_prefect import wiring
from headrace_prefect.sockets import handshake, scheduled_tasks
from headrace_prefect.sockets import socket as sockets

LOST_RUN = "019ab000-0000-7000-8000-00000000dead"


class Workspaces(workspace_pb2_grpc.WorkspaceServiceServicer):
    """Knows who calls, once it has failed as often as it is told."""

    def __init__(self) -> None:
        self.failures: list[errors.HeadraceError] = []

    async def GetCaller(self, request: workspace_pb2.GetCallerRequest, context: Any) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return workspace_pb2.GetCallerResponse()


class Records(task_run_pb2_grpc.RecordServiceServicer):
    """Keeps what is recorded while it may; knows one flow run that others have."""

    def __init__(self) -> None:
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.failures: list[errors.HeadraceError] = []
        self.frames: list[int] = []
        self.states: list[str] = []

    async def RecordTransitions(self, request: task_run_pb2.RecordTransitionsRequest, context: Any) -> Any:
        await self.may_go_on.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.frames.append(len(request.frame.transitions))
        names = [attempt.flow_run_id for attempt in request.frame.attempts]
        self.states += [one.state.state_id for one in request.frame.transitions if names[one.attempt_index] != LOST_RUN]
        lost = [task_run_pb2.AttemptLost(flow_run_id=LOST_RUN)] if LOST_RUN in names else []
        return task_run_pb2.RecordTransitionsResponse(lost=lost)


class Events(event_pb2_grpc.EventServiceServicer):
    """Sends long events for as long as they are taken."""

    def __init__(self) -> None:
        self.sent = 0
        self.has_ended = asyncio.Event()

    async def ListEvents(self, request: event_pb2.ListEventsRequest, context: Any) -> Any:
        return event_pb2.ListEventsResponse()

    async def FollowEvents(self, request: event_pb2.FollowEventsRequest, context: Any) -> AsyncIterator[Any]:
        try:
            yield event_pb2.FollowEventsResponse()
            while True:
                event = event_pb2.Event(event_id=str(uuid7()), name="own.thing")
                event.resource.resource_id = "own.1"
                event.payload.update({"text": "x" * 10_000})
                yield event_pb2.FollowEventsResponse(events=[event])
                self.sent += 1
        finally:
            self.has_ended.set()


class BackgroundTasks(background_task_pb2_grpc.BackgroundTaskServiceServicer):
    """Has nothing to do for those who serve tasks."""

    def __init__(self) -> None:
        self.has_ended = asyncio.Event()

    async def ServeBackgroundTasks(  # type: ignore[override]
        self, request_iterator: AsyncIterator[background_task_pb2.ServeBackgroundTasksRequest], context: Any
    ) -> None:
        try:
            async for _ in request_iterator:
                pass
        finally:
            self.has_ended.set()


class World:
    """A gateway with the adapter, and the services behind it."""

    def __init__(
        self,
        workspaces: Workspaces,
        records: Records,
        events: Events,
        background_tasks: BackgroundTasks,
        running: RunningGateway,
    ) -> None:
        self.workspaces = workspaces
        self.records = records
        self.events = events
        self.background_tasks = background_tasks
        self.url = str(running.http.base_url)

    @contextlib.asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[WebSocket]:
        """Lend a socket whose owner is let in."""
        async with websocket(f"{self.url}/api{path}", subprotocols=["prefect"]) as made:
            await made.send({"type": "auth", "token": None})
            assert await made.receive() == {"type": "auth_success"}
            yield made


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    played = play(Workspaces), play(Records), play(Events), play(BackgroundTasks)
    async with running_gateway(played, mounts={prefect_application.PREFIX: wiring.build}) as running:
        yield World(*played, running)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


def a_state(flow_run_id: str = "", *, padding: int = 0, **more: Any) -> dict[str, Any]:
    """Return the event that a task run has completed."""
    related = {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}", "prefect.resource.role": "flow-run"}
    return {
        "id": str(uuid7()),
        "occurred": datetime.datetime.now(datetime.UTC).isoformat(),
        "event": "prefect.task-run.Completed",
        "resource": {"prefect.resource.id": f"prefect.task-run.{uuid7()}"},
        "related": [related] if flow_run_id else [],
        "payload": {
            "validated_state": {"type": "COMPLETED", "name": "Completed", "data": "x" * padding},
            "task_run": {"task_key": "step", "dynamic_key": "0", "name": "step-0"},
        },
        **more,
    }


async def is_answered(socket: WebSocket, payload: bytes) -> bool:
    """Ping; return whether the pong is what comes next."""
    await socket.ping(payload)
    return bool(await socket.receive() == payload)


async def test_what_can_never_be_taken_holds_nothing_up(world: World) -> None:
    fine = a_state()
    deep: Any = {}
    for _ in range(200):
        deep = {"deeper": deep}
    async with world.socket("/events/in") as socket:
        for event in ("no event", a_state(LOST_RUN), {"event": "own.deep", "payload": deep}, a_state(occurred=7), fine):
            await socket.send(event)
        assert await is_answered(socket, b"all")
    assert world.records.states == [fine["id"]]


async def test_what_was_not_decided_is_not_acknowledged_and_may_come_again(world: World) -> None:
    world.records.failures = [errors.DeadlineExceeded("the database is slow")]
    event = a_state()
    async with world.socket("/events/in") as socket:
        await socket.send(event)
        await socket.ping(b"never")
        with pytest.raises(Closed) as closed:
            await socket.receive()
    # A client takes it for a reason to connect again, and not for one to give up.
    assert closed.value.code == sockets.TRY_AGAIN
    async with world.socket("/events/in") as socket:
        await socket.send(event)
        assert await is_answered(socket, b"now")
    assert world.records.states == [event["id"]]


async def test_many_states_go_in_frames_that_one_call_can_take(world: World) -> None:
    told = [a_state(padding=1_500_000) for _ in range(6)]
    async with world.socket("/events/in") as socket:
        for event in told:
            await socket.send(event)
        assert await is_answered(socket, b"all")
    assert world.records.states == [event["id"] for event in told]
    assert max(world.records.frames) <= 2


async def test_who_sends_more_than_is_stored_is_held_back_and_loses_nothing(world: World) -> None:
    world.records.may_go_on.clear()
    told = [a_state(padding=200_000) for _ in range(200)]
    sent = 0

    async def send() -> None:
        nonlocal sent
        for event in told:
            await socket.send(event)
            sent += 1

    async with world.socket("/events/in") as socket:
        sending = asyncio.create_task(send())
        before = -1
        while sent != before:
            before = sent
            # 40 MB are not pushed into buffers: what was sent stops to grow while nothing is stored.
            await asyncio.sleep(0.5)
        assert before < len(told)
        world.records.may_go_on.set()
        await sending
        assert await is_answered(socket, b"all")
    assert world.records.states == [event["id"] for event in told]


async def test_clients_wait_while_nobody_can_be_asked_who_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.workspaces.failures = [errors.Unavailable("identity restarts")] * 2
    async with world.socket("/events/in") as socket:
        assert await is_answered(socket, b"there")
    assert world.workspaces.failures == []
    monkeypatch.setattr(handshake, "PROVE_SECONDS", 0.0)
    for failure, code in (
        (errors.Unavailable("identity is away"), sockets.GOING_AWAY),
        (errors.PermissionDenied("not here"), sockets.POLICY_VIOLATION),
    ):
        world.workspaces.failures = [failure]
        with pytest.raises(Closed) as closed:
            async with world.socket("/events/in"):
                pass
        assert closed.value.code == code


async def test_a_slow_reader_of_events_holds_the_service_back_and_one_that_vanishes_ends_the_call(
    world: World,
) -> None:
    async with world.socket("/events/out") as socket:
        await socket.send({"type": "filter", "filter": {}, "backfill": False})
        before = -1
        while not world.events.sent or world.events.sent != before:
            before = world.events.sent
            await asyncio.sleep(0.5)
        assert before < 10_000

    async def has_ended() -> bool:
        return world.events.has_ended.is_set()

    await eventually(has_ended)


async def test_a_reader_of_events_that_gives_no_sign_of_life_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PING_SECONDS", 0.1)
    monkeypatch.setattr(server, "PONG_SECONDS", 0.1)
    async with a_world() as world, world.socket("/events/out") as socket:
        await socket.send({"type": "filter", "filter": {}, "backfill": False})

        async def has_ended() -> bool:
            return world.events.has_ended.is_set()

        # It reads nothing from here on, and its connection stands: nothing that was sent to it would ever go.
        await eventually(has_ended)
        assert world.events.sent


@pytest.mark.parametrize(("said", "code"), [(["quit"], 1000), (["ack", "ack"], scheduled_tasks.VIOLATION)])
async def test_who_serves_tasks_and_goes_is_noticed_although_nothing_is_to_be_done(
    world: World, said: list[str], code: int
) -> None:
    async with world.socket("/task_runs/subscriptions/scheduled") as socket:
        await socket.send({"type": "subscribe", "keys": ["mail"], "client_id": "here"})
        for word in said:
            await socket.send({"type": word})
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert closed.value.code == code
        async with asyncio.timeout(60):
            await world.background_tasks.has_ended.wait()
