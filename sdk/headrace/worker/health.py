"""Answers whether a worker lives and takes runs, over HTTP: `GET /health` and `GET /ready`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator

from headrace import errors
from headrace.worker.runner import Worker

logger = logging.getLogger("headrace.worker")

_REQUEST_SECONDS = 5.0
_LONGEST_LINE = 8192
_MOST_HEADERS = 100
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


def status_of(worker: Worker) -> dict[str, object]:
    """Return what a worker tells of itself, as JSON values."""
    return {
        "name": worker.options.name,
        "work_pool": worker.options.work_pool_name,
        "connected": worker.connected,
        "draining": worker.draining,
        "paused": worker.paused,
        "capacity": worker.options.capacity,
        "runs": len(worker.runs),
    }


@contextlib.asynccontextmanager
async def answering(worker: Worker, host: str, port: int) -> AsyncIterator[int]:
    """Answer within the block; gives the port, which the system chooses for 0.

    `/health` is 200 as long as the worker's event loop turns. `/ready` is 200 while its stream stands and it takes
    runs, else 503: a server that is away is no reason to restart a worker.

    Raises:
        errors.Unavailable: The port cannot be listened on.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                code, body = await _answer(reader, worker)
                writer.write(_response(code, body))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            logger.debug("A request to the health endpoint was not finished.", exc_info=True)
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(answer, host, port, limit=_LONGEST_LINE)
    except OSError as error:
        raise errors.Unavailable(f"The health endpoint cannot listen on {host}:{port}: {error.strerror}") from error
    async with server:
        yield int(server.sockets[0].getsockname()[1])


async def _answer(reader: asyncio.StreamReader, worker: Worker) -> tuple[int, dict[str, object]]:
    method, _, rest = (await reader.readuntil(b"\n")).decode("latin-1").strip().partition(" ")
    path = rest.partition(" ")[0].partition("?")[0]
    for _ in range(_MOST_HEADERS):
        if not (await reader.readuntil(b"\n")).strip():
            break
    else:
        return 400, {"error": "too many headers"}
    if path not in ("/health", "/ready"):
        return 404, {"error": "there are /health and /ready"}
    if method not in ("GET", "HEAD"):
        return 405, {"error": "only GET"}
    takes_runs = worker.connected and not worker.draining and not worker.paused
    return (200 if path == "/health" or takes_runs else 503), status_of(worker)


def _response(code: int, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {code} {_REASONS[code]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content
