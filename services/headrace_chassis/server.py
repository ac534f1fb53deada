"""The gRPC server that every service runs on: guards, health, reflection, keepalive, graceful stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from headrace.rpc.channel import MAX_MESSAGE_BYTES
from headrace_chassis.audit import AuditTrail
from headrace_chassis.forwarding import NOBODY, TrustedProxies
from headrace_chassis.guards import Guards
from headrace_chassis.handlers import HandlerTable
from headrace_chassis.resolving import CallerResolver
from headrace_chassis.validation import Validator

logger = logging.getLogger(__name__)

LIVENESS = "liveness"
"""Health name that is SERVING as long as the process answers; "" and each gRPC service tell readiness."""

READINESS_SECONDS = 2.0
_READINESS_TIMEOUT_SECONDS = 5.0

Readiness = Callable[[], Awaitable[None]]


class ServiceServer:
    """A `grpc.aio` server whose handlers are guarded.

    Add servicers, then `start`; `stop` drains. Health is told per gRPC service: NOT_SERVING until all
    readiness checks pass, and again from the moment that stopping begins.

    Args:
        resolver: Tells who a caller is.
        internal_token: What calls between services carry; None refuses them.
        validator: Rules for requests.
        default_deadline_seconds: For unary calls without a deadline.
        max_message_bytes: Largest message in either direction.
        readiness: Checks that raise while the server is not ready.
        with_reflection: Whether to serve gRPC reflection.
        proxies: Whose word is taken of where calls come from.
    """

    def __init__(
        self,
        *,
        resolver: CallerResolver,
        internal_token: str | None = None,
        validator: Validator | None = None,
        default_deadline_seconds: float = 30.0,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        readiness: Sequence[Readiness] = (),
        with_reflection: bool = False,
        proxies: TrustedProxies = NOBODY,
    ) -> None:
        self.draining = asyncio.Event()
        self._handlers = HandlerTable(
            Guards(
                resolver=resolver,
                internal_token=internal_token,
                validator=validator or Validator(),
                default_deadline_seconds=default_deadline_seconds,
                draining=self.draining,
                proxies=proxies,
            )
        )
        self._readiness = tuple(readiness)
        self._with_reflection = with_reflection
        self._health = health_aio.HealthServicer()
        self._server = grpc.aio.server(options=server_options(max_message_bytes))
        self._server.add_generic_rpc_handlers((self._handlers,))
        self._watcher: asyncio.Task[None] | None = None
        self.is_ready = False
        """Whether the last round of readiness checks passed."""

    def add_servicer(
        self,
        servicer: object,
        *,
        self_validating: frozenset[str] = frozenset(),
        with_internal: bool = True,
        trail: AuditTrail | None = None,
    ) -> None:
        """Serve every gRPC service that `servicer` implements; methods that it does not write are UNIMPLEMENTED.

        Args:
            servicer: An instance of one or more generated `*Servicer` classes.
            self_validating: gRPC services that check the messages of client streams themselves.
            with_internal: Whether methods for other services of Headrace are served, too.
            trail: Where calls are noted for the audit log.

        Raises:
            TypeError: It implements none.
            ValueError: A gRPC service was added before.
        """
        self._handlers.add(servicer, self_validating=self_validating, with_internal=with_internal, trail=trail)

    def listen(self, address: str, credentials: grpc.ServerCredentials | None = None) -> int:
        """Listen on `host:port` (port 0 takes a free one) or `unix:/path`.

        Args:
            address: Where.
            credentials: For TLS; without them calls come in the clear.

        Returns:
            The port, or 1 for a unix socket.

        Raises:
            OSError: The address cannot be had.
        """
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address)
            else:
                port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from error
        if port == 0:
            raise OSError(f"cannot listen on {address}: it is in use or not an address of this machine")
        return port

    async def start(self) -> None:
        """Start to serve; health says ready as soon as the first round of checks has passed."""
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if self._with_reflection:
            names = (*self._handlers.services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
            reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), self._server)
        await self._health.set(LIVENESS, health_pb2.HealthCheckResponse.SERVING)
        await self.check_readiness()
        await self._server.start()
        self._watcher = asyncio.create_task(self._watch_readiness(), name="readiness")

    async def check_readiness(self) -> list[str]:
        """Run all readiness checks, tell health, and return what is not ready."""
        # Services that share what is missing say the same.
        found = dict.fromkeys(await asyncio.gather(*map(_fault, self._readiness)))
        faults = [fault for fault in found if fault is not None]
        if self.draining.is_set():
            faults.append("the server is stopping")
        ready = not faults
        if ready != self.is_ready or faults:
            for fault in faults if self.is_ready else ():
                logger.warning("not ready: %s", fault)
            self.is_ready = ready
        await self._tell(ready)
        return faults

    async def stop(self, drain_seconds: float = 10.0) -> None:
        """Stop: refuse new calls, tell streams to end, let calls in progress go on for `drain_seconds`."""
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
            self._watcher = None
        self.is_ready = False
        self.draining.set()
        await self._tell(False)
        await self._server.stop(drain_seconds)

    async def _tell(self, ready: bool) -> None:
        state = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._handlers.services):
            await self._health.set(name, state)

    async def _watch_readiness(self) -> None:
        while True:
            await asyncio.sleep(READINESS_SECONDS)
            try:
                await self.check_readiness()
            except Exception:
                logger.exception("the readiness checks failed")


async def _fault(check: Readiness) -> str | None:
    try:
        async with asyncio.timeout(_READINESS_TIMEOUT_SECONDS):
            await check()
    except Exception as error:
        return str(error) or type(error).__name__
    return None


def server_options(max_message_bytes: int) -> list[tuple[str, int]]:
    """Return the gRPC channel arguments of every server.

    Args:
        max_message_bytes: The largest message in either direction.
    """
    return [
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.so_reuseport", 1),
        # A silent peer is pinged after 30 s; clients may ping every 5 s, also between calls.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        # Of an overloaded machine pings arrive in bunches; hanging up would break its streams for nothing.
        ("grpc.http2.max_ping_strikes", 20),
    ]
