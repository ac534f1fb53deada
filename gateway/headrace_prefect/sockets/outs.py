"""`/events/out` and `/logs/out`: what happens, as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
import orjson

from headrace import errors
from headrace.api.v1 import event_pb2, log_pb2
from headrace.rpc.status import from_rpc_error
from headrace_prefect.answers import Invalid
from headrace_prefect.bodies.fields import Body, Field, Kind, boolean, json_object, parse
from headrace_prefect.filters import events as event_filters
from headrace_prefect.filters import runs as run_filters
from headrace_prefect.shapes import events as event_shapes
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.logs import log_json
from headrace_prefect.sockets import task_ends
from headrace_prefect.sockets.socket import PROTOCOL_ERROR, Gone, Socket, SocketRoute

BACKFILL = datetime.timedelta(minutes=15)
"""So far back a follower of events gets those that have been."""

_PAGE = 200
_CLOCKS_DIFFER = datetime.timedelta(minutes=1)
"""How much the clock of this process and that of the database may differ."""


async def stream_events_out(socket: Socket) -> None:
    """Send the events that a filter wants: those of the last minutes, then each as it is stored."""
    asked = await _asked(socket, event_filters.FILTER)
    if asked is None:
        return
    now = datetime.datetime.now(datetime.UTC)
    wanted = event_filters.wish(asked["filter"], now)
    live = event_pb2.EventFilter()
    live.CopyFrom(wanted.filter)
    live.ClearField("occurred")

    follows_ends = task_ends.are_wanted(wanted.filter.names)

    async def send_ends() -> None:
        since = max(wanted.since, now - BACKFILL)
        async for shown in task_ends.ends(socket, wanted.filter.names, since):
            if wanted.keep is None or wanted.keep(shown):
                await socket.send_json({"type": "event", "event": shown})

    async def tell(event: event_pb2.Event) -> None:
        # Ends of background tasks are told with their results, not as they were stored.
        if not (follows_ends and task_ends.is_of_background_task(event)):
            await _tell(socket, wanted, event)

    async def send_stored() -> None:
        call = socket.services.events.FollowEvents(event_pb2.FollowEventsRequest(filter=live), metadata=socket.metadata)
        try:
            answers = aiter(call)
            # The first answer says that nothing that is stored from now on is missed.
            await anext(answers)
            sent: set[str] = set()
            if asked["backfill"]:
                since = max(wanted.since, now - BACKFILL)
                async for event in _past(socket, wanted.filter, since):
                    # Of those alone it may hear again.
                    if event.received_at.ToDatetime(datetime.UTC) >= now - _CLOCKS_DIFFER:
                        sent.add(event.event_id)
                    await tell(event)
            async for answer in answers:
                for event in answer.events:
                    if event.event_id not in sent:
                        await tell(event)
                    sent.discard(event.event_id)
        finally:
            call.cancel()

    async def send() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(send_stored())
            if follows_ends:
                group.create_task(send_ends())

    await _until_gone(socket, send)


async def _tell(socket: Socket, wanted: event_filters.Wish, event: event_pb2.Event) -> None:
    shown = event_shapes.shape(event)
    if wanted.keep is None or wanted.keep(shown):
        await socket.send_json({"type": "event", "event": shown})


async def _past(
    socket: Socket, chosen: event_pb2.EventFilter, since: datetime.datetime
) -> AsyncIterator[event_pb2.Event]:
    asked = event_pb2.ListEventsRequest(filter=chosen, sort=event_pb2.EVENT_SORT_OCCURRED_ASC, page_size=_PAGE)
    getattr(asked.filter.occurred, "from").CopyFrom(scalars.to_timestamp(since))
    while True:
        page = await socket.services.events.ListEvents(asked, metadata=socket.metadata, timeout=socket.deadline_seconds)
        for event in page.events:
            yield event
        if not page.next_page_token:
            return
        asked.page_token = page.next_page_token


async def stream_logs_out(socket: Socket) -> None:
    """Send the log records that a filter wants, each as it is stored."""
    asked = await _asked(socket, run_filters.LOGS)
    if asked is None:
        return
    chosen = run_filters.log_filters(asked["filter"])

    async def follow(wanted: log_pb2.LogFilter) -> None:
        call = socket.services.logs.FollowLogs(
            log_pb2.FollowLogsRequest(filter=wanted, tail=-1), metadata=socket.metadata
        )
        try:
            async for answer in call:
                for record in answer.logs:
                    await socket.send_json({"type": "log", "log": log_json(record)})
        finally:
            call.cancel()

    async def send() -> None:
        async with asyncio.TaskGroup() as group:
            for wanted in chosen or ():
                group.create_task(follow(wanted))

    await _until_gone(socket, send)


async def _asked(socket: Socket, kind: Kind) -> Body | None:
    """Return what the other side wants to follow; None if the socket was closed for what it said."""
    try:
        message = await socket.receive_json()
        if not isinstance(message, dict) or message.get("type") != "filter":
            await socket.close(PROTOCOL_ERROR, "Expected 'filter' message")
            return None
        json_object(message.get("filter"))
        return parse({"filter": Field(kind, required=True), "backfill": Field(boolean, default=True)}, message)
    except orjson.JSONDecodeError:
        await socket.close(PROTOCOL_ERROR, "Expected a message in JSON")
    except (Invalid, ValueError) as error:
        await socket.close(PROTOCOL_ERROR, f"Invalid filter: {error}")
    return None


async def _until_gone(socket: Socket, send: Callable[[], Awaitable[Any]]) -> None:
    """Send until the other side has left; what it says meanwhile is passed over, its pings are answered."""
    sending = asyncio.ensure_future(_translated(send))
    listening = asyncio.ensure_future(_listen(socket))
    try:
        await asyncio.wait((sending, listening), return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            await sending
    finally:
        for task in (sending, listening):
            task.cancel()
        for task in (sending, listening):
            with contextlib.suppress(asyncio.CancelledError, Gone, errors.HeadraceError):
                await task


async def _translated(send: Callable[[], Awaitable[Any]]) -> None:
    try:
        await send()
    except ExceptionGroup as group:
        # One of several that sent side by side has failed, and the others were stopped.
        error = group.exceptions[0]
        raise (from_rpc_error(error) if isinstance(error, grpc.aio.AioRpcError) else error) from None
    except grpc.aio.AioRpcError as error:
        raise from_rpc_error(error) from None


async def _listen(socket: Socket) -> None:
    with contextlib.suppress(Gone):
        while True:
            await socket.receive()


SOCKETS = (SocketRoute("/events/out", stream_events_out), SocketRoute("/logs/out", stream_logs_out))
