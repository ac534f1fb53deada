"""Websockets on one connection: uvicorn's protocol, in which pings keep their place among the messages.

A client that pings and waits for the pong learns that everything before it was taken. That holds only if the pong is
not sent before the application says so: it receives `websocket.ping` in order with the messages, and answers with
`websocket.pong`.
"""

from __future__ import annotations

import logging
from typing import Any, cast

from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto import events

MAX_FRAME_BYTES = 4 * 1024 * 1024
"""Of one message, all its frames together."""
PING_SECONDS = 30.0
"""How often clients are asked for a sign of life."""
PONG_SECONDS = 60.0
"""How long they may take for it."""

# Each connection would be a line in the server's log.
_quiet = logging.getLogger("headrace_gateway.sockets.connections")
_quiet.setLevel(logging.WARNING)


class OrderedSocketProtocol(WSProtocol):
    """uvicorn's websocket protocol, which leaves pongs to the application."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _quiet

    def keepalive_timeout(self) -> None:
        """Give up who gave no sign of life: to close would wait until they have read what was sent."""
        super().keepalive_timeout()
        self.transport.abort()

    def handle_ping(self, event: events.Ping) -> None:
        """Pass a ping on in its place; like a message it stops reading until it is received."""
        self.queue.put_nowait(cast(Any, {"type": "websocket.ping", "payload": bytes(event.payload)}))
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    async def send(self, message: Any) -> None:
        """Send what the application says; pongs beside what ASGI knows."""
        if message["type"] != "websocket.pong":
            await super().send(message)
            return
        await self.writable.wait()
        if not self.disconnected and not self.close_sent and not self.transport.is_closing():
            self.transport.write(self.conn.send(events.Pong(payload=message["payload"])))
