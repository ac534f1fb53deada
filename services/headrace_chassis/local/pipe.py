"""A bounded row of messages between the two sides of a call."""

from __future__ import annotations

import asyncio
import collections
from typing import Any

import grpc.aio

MESSAGES_AHEAD = 16
"""Messages of a stream that may wait for their reader; a writer beyond that waits, too."""


class PipeClosed(Exception):
    """Nobody will read what was to be written: the call has ended."""


class Pipe:
    """A bounded row of messages from one side to the other."""

    def __init__(self, limit: int = MESSAGES_AHEAD) -> None:
        self._limit = limit
        self._messages: collections.deque[Any] = collections.deque()
        self._waiting: list[asyncio.Future[None]] = []
        self._is_closed = False

    async def put(self, message: Any) -> None:
        """Add a message; waits while the row is full.

        Raises:
            PipeClosed: The row was closed.
        """
        while len(self._messages) >= self._limit and not self._is_closed:
            await self._changed()
        if self._is_closed:
            raise PipeClosed
        self._messages.append(message)
        self._tell()

    async def get(self) -> Any:
        """Return the next message, `grpc.aio.EOF` once the row is closed and empty."""
        while not self._messages:
            if self._is_closed:
                return grpc.aio.EOF
            await self._changed()
        message = self._messages.popleft()
        self._tell()
        return message

    def close(self) -> None:
        """Let nothing further in; what is in can still be taken."""
        self._is_closed = True
        self._tell()

    async def _changed(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        await future

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
