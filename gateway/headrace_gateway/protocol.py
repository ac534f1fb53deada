"""HTTP/1.1 on one connection: uvicorn's protocol, with bounds for what comes before a request is known.

The body is bounded where it is read. The line and headers of a request are kept by the parser until they are
complete, and a connection that never completes them would be kept for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together."""
HEAD_SECONDS = 30.0
"""So long a connection may take for them."""

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n"
    b"content-type: text/plain\r\n\r\n"
)


class BoundedHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which closes connections whose head is too large or too slow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; refuse a head that goes on for too long."""
        if self._is_in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        # The parser says when a head is complete; its bytes are counted from none again then.
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._is_in_head = True
        if self._head_timer is None:
            self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head of a request has come whole."""
        self._is_in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        if _is_ambiguous(self.headers):
            # The parser turns this into an answer, 400, and an end of the connection.
            raise ValueError("the head can be read in more than one way")
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _is_ambiguous(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether a proxy in front may have read a request in another way: for another host, or as two."""
    hosts = sum(name == b"host" for name, _ in headers)
    codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
    return hosts > 1 or codings not in ([], [b"chunked"])
