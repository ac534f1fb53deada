"""The recorder: takes transitions from the engine's threads, sends them in frames, hears what the server says.

`record` is called on every state change of every task, so it does next to nothing: one append. Everything
else happens on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Iterator

from headrace import __version__, errors
from headrace.api.v1 import task_run_pb2
from headrace.client.core import AsyncClient
from headrace.recording.facts import AttemptHandle, Transition
from headrace.recording.frames import Frame, FrameQueue
from headrace.recording.identifiers import new_id
from headrace.recording.spool import Spool, SpoolFailure
from headrace.recording.stream import AckedStream
from headrace.recording.wire import FrameBuilder, state_from_proto

logger = logging.getLogger("headrace.recording")

METHOD = "/headrace.api.v1.RecordService/Record"
MAX_QUEUED = 50_000
"""Transitions that wait to be put into frames; a thread that records more is held up."""
MEMORY_BYTES = 16 * 1024 * 1024
"""Unacknowledged frames in memory; the rest is on disk."""
LINGER_SECONDS = 0.01
"""How long transitions are gathered before a frame is built, unless somebody waits for them."""
HEARTBEAT_SECONDS = 2.0
FIRST_HEARTBEAT_SECONDS = 0.3
"""A new attempt is named to the server this soon, so that it can be told to stop."""
_FULL_PAUSE_SECONDS = 0.5


class Recorder:
    """Records the task runs of all flow runs of a process.

    Args:
        client: On the loop that `run` is started on.
        spool: Takes frames when memory is full.
    """

    def __init__(self, client: AsyncClient, spool: Spool) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Transition | asyncio.Future[None]] = deque()
        self._room = threading.Event()
        self._room.set()
        self._sleeping = False
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._frames = FrameQueue(MEMORY_BYTES, spool)
        self._builder = FrameBuilder(500)
        self._attempts: dict[str, AttemptHandle] = {}
        self._unnamed: set[str] = set()
        self._naming: asyncio.TimerHandle | None = None
        self._heartbeat = asyncio.Event()
        self._heartbeat_seconds = HEARTBEAT_SECONDS
        self._said_full = False
        self._fault: errors.HeadraceError | None = None
        self._process = os.getpid()
        hello = task_run_pb2.RecordRequest(
            open=task_run_pb2.RecordOpen(process_id=new_id(), client_version=__version__)
        ).SerializeToString()
        open_call = client.channel.stream_stream(METHOD, None, task_run_pb2.RecordResponse.FromString)
        self._stream = AckedStream("recording", open_call, hello, self._frames, self)

    # From any thread.

    def record(self, transition: Transition) -> None:
        """Tell the server of a transition, sooner or later.

        Waits when far more is recorded than can be sent or kept.
        """
        self._queue.append(transition)
        if self._sleeping:
            self._sleeping = False
            self._loop.call_soon_threadsafe(self._wake.set)
        if len(self._queue) > MAX_QUEUED:
            self._hold_up()

    def _hold_up(self) -> None:
        if self._fault is not None or os.getpid() != self._process:
            # Nobody sends any more. The run learns it at its end; a forked child has no end to tell.
            self._queue.clear()
            return
        self._room.clear()
        if len(self._queue) > MAX_QUEUED:
            self._room.wait()

    def attach(self, attempt: AttemptHandle) -> None:
        """Renew an attempt's lease from now on, and tell it what the server says about its run."""
        self._loop.call_soon_threadsafe(self._attach, attempt)

    def detach(self, attempt: AttemptHandle) -> None:
        """Forget an attempt: it ended."""
        self._loop.call_soon_threadsafe(self._detach, attempt)

    # On the loop.

    async def run(self) -> None:
        """Send what is recorded until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stream.run(), name="headrace-record-stream")
                group.create_task(self._pump(), name="headrace-record-pump")
                group.create_task(self._beat(), name="headrace-heartbeat")
        finally:
            self._fault = errors.Internal("the recorder has ended, so that transitions of task runs are not recorded")
            self._room.set()

    def close(self) -> None:
        """Put what is not acknowledged on disk, for another process to send it; call it when `run` has ended."""
        with contextlib.suppress(SpoolFailure):
            while self._queue:
                built = self._builder.build(self._take([]))
                if built is not None:
                    self._frames.append(Frame(*built))
            self._frames.save()
        left = self._frames.clear()
        if left:
            count = sum(frame.count for frame in left)
            logger.warning("%d transitions of task runs are kept on disk for another process to send them.", count)

    async def flush(self, patience_seconds: float) -> None:
        """Wait until everything that was recorded so far is acknowledged.

        Args:
            patience_seconds: How long the server may be away in that time.

        Raises:
            errors.HeadraceError: The server refuses the stream, or is away for too long.
        """
        if self._sleeping and not self._queue and self._frames.last is None and self._fault is None:
            # The pump waits for something to do and has left nothing behind.
            return
        mark = self._loop.create_future()
        self._queue.append(mark)
        self._wake.set()
        self._urgent.set()
        started = time.monotonic()
        while not mark.done():
            waited = time.monotonic() - started
            fault = self._fault or self._stream.hopeless
            if fault is not None:
                raise fault
            if min(waited, self._stream.down_for()) > patience_seconds:
                raise errors.Unavailable(
                    f"transitions of task runs could not be recorded within {patience_seconds:g} s: "
                    f"{self._stream.failure or 'the server does not answer'}"
                )
            # The first answer comes within milliseconds, so waiting is for the mark itself most of the time.
            await asyncio.wait([mark], timeout=min(1.0, patience_seconds))

    def opened(self, response: task_run_pb2.RecordOpened) -> int:
        """Take the server's settings."""
        interval = response.heartbeat_interval.ToNanoseconds() / 1e9
        if interval > 0:
            self._heartbeat_seconds = interval
        if response.max_transitions_per_frame > 0:
            self._builder.max_transitions = min(500, response.max_transitions_per_frame)
        self._heartbeat.set()
        return response.max_frames_in_flight

    def received(self, kind: str, response: task_run_pb2.RecordResponse) -> None:
        """Pass on what the server says about attempts."""
        if kind == "lost":
            attempt = self._attempts.pop(response.lost.flow_run_id, None)
            if attempt is not None and not attempt.is_lost:
                attempt.is_lost = True
                attempt.on_lost(response.lost.reason or response.lost.code)
        elif kind == "signal":
            attempt = self._attempts.get(response.signal.flow_run_id)
            if attempt is not None:
                attempt.on_signal(state_from_proto(response.signal.state))

    def refused(self, frame: Frame, reason: str) -> None:
        """Say that transitions are lost."""
        logger.error("%d transitions of task runs were not recorded: %s", frame.count, reason)

    def _attach(self, attempt: AttemptHandle) -> None:
        self._attempts[attempt.flow_run_id] = attempt
        self._unnamed.add(attempt.flow_run_id)
        if self._naming is None:
            self._naming = self._loop.call_later(FIRST_HEARTBEAT_SECONDS, self._name_attempts)

    def _detach(self, attempt: AttemptHandle) -> None:
        self._attempts.pop(attempt.flow_run_id, None)
        self._unnamed.discard(attempt.flow_run_id)

    def _name_attempts(self) -> None:
        # Most attempts of a process with many short runs are over by now.
        self._naming = None
        if self._unnamed:
            self._heartbeat.set()

    async def _pump(self) -> None:
        queue = self._queue
        while True:
            self._sleeping = True
            if not queue:
                await self._wake.wait()
            self._sleeping = False
            self._wake.clear()
            if not self._urgent.is_set():
                await self._linger()
            self._urgent.clear()
            while queue:
                await self._add_frame()
                if not self._room.is_set() and len(queue) < MAX_QUEUED // 2:
                    self._room.set()
                # Lets acknowledgements and heartbeats through while a great deal is being recorded.
                await asyncio.sleep(0)
            self._room.set()

    async def _linger(self) -> None:
        try:
            await asyncio.wait_for(self._urgent.wait(), LINGER_SECONDS)
        except TimeoutError:
            pass

    async def _add_frame(self) -> None:
        marks: list[asyncio.Future[None]] = []
        built = self._builder.build(self._take(marks))
        if built is not None:
            sequence, payload, count = built
            frame = Frame(sequence, payload, count)
            while True:
                try:
                    self._frames.append(frame)
                    break
                except SpoolFailure as error:
                    if not self._said_full:
                        self._said_full = True
                        logger.error(
                            "Task runs cannot be recorded and the flow waits: %s. It goes on when the server is back "
                            "or there is space.",
                            error,
                        )
                    await self._stream.wait_for_progress(_FULL_PAUSE_SECONDS)
            self._said_full = False
            self._stream.kick()
        if marks:
            last = self._frames.last
            for mark in marks:
                if last is not None:
                    last.waiters.append(mark)
                elif not mark.done():
                    mark.set_result(None)

    def _take(self, marks: list[asyncio.Future[None]]) -> Iterator[Transition]:
        queue = self._queue
        while queue:
            item = queue.popleft()
            if isinstance(item, asyncio.Future):
                # The frame ends here, so that nobody waits for what came later.
                marks.append(item)
                return
            yield item

    async def _beat(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self._heartbeat.wait(), self._heartbeat_seconds)
            except TimeoutError:
                pass
            self._heartbeat.clear()
            self._unnamed.clear()
            if not self._attempts:
                continue
            heartbeat = task_run_pb2.RecordHeartbeat(
                attempts=[
                    task_run_pb2.RecordAttempt(flow_run_id=attempt.flow_run_id, token=attempt.token)
                    for attempt in self._attempts.values()
                ]
            )
            self._stream.send_now(task_run_pb2.RecordRequest(heartbeat=heartbeat).SerializeToString())
