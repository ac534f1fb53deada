"""A real HTTP server that receives webhooks and answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import struct
import time
from collections.abc import AsyncIterator, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    at: float
    """When it had come, by the monotonic clock."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: bytes = b"ok"
    is_reset: bool = False
    """True: the connection is reset instead."""
    is_silent: bool = False
    """True: nothing is answered, and the connection stays open."""


class Receiver:
    """Keeps what it receives; use `a_receiver`."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        """Answers in order; when they are used up, all further requests are answered 200."""
        self.received: list[Received] = []
        self.port = 0
        self._changed = asyncio.Condition()
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    async def got(self, count: int) -> list[Received]:
        """Return what was received once it is at least `count` requests."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.received) >= count)
        return list(self.received)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the request of one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._writers[writer] = task
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del self._writers[writer]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip().split("\r\n")
        method, path, _ = request_line.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        reply = self.replies.pop(0) if self.replies else Reply()
        async with self._changed:
            self.received.append(Received(method, path, headers, body, time.monotonic()))
            self._changed.notify_all()
        if reply.is_silent:
            await reader.read()
            return
        if reply.is_reset:
            # Closing with a linger of zero sends a reset.
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        answer = {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Answer", *(f"{name}: {value}" for name, value in answer.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
        await writer.drain()

    async def hang_up(self) -> None:
        """Close all connections; one that a test leaves open would complain of it in another test."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._writers.values(), return_exceptions=True)


@contextlib.asynccontextmanager
async def a_receiver(*replies: Reply) -> AsyncIterator[Receiver]:
    """Lend a receiver on a free port of loopback."""
    receiver = Receiver()
    receiver.replies.extend(replies)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await receiver.hang_up()
        await server.wait_closed()
