"""The log shipper: takes log records from any thread and sends them in batches that the server acknowledges.

It never holds a flow up. While the server is away records are kept up to a bound; what is beyond it is
dropped, and a record in the run's own log says how many there were.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import time
from collections import deque

from headrace import __version__, errors
from headrace.api.v1 import log_pb2
from headrace.client.core import AsyncClient
from headrace.recording.frames import Frame, FrameQueue
from headrace.recording.identifiers import new_id
from headrace.recording.log_batches import LogLine, request_of, without_columns
from headrace.recording.stream import AckedStream

logger = logging.getLogger("headrace.recording")

METHOD = "/headrace.api.v1.LogService/WriteLogs"
QUEUE_BYTES = 24 * 1024 * 1024
"""Records that wait to be put into batches; more are dropped."""
MEMORY_BYTES = 8 * 1024 * 1024
"""Batches that wait for their acknowledgement."""
BATCH_BYTES = 1024 * 1024
LINGER_SECONDS = 0.05
_RECORD_OVERHEAD = 300


class LogShipper:
    """Ships log records; `write` is for any thread, the rest for the loop that it was made on.

    Args:
        client: On the running loop.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: deque[LogLine] = deque()
        self._queued_bytes = 0
        self._dropped: dict[str, int] = {}
        self._lock = threading.Lock()
        self._sleeping = False
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._knows_bounds = asyncio.Event()
        self._frames = FrameQueue(MEMORY_BYTES)
        self._sequences = itertools.count(1)
        self._max_records = 1000
        self._max_message_bytes = 1024 * 1024
        self._takes_columns = False
        hello = log_pb2.WriteLogsRequest(
            open=log_pb2.WriteLogsOpen(process_id=new_id(), client_version=__version__)
        ).SerializeToString()
        open_call = client.channel.stream_stream(METHOD, None, log_pb2.WriteLogsResponse.FromString)
        self._stream = AckedStream("logging", open_call, hello, self._frames, self)

    def write(self, line: LogLine) -> None:
        """Ship a record, or count it as dropped if too many wait. Never blocks and never raises."""
        size = len(line.message) + _RECORD_OVERHEAD
        with self._lock:
            if self._queued_bytes + size > QUEUE_BYTES:
                self._dropped[line.flow_run_id] = self._dropped.get(line.flow_run_id, 0) + 1
                return
            self._queued_bytes += size
            self._queue.append(line)
        if self._sleeping:
            self._sleeping = False
            try:
                self._loop.call_soon_threadsafe(self._wake.set)
            except RuntimeError:
                # The loop has ended with the process; what comes now goes nowhere.
                self._queue.clear()

    async def run(self) -> None:
        """Send what is written until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._stream.run(), name="headrace-log-stream")
            group.create_task(self._pump(), name="headrace-log-pump")

    async def flush(self, timeout: float) -> int:
        """Wait until everything written so far is acknowledged, at most `timeout` seconds.

        Returns:
            How many records the server has not confirmed.
        """
        self._urgent.set()
        self._wake.set()
        deadline = time.monotonic() + timeout
        while self._queue or len(self._frames):
            left = deadline - time.monotonic()
            if left <= 0 or self._stream.hopeless is not None:
                return len(self._queue) + sum(frame.count for frame in self._frames.waiting())
            await self._stream.wait_for_progress(min(left, 0.25))
        return 0

    def opened(self, response: log_pb2.WriteLogsOpened) -> int:
        """Take the server's settings."""
        if response.max_records_per_batch > 0:
            self._max_records = min(1000, response.max_records_per_batch)
        if response.max_message_bytes > 0:
            self._max_message_bytes = response.max_message_bytes
        if self._takes_columns and not response.takes_columns:
            # Another server than before: it would take the batches that wait for empty ones.
            self._frames.rewrite(without_columns)
        self._takes_columns = response.takes_columns
        self._knows_bounds.set()
        return response.max_batches_in_flight

    def received(self, kind: str, response: log_pb2.WriteLogsResponse) -> None:
        """Take a message of a newer server: there is none that matters here."""

    def refused(self, frame: Frame, reason: str) -> None:
        """Say that records are lost."""
        logger.error("%d log records were refused by the server: %s", frame.count, reason)

    async def _pump(self) -> None:
        while True:
            self._sleeping = True
            if not self._queue:
                await self._wake.wait()
            self._sleeping = False
            self._wake.clear()
            if not self._urgent.is_set():
                try:
                    await asyncio.wait_for(self._urgent.wait(), LINGER_SECONDS)
                except TimeoutError:
                    pass
            self._urgent.clear()
            # How long a record and a batch may be is the server's to say. Until it has, records wait as they are.
            await self._knows_bounds.wait()
            while self._queue:
                await self._add_batch()
                await asyncio.sleep(0)
            self._report_drops()

    async def _add_batch(self) -> None:
        lines: list[LogLine] = []
        size = 0
        while self._queue and len(lines) < self._max_records and size < BATCH_BYTES:
            line = self._queue.popleft()
            size += len(line.message) + _RECORD_OVERHEAD
            lines.append(line)
        with self._lock:
            self._queued_bytes = max(0, self._queued_bytes - size) if self._queue else 0
        sequence = next(self._sequences)
        request = request_of(sequence, lines, max_message_bytes=self._max_message_bytes, in_columns=self._takes_columns)
        frame = Frame(sequence, request.SerializeToString(), len(lines))
        while True:
            try:
                self._frames.append(frame)
                break
            except errors.ResourceExhausted:
                await self._stream.wait_for_progress(0.5)
        self._stream.kick()

    def _report_drops(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, {}
        for flow_run_id, count in dropped.items():
            message = f"{count} log records were dropped here: the server was away or slower than the run for too long"
            self.write(LogLine(flow_run_id, "", "headrace.logging", logging.WARNING, message, time.time_ns()))
