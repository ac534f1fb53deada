"""`WorkerService`: the streams of workers."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import worker_pb2 as pb
from headrace.api.v1 import worker_pb2_grpc as pb_grpc
from headrace_chassis import trace_context
from headrace_chassis.calls import current_draining
from headrace_scheduler.servicers.calls import actor
from headrace_scheduler.usecases.dispatch.hub import HEARTBEAT_SECONDS, Hub
from headrace_scheduler.usecases.dispatch.session import Session
from headrace_scheduler.wire import pools as pool_wire
from headrace_scheduler.wire import values
from headrace_scheduler.wire import workers as wire

Context = grpc.aio.ServicerContext[Any, Any]

HELLO_SECONDS = 10.0
"""How long a stream may stand without the worker having introduced itself."""


class WorkerServicer(pb_grpc.WorkerServiceServicer):
    """Hands work to workers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def Connect(
        self, request_iterator: AsyncIterator[pb.ConnectRequest], context: Context
    ) -> AsyncIterator[pb.ConnectResponse]:
        """Hold the stream of one worker."""
        hello, free, held = await _introduced(request_iterator)
        session, confirmed = await self._hub.connect(actor(), hello, free, held)
        reading = asyncio.create_task(self._read(session, request_iterator), name="worker stream")
        retreating = asyncio.create_task(self._retreat(session, current_draining()), name="worker stream end")
        said_goodbye = False
        sequence = 1
        try:
            yield pb.ConnectResponse(
                sequence=sequence,
                welcome=pb.WorkerWelcome(
                    heartbeat_interval=values.from_seconds(HEARTBEAT_SECONDS),
                    work_pool=pool_wire.from_pool(session.pool) if session.pool is not None else None,
                    confirmed_flow_run_ids=[str(flow_run_id) for flow_run_id in confirmed],
                    paused=bool(session.pause_reason),
                ),
            )
            # The reader ends the session when the worker has nothing more to say, or says nonsense.
            async for message in session.outgoing():
                sequence += 1
                response = wire.from_outgoing(message)
                response.sequence = sequence
                _trace(response.assignments.assignments, session)
                yield response
        except errors.Cancelled:
            said_goodbye = reading.done() and not reading.cancelled() and reading.exception() is None
        finally:
            for task in (reading, retreating):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await reading
            await asyncio.shield(self._hub.leave(session, said_goodbye=said_goodbye))

    async def _read(self, session: Session, requests: AsyncIterator[pb.ConnectRequest]) -> None:
        """Take what the worker says until it ends its half of the stream."""
        try:
            async for request in requests:
                self._take(session, request)
        except errors.HeadraceError as error:
            session.end(error)
            raise
        except grpc.RpcError:
            session.end(errors.Unavailable("the stream broke"))
            raise
        session.end(errors.Cancelled("the worker has left"))

    def _take(self, session: Session, request: pb.ConnectRequest) -> None:
        match request.WhichOneof("message"):
            case "heartbeat":
                beat = request.heartbeat
                self._hub.hear(session, beat.free_capacity, _held(beat.held), has_paused=beat.paused)
            case "ack":
                self._hub.acknowledge(session, values.to_ids(request.ack.flow_run_ids, "ack.flow_run_ids"))
            case "result":
                self._hub.report(session, wire.to_result(request.result))
            case "draining":
                self._hub.retire(session)
            case "hello":
                raise errors.InvalidArgument.of_field("hello", "comes once, as the first message of a stream")
            case _:
                # A newer worker says something that this server does not know.
                return

    async def _retreat(self, session: Session, draining: asyncio.Event) -> None:
        await draining.wait()
        await self._hub.retreat(session)


async def _introduced(requests: AsyncIterator[pb.ConnectRequest]) -> Any:
    """Return how the worker introduces itself, what it can take, and what it holds.

    Raises:
        errors.InvalidArgument: The first message is no hello, or a wrong one.
        errors.DeadlineExceeded: It does not come.
    """
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            first = await anext(aiter(requests), None)
    except TimeoutError:
        raise errors.DeadlineExceeded("the worker did not introduce itself") from None
    if first is None or first.WhichOneof("message") != "hello":
        raise errors.InvalidArgument.of_field("hello", "must be the first message of the stream")
    hello = first.hello
    workspace_id = actor().workspace_id
    return wire.to_hello(hello, workspace_id), max(hello.free_capacity, 0), _held(hello.held)


def _trace(assignments: Iterable[pb.Assignment], session: Session) -> None:
    """Note in the traces of runs that they were handed out, and let what comes of it belong there."""
    for assignment in assignments:
        run = assignment.flow_run
        started_by = run.labels.fields.get(trace_context.LABEL)
        assignment.traceparent = trace_context.noted(
            started_by.string_value if started_by is not None else "",
            f"dispatch {run.flow_name}",
            {"headrace.flow_run.id": run.flow_run_id, "headrace.worker.name": session.worker.name},
        )


def _held(held: Iterable[pb.HeldRun]) -> dict[uuid.UUID, str]:
    return {values.to_id(run.flow_run_id, "held.flow_run_id"): run.attempt_token for run in held}
