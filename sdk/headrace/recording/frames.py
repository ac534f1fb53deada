"""The frames of a stream that are not acknowledged: in memory up to a bound, then on disk."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable, Iterator

from headrace.recording.spool import Spool, SpoolFailure


@dataclasses.dataclass(slots=True)
class Frame:
    """One numbered message of a stream.

    Args:
        sequence: Its number.
        payload: The serialized request; None while it is on disk.
        count: How many items are in it.
        waiters: Told when it is acknowledged.
    """

    sequence: int
    payload: bytes | None
    count: int
    waiters: list[asyncio.Future[None]] = dataclasses.field(default_factory=list)


class FrameQueue:
    """Unacknowledged frames in order; for one event loop.

    Args:
        memory_bytes: How much is kept in memory.
        spool: Takes what is beyond that; without one the queue is full then.
    """

    def __init__(self, memory_bytes: int, spool: Spool | None = None) -> None:
        self._memory_limit = memory_bytes
        self._spool = spool
        self._frames: deque[Frame] = deque()
        self._memory = 0
        self._spooled = 0
        self._sent = 0
        self.prefers_disk = False
        """Whether new frames go to disk, where they outlive the process."""

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def in_flight(self) -> int:
        """How many frames were sent in this session and are not acknowledged."""
        return self._sent

    @property
    def last(self) -> Frame | None:
        """The newest frame."""
        return self._frames[-1] if self._frames else None

    def waiting(self) -> Iterator[Frame]:
        """Return all frames, oldest first."""
        return iter(self._frames)

    def append(self, frame: Frame) -> None:
        """Keep a frame.

        Raises:
            headrace.recording.spool.SpoolFailure: Neither memory nor disk takes it; it was not kept.
        """
        payload = frame.payload
        if payload is None:
            raise ValueError("a new frame has a payload")
        # Once frames are on disk all go there until it is empty, so that memory keeps the head of the queue.
        is_full = bool(self._frames) and self._memory + len(payload) > self._memory_limit
        if is_full and self._spool is None:
            raise SpoolFailure("the buffer is full")
        if self._spool is None or not (is_full or self._spooled or self.prefers_disk):
            self._memory += len(payload)
        else:
            try:
                self._spool.append(frame.sequence, payload)
            except SpoolFailure:
                if is_full or self._spooled:
                    raise
                # There is room in memory, which is as good while the process lives.
                self._memory += len(payload)
            else:
                frame.payload = None
                self._spooled += 1
        self._frames.append(frame)

    def next_to_send(self) -> Frame | None:
        """Return the oldest frame that was not sent in this session, and count it as sent."""
        if self._sent >= len(self._frames):
            return None
        frame = self._frames[self._sent]
        self._sent += 1
        return frame

    def payload_of(self, frame: Frame) -> bytes:
        """Return a frame's message, from disk if need be.

        Raises:
            headrace.recording.spool.SpoolDamaged: The disk lost it.
        """
        if frame.payload is not None:
            return frame.payload
        if self._spool is None:
            raise ValueError("a frame without payload is in the spool")
        return self._spool.read(frame.sequence)

    def acknowledge(self, sequence: int) -> list[Frame]:
        """Forget all frames up to `sequence` and return them."""
        done: list[Frame] = []
        while self._frames and self._frames[0].sequence <= sequence:
            frame = self._frames.popleft()
            self._forget(frame, was_sent=self._sent > 0)
            done.append(frame)
        return done

    def discard(self, sequence: int) -> Frame | None:
        """Forget one frame that will never be taken, and return it."""
        for index, frame in enumerate(self._frames):
            if frame.sequence == sequence:
                del self._frames[index]
                self._forget(frame, was_sent=index < self._sent)
                return frame
        return None

    def rewind(self) -> None:
        """Count all frames as not sent: a new session begins."""
        self._sent = 0

    def rewrite(self, change: Callable[[bytes], bytes]) -> None:
        """Give all frames that are in memory another payload, which means the same."""
        for frame in self._frames:
            if frame.payload is not None:
                changed = change(frame.payload)
                self._memory += len(changed) - len(frame.payload)
                frame.payload = changed

    def save(self) -> None:
        """Put all frames on disk, for another process to send them, as far as there is room."""
        if self._spool is None:
            return
        for frame in self._frames:
            if frame.payload is not None:
                self._spool.append(frame.sequence, frame.payload)
                self._memory -= len(frame.payload)
                frame.payload = None
                self._spooled += 1

    def clear(self) -> list[Frame]:
        """Forget everything and return it; what is on disk stays there for another process."""
        left = list(self._frames)
        self._frames.clear()
        self._memory = self._spooled = self._sent = 0
        if self._spool is not None:
            self._spool.close()
        return left

    def _forget(self, frame: Frame, *, was_sent: bool) -> None:
        if was_sent:
            self._sent -= 1
        if frame.payload is not None:
            self._memory -= len(frame.payload)
        elif self._spool is not None:
            self._spool.release(frame.sequence)
            self._spooled -= 1
