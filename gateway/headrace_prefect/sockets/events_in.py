"""`/events/in`: what clients tell while they run flows.

States of task runs come this way and no other. A ping is answered once everything before it is committed: that is
what a client takes the pong for, and what it does not have confirmed it sends again after a reconnection.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import event_pb2, task_run_pb2
from headrace.rpc.status import from_rpc_error
from headrace_prefect import life_signs, recording
from headrace_prefect.bodies.fields import Wrong
from headrace_prefect.bodies.transitions import is_transition, to_transition
from headrace_prefect.shapes import events
from headrace_prefect.sockets.socket import Socket, SocketRoute

logger = logging.getLogger(__name__)


async def stream_events_in(socket: Socket, silence_seconds: float = 0.0) -> None:
    """Take events until the client leaves.

    Args:
        socket: Where they come.
        silence_seconds: How long a run may be silent after a sign of life; 0 is for ever.

    Raises:
        Gone: It left.
        errors.HeadraceError: Nothing could be decided about some of them; the client sends them again.
    """
    while True:
        taken = await socket.take()
        await _store(socket, taken.messages, silence_seconds)
        for payload in taken.pings:
            await socket.pong(payload)


async def _store(socket: Socket, messages: list[str], silence_seconds: float) -> None:
    transitions: list[recording.Told] = []
    others: list[event_pb2.Event] = []
    for text in messages:
        try:
            event = orjson.loads(text)
            if is_transition(event):
                transitions.append(to_transition(event))
            else:
                others.append(events.to_event(events.EVENT(event)))
        except (orjson.JSONDecodeError, Wrong, errors.InvalidArgument) as error:
            # What can never be taken must not hold up what can: it would be sent again and again.
            logger.warning("an event of a client is left out: %s", error)
        except Exception:
            logger.exception("an event of a client cannot be read and is left out")
    if transitions:
        lost = await recording.record(functools.partial(_record, socket), transitions)
        for flow_run_id in sorted(lost):
            # To send them again would change nothing, so they count as taken.
            logger.warning("states of tasks of run %s are left out: it is gone, or others execute it", flow_run_id)
    for some in recording.in_parts(others, event_pb2.Event.ByteSize):
        await _emit(socket, some)
    alive = life_signs.runs_alive(others) if silence_seconds else []
    if alive:
        await life_signs.renew(functools.partial(_renew, socket), alive, silence_seconds)


async def _record(
    socket: Socket, message: task_run_pb2.RecordTransitionsRequest
) -> task_run_pb2.RecordTransitionsResponse:
    return await _call(socket, socket.services.record.RecordTransitions, message)  # type: ignore[no-any-return]


async def _renew(socket: Socket, message: task_run_pb2.RenewAttemptsRequest) -> task_run_pb2.RenewAttemptsResponse:
    return await _call(socket, socket.services.record.RenewAttempts, message)  # type: ignore[no-any-return]


async def _emit(socket: Socket, some: Sequence[event_pb2.Event]) -> None:
    try:
        await _call(socket, socket.services.events.EmitEvents, event_pb2.EmitEventsRequest(events=some))
    except errors.InvalidArgument as error:
        if len(some) == 1:
            logger.warning("the event %s of a client is left out: %s", some[0].name, error)
            return
        for single in some:
            await _emit(socket, [single])


async def _call(socket: Socket, method: Any, message: Any) -> Any:
    try:
        return await method(message, metadata=socket.metadata, timeout=socket.deadline_seconds)
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


def sockets(silence_seconds: float) -> tuple[SocketRoute, ...]:
    """Return the socket, for runs that may be silent for so long after a sign of life."""
    return (SocketRoute("/events/in", functools.partial(stream_events_in, silence_seconds=silence_seconds)),)
