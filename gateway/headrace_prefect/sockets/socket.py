"""A websocket as handlers see it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from headrace_gateway.backends import Metadata
from headrace_gateway.http import Message, Receive, Send
from headrace_prefect.services import Services

POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002
TRY_AGAIN = 1013

MOST_WAITING = 1_000
"""Messages that were received and not yet taken; who sends more is not read from until there is room."""


class Gone(Exception):
    """The other side has closed the socket, or it broke."""


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What has come since the last time."""

    messages: list[str]
    pings: list[bytes]
    """To be answered with `Socket.pong` once the messages are taken for good."""


class Socket:
    """An accepted websocket: text messages in, JSON out.

    Args:
        services: What handlers call.
        metadata: Who is at the other end, for calls.
        path: The variables of the path by name.
        deadline_seconds: How long a call may take.
    """

    def __init__(
        self,
        services: Services,
        metadata: Metadata,
        path: dict[str, str],
        receive: Receive,
        send: Send,
        deadline_seconds: float = 30.0,
    ) -> None:
        self.services = services
        self.metadata = metadata
        self.path = path
        self.deadline_seconds = deadline_seconds
        self._receive = receive
        self._send = send
        self._waiting: asyncio.Queue[Message] = asyncio.Queue(MOST_WAITING)
        self._reader: asyncio.Task[None] | None = None
        self._gone = False

    async def take(self) -> Taken:
        """Wait for something to come, and return all that has.

        Its pings are the caller's to answer.

        Raises:
            Gone: There will be no more.
        """
        self._read_ahead()
        taken = Taken([], [])
        while not self._gone:
            if self._waiting.empty() and (taken.messages or taken.pings):
                break
            message = await self._waiting.get()
            if message["type"] == "websocket.ping":
                taken.pings.append(message["payload"])
            elif message["type"] == "websocket.receive":
                taken.messages.append(_text(message))
            elif message["type"] == "websocket.disconnect":
                self._gone = True
        if not taken.messages and not taken.pings:
            raise Gone
        return taken

    async def receive(self) -> str:
        """Return the next message; pings before it are answered.

        Raises:
            Gone: There will be no more.
        """
        self._read_ahead()
        while not self._gone:
            message = await self._waiting.get()
            if message["type"] == "websocket.ping":
                await self.pong(message["payload"])
            elif message["type"] == "websocket.receive":
                return _text(message)
            elif message["type"] == "websocket.disconnect":
                self._gone = True
        raise Gone

    async def receive_json(self) -> Any:
        """Return the next message as JSON.

        Raises:
            Gone: There will be no more.
            orjson.JSONDecodeError: It is not JSON.
        """
        return orjson.loads(await self.receive())

    async def send_json(self, value: object) -> None:
        """Send a message.

        Raises:
            Gone: Nobody is there.
        """
        await self._tell({"type": "websocket.send", "text": orjson.dumps(value).decode()})

    async def pong(self, payload: bytes) -> None:
        """Answer a ping: everything before it is taken.

        Raises:
            Gone: Nobody is there.
        """
        await self._tell({"type": "websocket.pong", "payload": payload})

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the socket; of a long reason the beginning is told."""
        with contextlib.suppress(Gone):
            await self._tell(
                {"type": "websocket.close", "code": code, "reason": reason.encode()[:120].decode(errors="ignore")}
            )

    async def end(self) -> None:
        """Stop to read; whoever made the socket calls it at the end."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def _tell(self, message: Message) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:
            # The protocol's errors for a connection that has gone or is being closed.
            raise Gone from error

    def _read_ahead(self) -> None:
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="prefect socket")

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            await self._waiting.put(message)
            if message["type"] == "websocket.disconnect":
                return


def _text(message: Message) -> str:
    text = message.get("text")
    return str(text) if text is not None else bytes(message["bytes"]).decode(errors="replace")


SocketHandler = Callable[[Socket], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class SocketRoute:
    """One websocket."""

    path: str
    """Below `/api`."""
    handler: SocketHandler
    """Called once the other side has proved who it is."""
