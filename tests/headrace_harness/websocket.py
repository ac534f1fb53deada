"""A websocket client that shows what happens on the wire: messages and pongs in their order."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
import wsproto
from wsproto import events

RECEIVE_SECONDS = 30.0


class Closed(Exception):
    """The server has closed the socket, or refused it.

    Args:
        code: The close code; of a refusal the HTTP status.
        reason: What it said.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    """An open websocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._text = ""
        self.subprotocol: str | None = None

    async def begin(self, host: str, path: str, headers: Mapping[str, str], subprotocols: Sequence[str]) -> None:
        """Shake hands.

        Raises:
            Closed: The server refused.
        """
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        request = events.Request(host=host, target=path, extra_headers=extra, subprotocols=list(subprotocols))
        self._writer.write(self._connection.send(request))
        event = await self._next()
        assert isinstance(event, events.AcceptConnection), event
        self.subprotocol = event.subprotocol

    async def send(self, value: object) -> None:
        """Send a message as JSON."""
        self._writer.write(self._connection.send(events.TextMessage(orjson.dumps(value).decode())))
        await self._writer.drain()

    async def ping(self, payload: bytes) -> None:
        """Send a ping."""
        self._writer.write(self._connection.send(events.Ping(payload)))
        await self._writer.drain()

    async def receive(self) -> Any:
        """Return the next message as JSON, or `b"..."` of the next pong.

        Raises:
            Closed: The server closed the socket.
        """
        while True:
            event = await self._next()
            if isinstance(event, events.Pong):
                return bytes(event.payload)
            if isinstance(event, events.TextMessage):
                self._text += event.data
                if event.message_finished:
                    text, self._text = self._text, ""
                    return orjson.loads(text)

    async def _next(self) -> Any:
        async with asyncio.timeout(RECEIVE_SECONDS):
            while True:
                for event in self._connection.events():
                    if isinstance(event, events.CloseConnection):
                        raise Closed(event.code, event.reason or "")
                    if isinstance(event, events.RejectConnection):
                        raise Closed(event.status_code, "")
                    if isinstance(event, events.Ping):
                        self._writer.write(self._connection.send(event.response()))
                        continue
                    return event
                data = await self._reader.read(65_536)
                if not data:
                    raise Closed(1006, "the connection broke")
                self._connection.receive_data(data)


@contextlib.asynccontextmanager
async def websocket(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] = (),
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[WebSocket]:
    """Lend a websocket.

    Args:
        url: `http://` or `https://`.
        headers: Further headers of the handshake.
        subprotocols: Offered.
        context: For TLS.

    Raises:
        Closed: The server refused.
    """
    parts = urllib.parse.urlsplit(url)
    secure = context if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=secure)
    try:
        made = WebSocket(reader, writer)
        await made.begin(parts.netloc, parts.path or "/", headers or {}, subprotocols)
        yield made
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
