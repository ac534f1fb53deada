"""A stream of numbered frames that the server acknowledges, kept up through everything that breaks it.

Recording and logs speak the same protocol with different words: open and opened, frames with increasing
sequence numbers, acknowledgements after commit, refusals. After a break the stream is opened again and all
unacknowledged frames are sent again, in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import grpc
import grpc.aio

from headrace import errors
from headrace.client.retry import delays
from headrace.recording.frames import Frame, FrameQueue
from headrace.recording.spool import SpoolDamaged, SpoolFailure
from headrace.rpc.status import from_rpc_error

logger = logging.getLogger("headrace.recording")

OPEN_SECONDS = 15.0
"""How long the server may take to answer the opening message."""

LONGEST_PAUSE_SECONDS = 1.0
"""Between tries to open the stream again; a run that ends waits for it."""

_HOPELESS = (errors.Unauthenticated, errors.PermissionDenied, errors.Unimplemented, errors.InvalidArgument)
_HOPELESS_PAUSE_SECONDS = 15.0
_DISK_SECONDS = 1.0


class StreamHandler(Protocol):
    """What makes one stream different from another."""

    def opened(self, response: Any) -> int:
        """Take the server's settings; return how many frames may be in flight."""

    def received(self, kind: str, response: Any) -> None:
        """Take a message that is not about frames."""

    def refused(self, frame: Frame, reason: str) -> None:
        """Learn that a frame was not taken and never will be."""


class AckedStream:
    """Sends frames and keeps them until they are acknowledged; for one event loop.

    Args:
        name: For messages, for example `recording`.
        open_call: Starts the RPC, whose requests are bytes.
        hello: The opening message.
        frames: What is to be sent. Whoever appends calls `kick`.
        handler: The rest.
    """

    def __init__(
        self, name: str, open_call: Callable[[], Any], hello: bytes, frames: FrameQueue, handler: StreamHandler
    ) -> None:
        self._name = name
        self._open_call = open_call
        self._hello = hello
        self._frames = frames
        self._handler = handler
        self._controls: deque[bytes] = deque(maxlen=64)
        self._work = asyncio.Event()
        self._progress = asyncio.Event()
        self._max_in_flight = 1
        self._down_since: float | None = time.monotonic()
        self._said_down = False
        self.failure: errors.HeadraceError | None = None
        """Why the stream is down; None while it stands or was never up."""
        self.hopeless: errors.HeadraceError | None = None
        """Why no frame will ever be taken, as far as can be told; None while there is hope."""

    @property
    def is_up(self) -> bool:
        """Whether the stream stands."""
        return self._down_since is None

    def down_for(self) -> float:
        """Return for how many seconds the stream has been down; 0 while it stands."""
        return 0.0 if self._down_since is None else time.monotonic() - self._down_since

    def kick(self) -> None:
        """Look for frames to send."""
        self._work.set()

    def send_now(self, message: bytes) -> None:
        """Send a message that is not a frame, if the stream stands; it is not repeated."""
        if self.is_up:
            self._controls.append(message)
            self._work.set()

    async def wait_for_progress(self, timeout: float) -> None:
        """Wait until something was acknowledged, or the stream went up or down, or `timeout` seconds are over."""
        self._progress.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._progress.wait(), timeout)

    async def run(self) -> None:
        """Keep the stream up until cancelled."""
        pauses: Iterator[float] = delays(LONGEST_PAUSE_SECONDS)
        while True:
            try:
                await self._session()
                error: errors.HeadraceError = errors.Unavailable("the server ended the stream")
            except grpc.RpcError as rpc_error:
                error = from_rpc_error(rpc_error)
            except TimeoutError:
                error = errors.Unavailable(f"the server did not open the stream within {OPEN_SECONDS:g} s")
            if self.is_up:
                pauses = delays(LONGEST_PAUSE_SECONDS)
            self._went_down(error)
            await asyncio.sleep(_HOPELESS_PAUSE_SECONDS if self.hopeless else next(pauses))

    async def _session(self) -> None:
        call = self._open_call()
        workers: list[asyncio.Task[None]] = []
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                await call.write(self._hello)
                first = await call.read()
            if first is grpc.aio.EOF:
                return
            self._went_up(first)
            workers = [asyncio.create_task(self._write(call)), asyncio.create_task(self._read(call))]
            done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.InvalidStateError:
            # The call ended while something was written; reading tells why.
            await call.read()
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            call.cancel()

    def _went_up(self, first: Any) -> None:
        kind = first.WhichOneof("message")
        if kind != "opened":
            raise TimeoutError(f"the server answered {kind} before opened")
        self._frames.rewind()
        self._frames.prefers_disk = False
        self._controls.clear()
        self._max_in_flight = max(1, self._handler.opened(first.opened))
        if self._said_down:
            logger.warning("The server is back; %s goes on.", self._name)
        self._said_down = False
        self._down_since = self.failure = self.hopeless = None
        self._work.set()
        self._progress.set()

    def _went_down(self, error: errors.HeadraceError) -> None:
        if self._down_since is None:
            self._down_since = time.monotonic()
        if self.down_for() > _DISK_SECONDS:
            # The process may not live to see the server again.
            self._frames.prefers_disk = True
            with contextlib.suppress(SpoolFailure):
                self._frames.save()
        self.failure = error
        self.hopeless = error if isinstance(error, _HOPELESS) else None
        # A restart of the server is no news; a server that stays away is.
        if not self._said_down and (self.hopeless or (self.down_for() > 5.0 and len(self._frames))):
            self._said_down = True
            logger.warning("%s waits for the server: %s", self._name.capitalize(), error)
        self._progress.set()

    async def _write(self, call: Any) -> None:
        while True:
            while self._controls:
                await call.write(self._controls.popleft())
            frame = self._frames.next_to_send() if self._frames.in_flight < self._max_in_flight else None
            if frame is None:
                self._work.clear()
                await self._work.wait()
                continue
            try:
                payload = self._frames.payload_of(frame)
            except SpoolDamaged as error:
                self._drop(frame.sequence, error.message)
                continue
            await call.write(payload)

    async def _read(self, call: Any) -> None:
        while True:
            response = await call.read()
            if response is grpc.aio.EOF:
                return
            kind = response.WhichOneof("message")
            if kind == "ack":
                for frame in self._frames.acknowledge(response.ack.sequence):
                    _tell(frame)
                self._work.set()
                self._progress.set()
            elif kind == "refused":
                self._drop(response.refused.sequence, response.refused.reason)
            elif kind is not None:
                self._handler.received(kind, response)

    def _drop(self, sequence: int, reason: str) -> None:
        frame = self._frames.discard(sequence)
        if frame is not None:
            self._handler.refused(frame, reason)
            _tell(frame)
        self._work.set()
        self._progress.set()


def _tell(frame: Frame) -> None:
    for waiter in frame.waiters:
        if not waiter.done():
            waiter.set_result(None)
