"""The event shipper: takes events from any thread and sends them in batches.

It never holds a flow up. While the server is away events are kept up to a bound; what is beyond it is dropped, and a
warning says how many there were.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque

from headrace import errors
from headrace.api.v1 import event_pb2
from headrace.client.core import AsyncClient
from headrace.client.retry import delays

logger = logging.getLogger("headrace.events")

MOST_WAITING = 10_000
MOST_WAITING_BYTES = 32 * 1024 * 1024
BATCH = 200
BATCH_BYTES = 1024 * 1024
LINGER_SECONDS = 0.05
_PASSING = (errors.Unavailable, errors.DeadlineExceeded, errors.ResourceExhausted, errors.Aborted)


class EventShipper:
    """Ships events; `write` is for any thread, the rest for the loop that it was made on.

    Args:
        client: On the running loop.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._loop = asyncio.get_running_loop()
        self._queue: deque[tuple[event_pb2.Event, int]] = deque()
        self._bytes = 0
        self._dropped = 0
        self._unconfirmed = 0
        self._lock = threading.Lock()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._progress = asyncio.Event()

    def write(self, event: event_pb2.Event) -> bool:
        """Ship an event; return False if too many wait, and it is dropped. Never blocks and never raises."""
        size = event.ByteSize()
        with self._lock:
            if len(self._queue) >= MOST_WAITING or self._bytes + size > MOST_WAITING_BYTES:
                self._dropped += 1
                return False
            self._queue.append((event, size))
            self._bytes += size
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:
            # The loop has ended with the process; what comes now goes nowhere.
            return False
        return True

    async def run(self) -> None:
        """Send what is written until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._urgent.is_set():
                try:
                    await asyncio.wait_for(self._urgent.wait(), LINGER_SECONDS)
                except TimeoutError:
                    pass
            self._urgent.clear()
            while batch := self._take():
                self._unconfirmed = len(batch)
                await self._send(batch)
                self._unconfirmed = 0
                self._progress.set()
            self._report_drops()

    async def flush(self, timeout: float) -> int:
        """Wait until everything written so far is stored, at most `timeout` seconds.

        Returns:
            How many events the server has not confirmed.
        """
        self._urgent.set()
        self._wake.set()
        deadline = time.monotonic() + timeout
        while waiting := len(self._queue) + self._unconfirmed:
            left = deadline - time.monotonic()
            if left <= 0:
                return waiting
            self._progress.clear()
            try:
                await asyncio.wait_for(self._progress.wait(), min(left, 0.25))
            except TimeoutError:
                continue
        return 0

    def _take(self) -> list[event_pb2.Event]:
        batch: list[event_pb2.Event] = []
        taken = 0
        with self._lock:
            while self._queue and len(batch) < BATCH and (not batch or taken + self._queue[0][1] <= BATCH_BYTES):
                event, size = self._queue.popleft()
                self._bytes -= size
                taken += size
                batch.append(event)
        return batch

    async def _send(self, batch: list[event_pb2.Event]) -> None:
        # Events have ids, so that sending them twice stores nothing twice.
        request = event_pb2.EmitEventsRequest(events=batch)
        for delay in delays():
            try:
                await self._client.events.EmitEvents(request)
                return
            except _PASSING:
                await asyncio.sleep(delay)
            except errors.InvalidArgument as error:
                if len(batch) == 1:
                    logger.error("the event %s was refused by the server: %s", batch[0].name, error)
                    return
                # One that is wrong must not take the others with it.
                for event in batch:
                    await self._send([event])
                return
            except errors.HeadraceError as error:
                logger.error("%d events were refused by the server: %s", len(batch), error)
                return

    def _report_drops(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.warning("%d events were dropped: more were emitted than could be sent", dropped)
