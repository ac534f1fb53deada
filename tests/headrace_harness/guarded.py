"""A server of the chassis with small services behind it: what its guards do is seen from both ends of a call."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2_grpc

from headrace import errors
from headrace.api.v1 import event_pb2, event_pb2_grpc, log_pb2, log_pb2_grpc, variable_pb2, variable_pb2_grpc
from headrace.internal.v1 import outbox_pb2, outbox_pb2_grpc
from headrace.rpc.channel import open_aio_channel
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import Caller, current_caller
from headrace_chassis.calls import current_call, current_draining
from headrace_chassis.resolving import LocalCallerResolver, Metadata, UnprovenCallers
from headrace_chassis.server import ServiceServer

TOKEN = "the internal token"
"""What services prove themselves with."""


class Variables(variable_pb2_grpc.VariableServiceServicer):
    """Answers with facts about the call, and fails as it is told by the name that it gets."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []
        self.is_in = asyncio.Event()
        self.go_on = asyncio.Event()

    async def GetVariable(self, request: variable_pb2.GetVariableRequest, context: Any) -> Any:
        self.callers.append(current_caller())
        self.is_in.set()
        match request.name:
            case "missing":
                raise errors.NotFound("no such variable", reason="VARIABLE_NOT_FOUND", metadata={"name": "missing"})
            case "broken":
                raise ZeroDivisionError("a secret that is not to be told")
            case "slow":
                await self.go_on.wait()
            case "own-abort":
                await context.abort(grpc.StatusCode.OUT_OF_RANGE, "mine")
            case "own-timeout":
                raise TimeoutError("of something inside")
        return variable_pb2.GetVariableResponse(
            variable=variable_pb2.Variable(name=request.name, tags=[current_call().correlation_id])
        )

    async def SetVariable(self, request: variable_pb2.SetVariableRequest, context: Any) -> Any:
        return variable_pb2.SetVariableResponse(variable=variable_pb2.Variable(name=request.name))


class Events(event_pb2_grpc.EventServiceServicer):
    """Streams until the server drains or the client goes."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.has_ended = asyncio.Event()

    async def FollowEvents(self, request: event_pb2.FollowEventsRequest, context: Any) -> AsyncIterator[Any]:
        draining = current_draining()
        try:
            yield event_pb2.FollowEventsResponse()
            if request.follow_token == "fail":
                raise errors.FailedPrecondition("in the middle", reason="MIDDLE")
            await draining.wait()
            yield event_pb2.FollowEventsResponse()
            self.ended.append("drained")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.has_ended.set()


class Logs(log_pb2_grpc.LogServiceServicer):
    """Counts what a client streams."""

    async def WriteLogs(self, request_iterator: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in request_iterator:
            yield log_pb2.WriteLogsResponse()


class Outboxes(outbox_pb2_grpc.OutboxServiceServicer):
    """An internal service."""

    async def FollowOutbox(self, request: outbox_pb2.FollowOutboxRequest, context: Any) -> AsyncIterator[Any]:
        caller = current_caller()
        yield outbox_pb2.FollowOutboxResponse(cursor=f"{caller.principal_kind} {caller.workspace_id}")


class Reader(UnprovenCallers):
    """A resolver that knows one reader."""

    async def resolve(self, metadata: Metadata, correlation_id: str) -> Caller:
        if metadata.get("authorization") != "Bearer reader":
            raise errors.Unauthenticated("sign in")
        permissions = frozenset({"PERMISSION_VARIABLES_VIEW"})
        return Caller(uuid.UUID(int=5), "reader", "user", "Reader", permissions, correlation_id)


def any_type(servicer: type) -> Any:
    """Return a servicer that writes some methods of its service only, without its type."""
    return servicer


class Stack:
    """A server with all of these."""

    def __init__(self, target: str, server: ServiceServer, servicers: list[Any]) -> None:
        self.target = target
        self.server = server
        self.variables_servicer, self.events_servicer = servicers[0], servicers[1]
        self.channel = open_aio_channel(target, retry_attempts=1)
        self.variables = variable_pb2_grpc.VariableServiceStub(self.channel)
        self.events = event_pb2_grpc.EventServiceStub(self.channel)
        self.logs = log_pb2_grpc.LogServiceStub(self.channel)
        self.outboxes = outbox_pb2_grpc.OutboxServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)


@contextlib.asynccontextmanager
async def serving(
    resolver: Any = None, self_validating: frozenset[str] = frozenset(), **options: Any
) -> AsyncIterator[Stack]:
    """Serve all of them on a socket in a folder that goes afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        options.setdefault("internal_token", TOKEN)
        server = ServiceServer(resolver=resolver or LocalCallerResolver(), **options)
        servicers: list[Any] = [
            make() for make in (any_type(Variables), any_type(Events), any_type(Logs), any_type(Outboxes))
        ]
        for servicer in servicers:
            server.add_servicer(servicer, self_validating=self_validating)
        target = f"unix:{folder}/s"
        server.listen(target)
        await server.start()
        stack = Stack(target, server, servicers)
        try:
            yield stack
        finally:
            await stack.channel.close()
            await server.stop(0)


async def refused(call: Any) -> errors.HeadraceError:
    """Return the error with which a call ends."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return from_rpc_error(caught.value)
