from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from headrace import errors
from headrace.api.v1 import event_pb2, event_pb2_grpc, system_pb2, system_pb2_grpc, variable_pb2, variable_pb2_grpc
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace.rpc.status import from_rpc_error
from headrace_chassis import outbox_servicer
from headrace_chassis.caller import current_caller
from headrace_chassis.host import ServiceHost
from headrace_chassis.loops import Loop
from headrace_chassis.outbox import Outbox
from headrace_chassis.outbox_servicer import OutboxServicer
from headrace_chassis.service import Service, ServiceContext
from headrace_chassis.settings import ServerSettings
from headrace_harness.services import RunningService, running_service


class Variables(variable_pb2_grpc.VariableServiceServicer):
    """Asks a neighbour, if it has one, and answers with what that says about the caller."""

    def __init__(self, context: ServiceContext, neighbour: str | None) -> None:
        self._context = context
        self._neighbour = neighbour

    async def GetVariable(self, request: variable_pb2.GetVariableRequest, context: Any) -> Any:
        tags = [self._context.name, current_caller().principal_id, str(current_caller().workspace_id)]
        if self._neighbour is not None:
            stub: Any = event_pb2_grpc.EventServiceStub(self._context.channel(self._neighbour))
            answer = await stub.GetEvent(event_pb2.GetEventRequest(event_id=EVENT_IDS[request.name]))
            tags = answer.event.name.split()
        return variable_pb2.GetVariableResponse(variable=variable_pb2.Variable(name=request.name, tags=tags))


EVENT_IDS = {name: str(uuid.UUID(int=number)) for number, name in enumerate(("x", "missing", "refused"))}


class Events(event_pb2_grpc.EventServiceServicer):
    """The neighbour."""

    async def GetEvent(self, request: event_pb2.GetEventRequest, context: Any) -> Any:
        if request.event_id == EVENT_IDS["missing"]:
            raise errors.NotFound("not here", reason="EVENT_NOT_FOUND")
        if request.event_id == EVENT_IDS["refused"]:
            raise errors.PermissionDenied("a fault between services, which is no business of the caller")
        caller = current_caller()
        name = f"neighbour {caller.principal_id} {caller.workspace_id}"
        return event_pb2.GetEventResponse(event=event_pb2.Event(name=name))


async def build_neighbour(context: ServiceContext) -> Service:
    events: Any = Events
    return Service(servicers=[events(), OutboxServicer(context.database, context.wakeups)])


class Ticking(Loop):
    name = "ticking"
    interval_seconds = 0.01

    async def tick(self) -> None:
        return None


class Parts:
    """What `build` made, for the test to look at."""

    def __init__(self, neighbour: str | None = None) -> None:
        self.neighbour = neighbour
        self.loop = Ticking()
        self.outbox: Outbox
        self.context: ServiceContext
        self.is_closed = False
        self.faults: list[str] = []

    async def build(self, context: ServiceContext) -> Service:
        self.context = context
        self.outbox = Outbox(context.database, context.wakeups)
        variables: Any = Variables
        return Service(
            servicers=[variables(context, self.neighbour), OutboxServicer(context.database, context.wakeups)],
            loops=[self.loop],
            readiness=[self._check],
            close=self._close,
        )

    async def append(self, kind: str, *texts: str) -> None:
        async with self.context.database.transaction() as connection:
            for text in texts:
                await self.outbox.append(connection, DEFAULT_WORKSPACE_ID, kind, StringValue(value=text))

    async def _check(self) -> None:
        if self.faults:
            raise errors.Unavailable(self.faults[0])

    async def _close(self) -> None:
        self.is_closed = True


def settings(**changes: Any) -> ServerSettings:
    return ServerSettings.model_validate({"port": 0, "drain_seconds": 1.0, **changes})


def follow(running: RunningService, **fields: Any) -> Any:
    stub: Any = outbox_pb2_grpc.OutboxServiceStub(running.internal_channel)
    return stub.FollowOutbox(outbox_pb2.FollowOutboxRequest(consumer="test", **fields))


async def read(call: Any, count: int) -> tuple[list[str], str]:
    texts: list[str] = []
    cursor = ""
    while len(texts) < count:
        answer = await asyncio.wait_for(call.read(), 60)
        texts += [StringValue.FromString(entry.payload).value for entry in answer.entries]
        cursor = answer.cursor
    return texts, cursor


async def test_a_follower_gets_what_was_and_what_comes(database_url: str) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        await parts.append("a", "one", "two")
        call = follow(service)
        texts, cursor = await read(call, 2)
        assert texts == ["one", "two"]
        await parts.append("a", "three")
        assert (await read(call, 1))[0] == ["three"]
        call.cancel()
        again = follow(service, cursor=cursor)
        assert (await read(again, 1))[0] == ["three"]


async def test_a_follower_is_woken_and_need_not_poll(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Longer than a test may take: what comes in time comes of wakeups.
    monkeypatch.setattr(outbox_servicer, "POLL_SECONDS", 3600.0)
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        call = follow(service)
        for number in range(5):
            await parts.append("a", str(number))
            assert (await read(call, 1))[0] == [str(number)]


async def test_a_follower_may_start_now_and_choose_kinds(database_url: str) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        await parts.append("a", "old")
        call = follow(service, from_now=True, kinds=["a", "c"])
        reading = asyncio.create_task(read(call, 2))
        # Whether it has started shows in the answer to what comes; entries are repeated until it has.
        await parts.append("a", "probe")
        while not reading.done():
            await parts.append("b", "other kind")
            await parts.append("c", "wanted")
            await asyncio.wait([reading], timeout=0.05)
        texts, _ = await reading
        assert "old" not in texts
        assert set(texts) <= {"probe", "wanted"}


async def test_a_cursor_of_another_life_of_the_database_is_refused(database_url: str) -> None:
    async with running_service("state", Parts().build, database_url) as service:
        for fields, reason in (
            ({"cursor": "999"}, "CURSOR_AHEAD"),
            ({"cursor": "x"}, "INVALID_ARGUMENT"),
            ({"service": "scheduler"}, "INVALID_ARGUMENT"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await follow(service, **fields).read()
            assert from_rpc_error(caught.value).reason == reason


async def test_a_follower_that_stayed_away_too_long_is_noticed(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        await parts.append("a", "one", "two", "three")
        async with parts.context.database.transaction() as connection:
            await connection.execute("delete from outbox where position < 3")
        texts, _ = await read(follow(service, cursor="1"), 1)
        assert texts == ["three"]
    assert "the oldest entry kept is 3" in caplog.text


async def test_a_follower_is_let_go_when_the_server_stops(database_url: str) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        call = follow(service)
        await parts.append("a", "one")
        await read(call, 1)
        stopping = asyncio.create_task(service.host.stop())
        assert await asyncio.wait_for(call.read(), 60) is grpc.aio.EOF
        await stopping


async def test_a_service_is_built_serves_ticks_and_is_closed(database_url: str) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        stub: Any = variable_pb2_grpc.VariableServiceStub(service.channel)
        answer = await stub.GetVariable(variable_pb2.GetVariableRequest(name="x"))
        assert list(answer.variable.tags) == ["state", "local", str(DEFAULT_WORKSPACE_ID)]
        await asyncio.wait_for(parts.loop.ticked(2), 60)
        system: Any = system_pb2_grpc.SystemServiceStub(service.channel)
        facts = await system.GetSystem(system_pb2.GetSystemRequest())
        assert facts.grpc_address == f":{service.host.grpc_port}"
        assert not facts.authentication_required
        assert facts.version
        assert not parts.is_closed
    assert parts.is_closed


async def test_services_of_one_process_reach_each_other_for_the_caller(database_url: str) -> None:
    builders = {"state": Parts("notification").build, "notification": build_neighbour}
    workspace = str(uuid.uuid4())
    async with ServiceHost(settings(), builders, database_url) as host:
        channel = open_aio_channel(f"127.0.0.1:{host.grpc_port}")
        stub: Any = variable_pb2_grpc.VariableServiceStub(channel)
        answer = await stub.GetVariable(
            variable_pb2.GetVariableRequest(name="x"), metadata=(("headrace-workspace", workspace),)
        )
        assert list(answer.variable.tags) == ["neighbour", "local", workspace]
        for name, reason in (("missing", "EVENT_NOT_FOUND"), ("refused", "INTERNAL")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.GetVariable(variable_pb2.GetVariableRequest(name=name))
            assert from_rpc_error(caught.value).reason == reason
        # Where services share a process, internal methods are not on the public address at all.
        outboxes: Any = outbox_pb2_grpc.OutboxServiceStub(channel)
        metadata = (("headrace-internal-token", host.internal_token),)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await outboxes.FollowOutbox(outbox_pb2.FollowOutboxRequest(), metadata=metadata).read()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        await channel.close()


async def test_services_of_two_processes_reach_each_other_for_the_caller(database_url: str) -> None:
    workspace = str(uuid.uuid4())
    events: Any = Events
    async with running_service(
        "state", Parts("notification").build, database_url, neighbours={"notification": [events()]}
    ) as service:
        stub: Any = variable_pb2_grpc.VariableServiceStub(service.channel)
        answer = await stub.GetVariable(
            variable_pb2.GetVariableRequest(name="x"), metadata=(("headrace-workspace", workspace),)
        )
        assert list(answer.variable.tags) == ["neighbour", "local", workspace]


async def test_readiness_names_what_is_missing(database_url: str) -> None:
    parts = Parts()
    async with running_service("state", parts.build, database_url) as service:
        health: Any = health_pb2_grpc.HealthStub(service.channel)
        assert await service.host.faults() == []
        parts.faults.append("the moon is not full")
        assert await service.host.faults() == ["the moon is not full"]
        answer = await health.Check(health_pb2.HealthCheckRequest(service="headrace.api.v1.VariableService"))
        assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await health.Check(health_pb2.HealthCheckRequest(service="liveness"))).status == (
            health_pb2.HealthCheckResponse.SERVING
        )


async def test_an_absent_neighbour_makes_a_service_not_ready(database_url: str) -> None:
    parts = Parts("log")
    chosen = settings(addresses={"log": "127.0.0.1:1"}, internal_token="t")
    async with ServiceHost(chosen, {"state": parts.build}, database_url) as host:
        parts.context.channel("log")
        (fault,) = await host.faults()
        assert fault.startswith("the service log does not answer")


async def test_a_failing_build_leaves_nothing_behind(database_url: str) -> None:
    first = Parts()

    async def fail(context: ServiceContext) -> Service:
        raise ZeroDivisionError

    host = ServiceHost(settings(), {"state": first.build, "log": fail}, database_url)
    with pytest.raises(ZeroDivisionError):
        await host.start()
    assert first.is_closed


async def test_a_taken_port_is_said_and_leaves_nothing_behind(database_url: str) -> None:
    parts = Parts()
    host = ServiceHost(settings(host="192.0.2.1", allow_without_sign_in=True), {"state": parts.build}, database_url)
    with pytest.raises(OSError, match="cannot listen"):
        await host.start()
    assert parts.is_closed


async def test_a_loop_that_ends_unexpectedly_is_noticed(database_url: str) -> None:
    class Dying(Loop):
        name = "dying"

        async def tick(self) -> None:
            raise SystemError

        async def run(self, stop: asyncio.Event) -> None:
            raise RuntimeError("a loop must not end")

    async def build(context: ServiceContext) -> Service:
        return Service(servicers=[OutboxServicer(context.database, context.wakeups)], loops=[Dying()])

    async with ServiceHost(settings(), {"state": build}, database_url) as host:
        await asyncio.wait_for(host.failed.wait(), 60)


async def test_stopping_is_over_when_the_drain_time_is(database_url: str) -> None:
    is_in = asyncio.Event()

    class Stuck(Loop):
        name = "stuck"

        async def tick(self) -> None:
            is_in.set()
            await asyncio.sleep(3600)

    async def build(context: ServiceContext) -> Service:
        return Service(servicers=[OutboxServicer(context.database, context.wakeups)], loops=[Stuck()])

    host = ServiceHost(settings(drain_seconds=0.1), {"state": build}, database_url)
    await host.start()
    await is_in.wait()
    await asyncio.wait_for(host.stop(), 60)


async def test_services_elsewhere_need_a_token(database_url: str) -> None:
    with pytest.raises(errors.InvalidArgument, match="HEADRACE_SERVER_INTERNAL_TOKEN"):
        ServiceHost(settings(addresses={"log": "log:4201"}), {"state": Parts().build}, database_url)


async def test_beyond_loopback_nobody_gets_in_without_sign_in(database_url: str) -> None:
    async with ServiceHost(settings(host="0.0.0.0"), {"state": Parts().build}, database_url) as host:
        channel = open_aio_channel(f"127.0.0.1:{host.grpc_port}")
        stub: Any = variable_pb2_grpc.VariableServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetVariable(variable_pb2.GetVariableRequest(name="x"))
        assert from_rpc_error(caught.value).reason == "SIGN_IN_NOT_SET_UP"
        system: Any = system_pb2_grpc.SystemServiceStub(channel)
        assert (await system.GetSystem(system_pb2.GetSystemRequest())).authentication_required
        await channel.close()
