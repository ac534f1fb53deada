"""One recording stream: frames in, acknowledgements after commit and signals out."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import datetime
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from headrace import errors
from headrace.api.v1 import state_pb2, task_run_pb2
from headrace_chassis import trace_context
from headrace_chassis.caller import Caller
from headrace_chassis.codecs import parse_uuid
from headrace_state.repository.leases import AttemptRef, Leases
from headrace_state.rules.frames import Frame
from headrace_state.servicers.feed import Feed, Subscriber
from headrace_state.servicers.own_attempts import OwnAttempts
from headrace_state.usecases.recording import Recorder
from headrace_state.usecases.renew import renew_attempts
from headrace_state.wire import changes, frames, records

HEARTBEAT_SECONDS = 2.0
FRAMES_IN_FLIGHT = 32
"""Frames of one stream that may wait for their commit; reading the stream stops while there are more."""

ATTEMPTS_LIMIT = 1_000
"""Attempts that one stream may stand for."""

POLL_SECONDS = 1.0

Write = Callable[[task_run_pb2.RecordResponse], Awaitable[None]]

_OVER = frozenset(
    {
        state_pb2.STATE_TYPE_SCHEDULED,
        state_pb2.STATE_TYPE_CANCELLED,
        state_pb2.STATE_TYPE_COMPLETED,
        state_pb2.STATE_TYPE_FAILED,
        state_pb2.STATE_TYPE_CRASHED,
    }
)
"""In these an attempt may have lost its run."""


class RecordStream:
    """Serves one process.

    Args:
        caller: Who reports.
        recorder: Where its frames go.
        leases: Those of its attempts.
        feed: Tells of changes that others make to its runs.
        subscriber: Through which the feed tells.
        own: Tells whether runs are the caller's to report on.
    """

    def __init__(
        self,
        caller: Caller,
        recorder: Recorder,
        leases: Leases,
        feed: Feed,
        subscriber: Subscriber,
        own: OwnAttempts,
    ) -> None:
        self._caller = caller
        self._own = own
        self._workspace_id = caller.workspace_id
        self._recorder = recorder
        self._leases = leases
        self._feed = feed
        self._subscriber = subscriber
        self._tokens: dict[str, str] = {}
        self._in_flight: collections.deque[tuple[int, Frame, asyncio.Future[frozenset[int]]]] = collections.deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Semaphore(FRAMES_IN_FLIGHT)
        self._writing = asyncio.Lock()
        self._renewed_at = time.monotonic()

    async def serve(
        self, requests: AsyncIterator[task_run_pb2.RecordRequest], write: Write, draining: asyncio.Event
    ) -> None:
        """Serve until the process closes its side, or the server stops.

        Raises:
            errors.InvalidArgument: The process does not keep to the protocol.
            errors.Unavailable: The server is stopping, or frames could not be stored; they are to be sent again.
        """
        self._write = write
        reading = asyncio.create_task(self._read(requests), name="record: read")
        others = [
            asyncio.create_task(self._acknowledge(), name="record: acknowledge"),
            asyncio.create_task(self._signal(), name="record: signal"),
            asyncio.create_task(draining.wait(), name="record: drain"),
        ]
        try:
            await asyncio.wait([reading, *others], return_when=asyncio.FIRST_COMPLETED)
            if draining.is_set():
                await self._finish(reading)
                raise errors.Unavailable("the server is stopping; connect to another", reason="DRAINING")
            for task in (reading, *others):
                if task.done():
                    task.result()
            await self._settle()
        finally:
            for task in (reading, *others):
                task.cancel()
            await asyncio.gather(reading, *others, return_exceptions=True)

    async def _finish(self, reading: asyncio.Task[None]) -> None:
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError, errors.HeadraceError):
            await reading
        with contextlib.suppress(errors.HeadraceError):
            await self._settle()

    async def _settle(self) -> None:
        """Wait until everything that was read is acknowledged."""
        while self._in_flight:
            await asyncio.wait([self._in_flight[-1][2]])
            await asyncio.sleep(0)
            async with self._writing:
                pass

    async def _send(self, response: task_run_pb2.RecordResponse) -> None:
        async with self._writing:
            await self._write(response)

    async def _read(self, requests: AsyncIterator[task_run_pb2.RecordRequest]) -> None:
        is_open = False
        async for request in requests:
            match request.WhichOneof("message"):
                case "open":
                    is_open = True
                    await self._send(records.opened(HEARTBEAT_SECONDS, FRAMES_IN_FLIGHT, frames.MOST_TRANSITIONS))
                case _ if not is_open:
                    raise errors.InvalidArgument("a recording stream begins with RecordOpen", reason="NOT_OPENED")
                case "frame":
                    await self._take(request.frame)
                case "heartbeat":
                    await self._renew(request.heartbeat)
                case _:
                    # A message of a newer client: what it does not need an answer to is left alone.
                    continue

    async def _take(self, message: task_run_pb2.RecordFrame) -> None:
        try:
            frame = frames.to_frame(message, self._workspace_id)
        except frames.MalformedFrame as error:
            # The answers stand in the order of the frames.
            await self._in_order(message.sequence, None, error)
            return
        unknown = [flow_run_id for flow_run_id in frame.flow_run_ids if flow_run_id not in self._tokens]
        if unknown:
            await self._own.require(self._caller, unknown)
        self._know(frame.flow_run_ids, frame.tokens)
        span = trace_context.begun(message.traceparent, "record frame") if message.traceparent else None
        with trace_context.within(span):
            stored = await self._in_order(message.sequence, frame, None)
        if span is not None:
            stored.add_done_callback(lambda _: span.end())
        if unknown:
            # What was asked of the run before this stream followed it is told now.
            await self._check(unknown, tells_signals=True)

    async def _in_order(
        self, sequence: int, frame: Frame | None, fault: frames.MalformedFrame | None
    ) -> asyncio.Future[frozenset[int]]:
        await self._room.acquire()
        if frame is not None:
            future = await self._recorder.submit(frame)
        else:
            future = asyncio.get_running_loop().create_future()
            future.set_exception(errors.InvalidArgument(str(fault), reason="MALFORMED"))
            frame = _NO_FRAME
        self._in_flight.append((sequence, frame, future))
        self._arrived.set()
        return future

    async def _acknowledge(self) -> None:
        while True:
            while not self._in_flight:
                self._arrived.clear()
                await self._arrived.wait()
            sequence, frame, future = self._in_flight[0]
            await asyncio.wait([future])
            async with self._writing:
                await self._answer(sequence, frame, future)
                self._in_flight.popleft()
            self._room.release()
            if time.monotonic() - self._renewed_at > 2 * HEARTBEAT_SECONDS:
                # Frames are a sign of life, too: a heartbeat may stand behind many of them.
                await self._check(list(self._tokens), tells_signals=False)

    async def _answer(self, sequence: int, frame: Frame, future: asyncio.Future[frozenset[int]]) -> None:
        try:
            lost = future.result()
        except errors.InvalidArgument as error:
            await self._write(records.refused(sequence, error.message, error.reason))
            return
        for place in sorted(lost):
            await self._write(task_run_pb2.RecordResponse(lost=records.lost(frame.flow_run_ids[place])))
        following = self._in_flight[1] if len(self._in_flight) > 1 else None
        if following is not None and following[2].done() and following[2].exception() is None:
            # The next one is committed, too, and its acknowledgement says both.
            return
        await self._write(records.ack(sequence))

    def _know(self, flow_run_ids: list[str], tokens: list[str]) -> None:
        for flow_run_id, token in zip(flow_run_ids, tokens, strict=True):
            if flow_run_id not in self._tokens:
                if len(self._tokens) >= ATTEMPTS_LIMIT:
                    raise errors.ResourceExhausted(f"a stream stands for at most {ATTEMPTS_LIMIT} attempts")
                self._feed.add_runs(self._subscriber, [flow_run_id])
            self._tokens[flow_run_id] = token

    async def _renew(self, heartbeat: task_run_pb2.RecordHeartbeat) -> None:
        ids = [attempt.flow_run_id for attempt in heartbeat.attempts]
        for flow_run_id in set(self._tokens) - set(ids):
            # The process no longer executes it; news of it would say nothing to anybody.
            self._tokens.pop(flow_run_id, None)
            self._feed.drop_runs(self._subscriber, [flow_run_id])
        await self._own.require(self._caller, [each for each in ids if each not in self._tokens])
        self._know(ids, [attempt.token for attempt in heartbeat.attempts])
        expires_at = await self._check(ids, tells_signals=True)
        await self._send(records.renewed(expires_at))

    async def _check(self, flow_run_ids: list[str], *, tells_signals: bool) -> datetime.datetime | None:
        try:
            attempts = [
                AttemptRef(parse_uuid(flow_run_id), parse_uuid(self._tokens[flow_run_id]))
                for flow_run_id in flow_run_ids
                if flow_run_id in self._tokens
            ]
        except ValueError:
            raise errors.InvalidArgument.of_field("heartbeat.attempts", "name flow runs and tokens by UUIDs") from None
        self._renewed_at = time.monotonic()
        renewed = await renew_attempts(self._leases, self._workspace_id, attempts)
        for renewal in renewed.lost:
            await self._send(task_run_pb2.RecordResponse(lost=records.lost(str(renewal.attempt.flow_run_id))))
        if tells_signals:
            for flow_run_id, state in (*renewed.to_stop, *renewed.to_hold):
                await self._send(task_run_pb2.RecordResponse(signal=records.signal(str(flow_run_id), state)))
        return renewed.expires_at

    async def _signal(self) -> None:
        while True:
            if not await self._subscriber.wait(POLL_SECONDS):
                continue
            news, _ = self._subscriber.take()
            if self._subscriber.behind is not None:
                await self._feed.catch_up(self._subscriber)
            maybe_lost = [each.flow_run_id for each in news if each.state.type in _OVER]
            if maybe_lost:
                await self._check(maybe_lost, tells_signals=False)
            for each in news:
                if _is_for_process(each):
                    await self._send(
                        task_run_pb2.RecordResponse(
                            signal=task_run_pb2.RunSignal(flow_run_id=each.flow_run_id, state=each.state)
                        )
                    )


_NO_FRAME = Frame(uuid.UUID(int=0), [], [], [], [], [], [], [], [], [], [], [], [], [], [], [])


def _is_for_process(news: changes.FlowRunNews) -> bool:
    """Return whether a change asks something of the process: to stop, to pause, or to go on after a pause."""
    if news.state.type in (state_pb2.STATE_TYPE_CANCELLING, state_pb2.STATE_TYPE_PAUSED):
        return True
    return news.state.type == state_pb2.STATE_TYPE_RUNNING and news.previous_type == state_pb2.STATE_TYPE_PAUSED
