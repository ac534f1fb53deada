"""What those who run a server ask it: whether it lives, whether it is ready, what it counts and measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson

from headrace_chassis import metrics
from headrace_chassis.exposition import Exposition
from headrace_gateway.http import JSON, NO_STORE, Receive, Scope, Send, respond

READINESS_KEPT_SECONDS = 0.5
_METRICS_TYPE = (b"content-type", metrics.CONTENT_TYPE.encode())
_OPEN_METRICS_TYPE = (b"content-type", metrics.OPEN_CONTENT_TYPE.encode())

Readiness = Callable[[], Awaitable[list[str]]]


class Operations:
    """Answers `/health`, `/ready` and `/metrics`: among the paths of a gateway, or alone on a port of its own.

    Args:
        readiness: Returns what is not ready, in sentences.
        exposition: The metrics; its start and stop are the caller's.
    """

    def __init__(self, readiness: Readiness, exposition: Exposition) -> None:
        self._readiness = readiness
        self._exposition = exposition
        self._faults: tuple[float, list[str]] = (0.0, [])
        self._asking = asyncio.Lock()
        self._draining = False
        self.paths = {"/health": self._health, "/ready": self._ready, "/metrics": self._metrics}

    def drain(self) -> None:
        """Say that the server is not ready any more."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request where nothing else is served."""
        if scope["type"] != "http":
            return
        answer = self.paths.get(scope["path"])
        if answer is None or scope["method"] not in ("GET", "HEAD"):
            await respond(send, 404, b'{"paths":["/health","/ready","/metrics"]}', [JSON, NO_STORE])
        else:
            await answer(scope, send)

    async def _health(self, scope: Scope, send: Send) -> None:
        await respond(send, 200, b'{"status":"alive"}', [JSON, NO_STORE])

    async def _ready(self, scope: Scope, send: Send) -> None:
        faults = ["the server is stopping"] if self._draining else await self._current_faults()
        body = {"status": "not ready", "missing": faults} if faults else {"status": "ready"}
        await respond(send, 503 if faults else 200, orjson.dumps(body), [JSON, NO_STORE])

    async def _current_faults(self) -> list[str]:
        # Anybody may ask: what the checks cost is paid twice a second at most.
        async with self._asking:
            asked_at, faults = self._faults
            if time.monotonic() - asked_at > READINESS_KEPT_SECONDS:
                faults = await self._readiness()
                self._faults = (time.monotonic(), faults)
        return faults

    async def _metrics(self, scope: Scope, send: Send) -> None:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
        is_open = b"application/openmetrics-text" in accepted
        kind = _OPEN_METRICS_TYPE if is_open else _METRICS_TYPE
        await respond(send, 200, await self._exposition.text(is_open=is_open), [kind, NO_STORE])
