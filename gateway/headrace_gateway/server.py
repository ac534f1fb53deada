"""The HTTP server: uvicorn inside a process that somebody else starts and stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Sequence

import uvicorn

from headrace_gateway.application import Application
from headrace_gateway.operations import Operations
from headrace_gateway.protocol import BoundedHttpProtocol
from headrace_gateway.sockets import MAX_FRAME_BYTES, PING_SECONDS, PONG_SECONDS, OrderedSocketProtocol

logger = logging.getLogger(__name__)

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 75
MAX_CONNECTIONS = 10_000
"""Connections and requests of one process at a time; further ones get 503."""


class HttpServer:
    """Serves an application on sockets.

    Args:
        application: Answers the requests.
        tls: For HTTPS; without it requests come in the clear.
    """

    def __init__(self, application: Application | Operations, tls: ssl.SSLContext | None = None) -> None:
        self._application = application
        config = uvicorn.Config(
            application,
            http=BoundedHttpProtocol,
            loop="none",
            ws=OrderedSocketProtocol,
            ws_max_size=MAX_FRAME_BYTES,
            # What a few bytes unfold into would be in memory before anybody could say that it is too much.
            ws_per_message_deflate=False,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PONG_SECONDS,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=MAX_CONNECTIONS,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        config.load()
        self._config = config
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        self._loop_task: asyncio.Task[None] | None = None
        self._listeners: list[socket.socket] = []
        self.port = 0
        """The port, once started."""

    async def start(self, listeners: Sequence[socket.socket]) -> None:
        """Serve on bound sockets, which are closed at the end."""
        self._listeners = list(listeners)
        await self._server.startup(sockets=self._listeners)
        self.port = self._listeners[0].getsockname()[1]
        self._loop_task = asyncio.create_task(self._server.main_loop(), name="http server")
        self._loop_task.add_done_callback(_log_failure)
        logger.info("serving %s on port %d", "HTTPS" if self._config.is_ssl else "HTTP", self.port)

    async def stop(self, drain_seconds: float) -> None:
        """Stop to accept, end streams, let requests in progress go on for `drain_seconds`."""
        self._application.drain()
        if self._loop_task is None:
            return
        self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self._loop_task
        self._loop_task = None
        self._config.timeout_graceful_shutdown = max(1, round(drain_seconds))
        await self._server.shutdown(sockets=self._listeners)
        for listener in self._listeners:
            listener.close()


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket bound to `host` and `port`.

    Args:
        host: Name or address.
        port: 0 takes a free one.
        shared: Whether further processes of this server bind it, too. A foreign one could as well, so that
            an occupied port is found only without it.

    Raises:
        OSError: The address cannot be had.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = found[0]
    # asyncio sends without delay only on sockets that are TCP by name; on others each answer waits for 40 ms.
    listener = socket.socket(family, kind, protocol or socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("the HTTP server died", exc_info=error)
