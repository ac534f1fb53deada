"""Record transitions of task runs: frames of all streams that wait share a commit."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import logging
from collections.abc import Callable
from typing import TypeAlias

from headrace import errors
from headrace_state.repository.task_runs import Recording
from headrace_state.rules.frames import Frame
from headrace_state.usecases.batching import Resume

logger = logging.getLogger(__name__)

MOST_WAITING = 20_000
"""Transitions that wait to be written in this process; who brings more waits until there is room."""

MOST_TOGETHER = 5_000
"""Transitions in one transaction."""

_Waiting: TypeAlias = tuple[Frame, "asyncio.Future[frozenset[int]]", Resume]


class Recorder:
    """Writes frames in the order in which they come, as many together as wait.

    Args:
        recording: Where to.
        follow: Called for each frame. What it returns goes on with what its stream is in the middle of, such as a
            trace, while those are written of which it is the first.
    """

    def __init__(self, recording: Recording, *, follow: Callable[[], Resume] = lambda: contextlib.nullcontext) -> None:
        self._recording = recording
        self._follow = follow
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._load = 0
        self._room = asyncio.Condition()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, frame: Frame) -> asyncio.Future[frozenset[int]]:
        """Take a frame in, waiting for room.

        Returns:
            A future of the attempts whose transitions were not taken, done after the commit. It raises
            `errors.InvalidArgument` if the frame can never be stored, `errors.Unavailable` if nothing was decided.
        """
        async with self._room:
            await self._room.wait_for(lambda: self._load < MOST_WAITING or self._closed)
            if self._closed:
                raise errors.Unavailable("the server is stopping; send the frame to another", reason="DRAINING")
            self._load += len(frame)
        future: asyncio.Future[frozenset[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((frame, future, self._follow()))
        self._work.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._write_forever(), name="recorder", context=contextvars.Context()
            )
        return future

    async def close(self) -> None:
        """Write what waits, then stop."""
        self._closed = True
        async with self._room:
            self._room.notify_all()
        self._work.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _write_forever(self) -> None:
        while True:
            if not self._waiting:
                if self._closed:
                    return
                self._work.clear()
                await self._work.wait()
                continue
            batch = self._next_batch()
            try:
                await self._write(batch)
            finally:
                async with self._room:
                    self._load -= sum(len(frame) for frame, _, _ in batch)
                    self._room.notify_all()

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        size = len(batch[0][0])
        workspace_id = batch[0][0].workspace_id
        while self._waiting and size < MOST_TOGETHER and self._waiting[0][0].workspace_id == workspace_id:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        try:
            with batch[0][2]():
                lost = await self._recording.write([frame for frame, _, _ in batch])
        except errors.InvalidArgument as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            # One of them spoils it for all: each gets a transaction of its own.
            for single in batch:
                await self._write([single])
        except errors.HeadraceError as error:
            _fail(batch, error)
        except Exception as error:
            logger.exception("%d frames could not be recorded", len(batch))
            _fail(batch, errors.Unavailable(f"recording failed: {type(error).__name__}"))
        else:
            for (_, future, _), attempts in zip(batch, lost, strict=True):
                if not future.done():
                    future.set_result(attempts)


def _fail(batch: list[_Waiting], error: errors.HeadraceError) -> None:
    for _, future, _ in batch:
        if not future.done():
            future.set_exception(error)
            # A stream that has gone meanwhile looks no longer.
            future.exception()
