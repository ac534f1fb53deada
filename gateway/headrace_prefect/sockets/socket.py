"""A websocket as handlers see it."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import orjson

from headrace_gateway.backends import Metadata
from headrace_gateway.http import Message, Receive, Send
from headrace_prefect.services import Services

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
PROTOCOL_ERROR = 1002
TRY_AGAIN = 1013

MOST_WAITING = 1_000
"""Messages of a socket that were received and not yet taken; who sends more is not read from until there is room."""
MOST_WAITING_BYTES = 4 * 1024 * 1024
"""The same in bytes. One message is always taken, however long."""
MOST_BYTES = 64 * 1024 * 1024
"""What the sockets of a process hold together, taken or not; beyond it each has room for one message."""


class Gone(Exception):
    """The other side has closed the socket, or it broke."""


class Room:
    """How many bytes of messages the sockets of a process hold together.

    Args:
        most: How many they may.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held = 0
        self._waiting: set[asyncio.Event] = set()

    @property
    def is_full(self) -> bool:
        """Whether there is no more room."""
        return self._held >= self._most

    def take(self, count: int) -> None:
        """Hold so many bytes more."""
        self._held += count

    def give(self, count: int) -> None:
        """Hold so many bytes less; who waits for room looks again."""
        self._held -= count
        for waiting in self._waiting:
            waiting.set()

    @contextlib.contextmanager
    def told(self, event: asyncio.Event) -> Iterator[None]:
        """Have an event set whenever there is more room."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)


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
        room: How much it may hold beside the others.
    """

    def __init__(
        self,
        services: Services,
        metadata: Metadata,
        path: dict[str, str],
        receive: Receive,
        send: Send,
        deadline_seconds: float = 30.0,
        room: Room | None = None,
    ) -> None:
        self.services = services
        self.metadata = metadata
        self.path = path
        self.deadline_seconds = deadline_seconds
        self._receive = receive
        self._send = send
        self._room = room or Room()
        self._waiting: collections.deque[Message] = collections.deque()
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._has_come = asyncio.Event()
        self._has_room = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._gone = False

    async def take(self) -> Taken:
        """Wait for something to come, and return all that has.

        Its pings are the caller's to answer.

        Raises:
            Gone: There will be no more.
        """
        taken = Taken([], [])
        await self._come()
        while self._waiting and not self._gone:
            message = self._next()
            if message["type"] == "websocket.ping":
                taken.pings.append(message["payload"])
            elif message["type"] == "websocket.receive":
                taken.messages.append(_text(message))
            elif message["type"] == "websocket.disconnect":
                self._gone = True
        if not taken.messages and not taken.pings:
            raise Gone
        return taken

    async def _come(self) -> None:
        """Wait until something has come; what was taken before is dealt with."""
        self._room.give(self._taken_bytes)
        self._taken_bytes = 0
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="prefect socket")
        while not self._waiting and not self._gone:
            self._has_come.clear()
            await self._has_come.wait()

    def _next(self) -> Message:
        message = self._waiting.popleft()
        size = _size(message)
        self._waiting_bytes -= size
        self._taken_bytes += size
        self._has_room.set()
        return message

    async def receive(self) -> str:
        """Return the next message; pings before it are answered.

        Raises:
            Gone: There will be no more.
        """
        while not self._gone:
            await self._come()
            message = self._next()
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
        self._room.give(self._waiting_bytes + self._taken_bytes)
        self._waiting.clear()
        self._waiting_bytes = self._taken_bytes = 0

    async def _tell(self, message: Message) -> None:
        try:
            await self._send(message)
        except (OSError, RuntimeError) as error:
            # The protocol's errors for a connection that has gone or is being closed.
            raise Gone from error

    @property
    def _is_full(self) -> bool:
        if len(self._waiting) >= MOST_WAITING or self._waiting_bytes >= MOST_WAITING_BYTES:
            return True
        return bool(self._waiting) and self._room.is_full

    async def _read(self) -> None:
        with self._room.told(self._has_room):
            while True:
                message = await self._receive()
                size = _size(message)
                self._waiting.append(message)
                self._waiting_bytes += size
                self._room.take(size)
                self._has_come.set()
                if message["type"] == "websocket.disconnect":
                    return
                while self._is_full:
                    self._has_room.clear()
                    await self._has_room.wait()


def _size(message: Message) -> int:
    """Return about how much memory the content of a message takes."""
    return len(message.get("text") or message.get("bytes") or message.get("payload") or b"")


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
