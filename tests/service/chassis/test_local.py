"""What a call does, over the network and within the process: the same."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace import errors
from headrace.api.v1 import event_pb2, event_pb2_grpc, log_pb2, log_pb2_grpc, variable_pb2, variable_pb2_grpc
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace.rpc.status import from_rpc_error
from headrace_chassis.calls import current_draining
from headrace_chassis.local.channel import LocalChannel
from headrace_chassis.local.pipe import MESSAGES_AHEAD
from headrace_chassis.local.server import LocalServer
from headrace_chassis.resolving import LocalCallerResolver
from headrace_chassis.server import ServiceServer
from headrace_chassis.validation import Validator

of_the_client = contextvars.ContextVar("of_the_client", default="nothing")


class Variables(variable_pb2_grpc.VariableServiceServicer):
    """Does what the name says."""

    def __init__(self) -> None:
        self.is_in = asyncio.Event()
        self.go_on = asyncio.Event()
        self.was_cancelled = asyncio.Event()
        self.calls = 0
        self.kept: Any = None

    async def GetVariable(self, request: variable_pb2.GetVariableRequest, context: Any) -> Any:
        self.calls += 1
        self.is_in.set()
        self.kept = request
        tags: list[str] = []
        try:
            match request.name:
                case "missing":
                    raise errors.NotFound("no such variable", reason="VARIABLE_NOT_FOUND", metadata={"name": "missing"})
                case "broken":
                    raise ZeroDivisionError("a secret that is not to be told")
                case "slow":
                    await self.go_on.wait()
                case "unavailable-twice":
                    if self.calls <= 2:
                        raise errors.Unavailable("not yet")
                case "unavailable":
                    raise errors.Unavailable("never")
                case "metadata":
                    tags = [str(value) for key, value in context.invocation_metadata() if key == "x-colour"]
                case "deadline":
                    tags = ["none" if context.time_remaining() is None else "some"]
                case "context":
                    tags = [of_the_client.get()]
                case "status":
                    context.set_trailing_metadata((("x-more", "words"),))
        except asyncio.CancelledError:
            self.was_cancelled.set()
            raise
        return variable_pb2.GetVariableResponse(variable=variable_pb2.Variable(name=request.name, tags=tags))


class Events(event_pb2_grpc.EventServiceServicer):
    """Streams until it is told to stop."""

    def __init__(self) -> None:
        self.sent = 0
        self.was_cancelled = asyncio.Event()

    async def FollowEvents(self, request: event_pb2.FollowEventsRequest, context: Any) -> AsyncIterator[Any]:
        draining = current_draining()
        try:
            match request.follow_token:
                case "three":
                    for number in range(3):
                        yield event_pb2.FollowEventsResponse(follow_token=str(number))
                case "fail":
                    yield event_pb2.FollowEventsResponse(follow_token="0")
                    raise errors.FailedPrecondition("in the middle", reason="MIDDLE")
                case "endless":
                    while True:
                        yield event_pb2.FollowEventsResponse(follow_token="x" * 10_000)
                        self.sent += 1
                case _:
                    yield event_pb2.FollowEventsResponse(follow_token="first")
                    await draining.wait()
                    yield event_pb2.FollowEventsResponse(follow_token="last")
        except (asyncio.CancelledError, GeneratorExit):
            self.was_cancelled.set()
            raise


class Logs(log_pb2_grpc.LogServiceServicer):
    """Answers each batch with its number."""

    async def WriteLogs(self, request_iterator: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        number = 0
        async for _ in request_iterator:
            number += 1
            yield log_pb2.WriteLogsResponse(ack=log_pb2.WriteLogsAck(sequence=number))


class Outboxes(outbox_pb2_grpc.OutboxServiceServicer):
    """An internal service."""

    async def FollowOutbox(self, request: outbox_pb2.FollowOutboxRequest, context: Any) -> AsyncIterator[Any]:
        yield outbox_pb2.FollowOutboxResponse(cursor="1")


class Ends:
    """Both ends of a channel."""

    def __init__(self, channel: grpc.aio.Channel, server: ServiceServer | LocalServer, servicers: list[Any]) -> None:
        self.server = server
        self.variables_servicer: Variables = servicers[0]
        self.events_servicer: Events = servicers[1]
        self.variables: Any = variable_pb2_grpc.VariableServiceStub(channel)
        self.events: Any = event_pb2_grpc.EventServiceStub(channel)
        self.logs: Any = log_pb2_grpc.LogServiceStub(channel)
        self.outboxes: Any = outbox_pb2_grpc.OutboxServiceStub(channel)


def servicers() -> list[Any]:
    # The classes write only the methods that are called.
    classes: list[Any] = [Variables, Events, Logs, Outboxes]
    return [made() for made in classes]


@contextlib.asynccontextmanager
async def over_the_network() -> AsyncIterator[Ends]:
    server = ServiceServer(resolver=LocalCallerResolver(), internal_token="token")
    made = servicers()
    for servicer in made:
        server.add_servicer(servicer)
    port = server.listen("127.0.0.1:0")
    await server.start()
    async with open_aio_channel(f"127.0.0.1:{port}") as channel:
        yield Ends(channel, server, made)
    await server.stop(0)


@contextlib.asynccontextmanager
async def within_the_process() -> AsyncIterator[Ends]:
    server = LocalServer(
        resolver=LocalCallerResolver(), internal_token="token", validator=Validator(), default_deadline_seconds=30
    )
    made = servicers()
    for servicer in made:
        server.add_servicer(servicer)
    yield Ends(LocalChannel(server), server, made)
    await server.stop(0)


@pytest.fixture(params=[over_the_network, within_the_process])
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    async with request.param() as made:
        yield made


def get(name: str) -> variable_pb2.GetVariableRequest:
    return variable_pb2.GetVariableRequest(name=name)


async def refusal_of(call: Awaitable[Any]) -> errors.HeadraceError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)


async def test_a_call_is_answered(ends: Ends) -> None:
    call = ends.variables.GetVariable(get("one"))
    assert (await call).variable.name == "one"
    assert await call.code() is grpc.StatusCode.OK
    assert call.done()
    assert not call.cancelled()
    assert not call.cancel()


async def test_an_error_crosses_with_its_details(ends: Ends) -> None:
    error = await refusal_of(ends.variables.GetVariable(get("missing")))
    assert isinstance(error, errors.NotFound)
    assert (error.reason, error.metadata, error.message) == (
        "VARIABLE_NOT_FOUND",
        {"name": "missing"},
        "no such variable",
    )


async def test_a_fault_tells_nothing_of_the_inside(ends: Ends) -> None:
    error = await refusal_of(ends.variables.GetVariable(get("broken")))
    assert isinstance(error, errors.Internal)
    assert "secret" not in error.message


async def test_requests_are_validated(ends: Ends) -> None:
    assert isinstance(await refusal_of(ends.variables.GetVariable(get(""))), errors.InvalidArgument)


async def test_internal_methods_are_closed_without_the_token(ends: Ends) -> None:
    call = ends.outboxes.FollowOutbox(outbox_pb2.FollowOutboxRequest())
    assert isinstance(await refusal_of(call.read()), errors.PermissionDenied)
    open_call = ends.outboxes.FollowOutbox(
        outbox_pb2.FollowOutboxRequest(), metadata=(("headrace-internal-token", "token"),)
    )
    assert (await open_call.read()).cursor == "1"


async def test_metadata_reaches_the_handler(ends: Ends) -> None:
    answer = await ends.variables.GetVariable(get("metadata"), metadata=(("x-colour", "red"),))
    assert list(answer.variable.tags) == ["red"]


async def test_trailing_metadata_comes_back(ends: Ends) -> None:
    call = ends.variables.GetVariable(get("status"))
    await call
    assert ("x-more", "words") in list(await call.trailing_metadata())


async def test_the_deadline_reaches_the_handler(ends: Ends) -> None:
    with_deadline = await ends.variables.GetVariable(get("deadline"), timeout=10)
    without = await ends.variables.GetVariable(get("deadline"))
    assert (list(with_deadline.variable.tags), list(without.variable.tags)) == (["some"], ["none"])


async def test_a_deadline_ends_the_call_on_both_sides(ends: Ends) -> None:
    error = await refusal_of(ends.variables.GetVariable(get("slow"), timeout=0.05))
    assert isinstance(error, errors.DeadlineExceeded)
    await ends.variables_servicer.was_cancelled.wait()


async def test_a_cancelled_call_ends_on_both_sides(ends: Ends) -> None:
    call = ends.variables.GetVariable(get("slow"))
    waiting = asyncio.ensure_future(call.code())
    await ends.variables_servicer.is_in.wait()
    assert call.cancel()
    assert await waiting is grpc.StatusCode.CANCELLED
    assert call.cancelled()
    await ends.variables_servicer.was_cancelled.wait()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_cancelled_waiter_cancels_the_call(ends: Ends) -> None:
    async def wait() -> None:
        await ends.variables.GetVariable(get("slow"))

    waiter = asyncio.create_task(wait())
    await ends.variables_servicer.is_in.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    await ends.variables_servicer.was_cancelled.wait()


async def test_a_call_that_is_cancelled_at_once_has_ended(ends: Ends) -> None:
    call = ends.variables.GetVariable(get("slow"))
    call.cancel()
    assert await call.code() is grpc.StatusCode.CANCELLED


async def test_a_unary_call_is_tried_again_while_unavailable(ends: Ends) -> None:
    assert (await ends.variables.GetVariable(get("unavailable-twice"))).variable.name == "unavailable-twice"
    assert ends.variables_servicer.calls == 3


async def test_tries_are_limited(ends: Ends) -> None:
    error = await refusal_of(ends.variables.GetVariable(get("unavailable")))
    assert isinstance(error, errors.Unavailable)
    assert ends.variables_servicer.calls == 5


async def test_the_handler_does_not_see_the_clients_context(ends: Ends) -> None:
    of_the_client.set("something")
    answer = await ends.variables.GetVariable(get("context"))
    assert list(answer.variable.tags) == ["nothing"]


async def test_both_sides_have_messages_of_their_own(ends: Ends) -> None:
    request = get("one")
    await ends.variables.GetVariable(request)
    request.name = "two"
    assert ends.variables_servicer.kept.name == "one"


async def test_a_method_without_servicer_is_unimplemented(ends: Ends) -> None:
    error = await refusal_of(ends.variables.SetVariable(variable_pb2.SetVariableRequest(name="x")))
    assert isinstance(error, errors.Unimplemented)


async def test_a_stream_comes_in_order_and_ends(ends: Ends) -> None:
    call = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="three"))
    assert [response.follow_token async for response in call] == ["0", "1", "2"]
    assert await call.code() is grpc.StatusCode.OK
    again = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="three"))
    read = [await again.read() for _ in range(4)]
    assert read[3] is grpc.aio.EOF


async def test_a_stream_that_fails_gives_its_messages_first(ends: Ends) -> None:
    call = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="fail"))
    seen = []
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for response in call:
            seen.append(response.follow_token)
    assert seen == ["0"]
    assert from_rpc_error(caught.value).reason == "MIDDLE"


async def test_a_stream_waits_for_its_reader(ends: Ends) -> None:
    call = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="endless"))
    await call.read()
    before = -1
    while before != ends.events_servicer.sent:
        before = ends.events_servicer.sent
        await asyncio.sleep(0.05)
    assert before < 1_000 if isinstance(ends.server, ServiceServer) else before <= MESSAGES_AHEAD + 1
    call.cancel()
    await ends.events_servicer.was_cancelled.wait()


async def test_a_stream_within_the_process_that_nobody_can_read_any_more_is_cancelled() -> None:
    async with within_the_process() as ends:
        call = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="wait"))
        await call.read()
        del call
        gc.collect()
        await ends.events_servicer.was_cancelled.wait()


async def test_draining_ends_streams_and_refuses_new_calls(ends: Ends) -> None:
    call = ends.events.FollowEvents(event_pb2.FollowEventsRequest(follow_token="wait"))
    assert (await call.read()).follow_token == "first"
    stopping = asyncio.create_task(ends.server.stop(5))
    assert (await call.read()).follow_token == "last"
    assert await call.read() is grpc.aio.EOF
    await stopping
    error = await refusal_of(ends.variables.GetVariable(get("one"), timeout=2))
    assert isinstance(error, errors.Unavailable | errors.DeadlineExceeded)


async def test_what_does_not_end_in_time_is_cut_off_by_the_drain(ends: Ends) -> None:
    call = ends.variables.GetVariable(get("slow"))
    waiting = asyncio.ensure_future(call.code())
    await ends.variables_servicer.is_in.wait()
    await ends.server.stop(0.05)
    assert await waiting in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
    await ends.variables_servicer.was_cancelled.wait()


async def test_streams_both_ways_by_writing(ends: Ends) -> None:
    call = ends.logs.WriteLogs()
    for number in (1, 2):
        await call.write(log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id="p")))
        assert (await call.read()).ack.sequence == number
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_streams_both_ways_from_an_iterator(ends: Ends) -> None:
    async def batches() -> AsyncIterator[Any]:
        for _ in range(50):
            yield log_pb2.WriteLogsRequest(open=log_pb2.WriteLogsOpen(process_id="p"))

    answers = [answer.ack.sequence async for answer in ends.logs.WriteLogs(batches())]
    assert answers == list(range(1, 51))


async def test_callbacks_are_called_when_the_call_has_ended(ends: Ends) -> None:
    ended = asyncio.Event()
    call = ends.variables.GetVariable(get("one"))
    call.add_done_callback(lambda _: ended.set())
    with contextlib.suppress(grpc.aio.AioRpcError):
        await call
    await ended.wait()
