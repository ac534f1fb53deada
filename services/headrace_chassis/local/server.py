"""A server without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from headrace_chassis.audit import AuditTrail
from headrace_chassis.guards import Guards
from headrace_chassis.handlers import HandlerTable
from headrace_chassis.local.exchange import Codec, Exchange, Pairs
from headrace_chassis.resolving import CallerResolver
from headrace_chassis.validation import Validator


class LocalServer:
    """Guarded handlers that only this process reaches.

    Args:
        resolver: Tells who a caller is.
        internal_token: What calls between services carry.
        validator: Rules for requests.
        default_deadline_seconds: For unary calls without a deadline.
    """

    def __init__(
        self,
        *,
        resolver: CallerResolver,
        internal_token: str | None,
        validator: Validator,
        default_deadline_seconds: float,
    ) -> None:
        self.draining = asyncio.Event()
        self._handlers = HandlerTable(
            Guards(
                resolver=resolver,
                internal_token=internal_token,
                validator=validator,
                default_deadline_seconds=default_deadline_seconds,
                draining=self.draining,
            )
        )
        self._in_progress: set[asyncio.Task[None]] = set()

    def add_servicer(
        self, servicer: object, *, self_validating: frozenset[str] = frozenset(), trail: AuditTrail | None = None
    ) -> None:
        """Serve every gRPC service that `servicer` implements, internal methods included."""
        self._handlers.add(servicer, self_validating=self_validating, trail=trail)

    def begin(self, path: str, request: Any, metadata: Pairs, timeout: float | None, codec: Codec) -> Exchange:
        """Begin a call of the method at `path`; a refusal is the status of the call."""
        handler = self._handlers.by_path.get(path)
        exchange = Exchange(handler, metadata, timeout, codec)
        if self.draining.is_set():
            exchange.refuse(grpc.StatusCode.UNAVAILABLE, "the server is stopping")
        elif handler is None:
            exchange.refuse(grpc.StatusCode.UNIMPLEMENTED, f"there is no method {path}")
        else:
            task = exchange.start(request)
            self._in_progress.add(task)
            task.add_done_callback(self._in_progress.discard)
        return exchange

    async def stop(self, drain_seconds: float) -> None:
        """Refuse new calls, tell streams to end, and let calls in progress go on for `drain_seconds`."""
        self.draining.set()
        if self._in_progress:
            _, late = await asyncio.wait(self._in_progress, timeout=drain_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
