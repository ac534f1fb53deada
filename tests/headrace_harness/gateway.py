"""A gateway on a free port, in front of a real gRPC server whose servicers are played."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import grpc.aio
import httpx

from headrace.rpc.channel import open_aio_channel
from headrace_chassis.exposition import Exposition
from headrace_chassis.resolving import LocalCallerResolver
from headrace_chassis.server import ServiceServer
from headrace_chassis.settings import ServerSettings
from headrace_gateway.http import App
from headrace_gateway.operations import Operations
from headrace_gateway.wiring import Gateway, GatewayContext, build

Arguments = ParamSpec("Arguments")
Servicer = TypeVar("Servicer")
Mounted = Callable[[ServerSettings, Callable[[str], grpc.aio.Channel], Callable[[], Awaitable[list[str]]]], App]
"""Builds what answers below a path: of settings, channels to services, and what is not ready."""


def play(make: Callable[Arguments, Servicer], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Servicer:
    """Return a servicer that need not have all methods of its service: the others answer UNIMPLEMENTED."""
    return make(*args, **kwargs)


@dataclasses.dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that is up, and what stands behind it."""

    gateway: Gateway
    http: httpx.AsyncClient
    """Speaks to it."""
    server: ServiceServer
    grpc_port: int
    """Of the services behind it."""
    faults: list[str]
    """What its readiness names as missing; tests add to it."""


@contextlib.asynccontextmanager
async def running_gateway(
    servicers: Sequence[object], *, mounts: Mapping[str, Mounted] | None = None, **settings: Any
) -> AsyncIterator[RunningGateway]:
    """Lend a running gateway in front of played services.

    Args:
        servicers: Play all services.
        mounts: What else answers, by the beginning of its paths.
        settings: Fields of `ServerSettings` for which the defaults do not do.
    """
    server = ServiceServer(resolver=LocalCallerResolver(), internal_token="the internal token")
    for servicer in servicers:
        server.add_servicer(servicer)
    faults: list[str] = []

    async def readiness() -> list[str]:
        return faults

    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        address = f"unix:{folder}/services.sock"
        server.listen(address)
        grpc_port = server.listen("127.0.0.1:0")
        await server.start()
        async with open_aio_channel(address, retry_attempts=1) as channel:

            def channel_to(name: str) -> grpc.aio.Channel:
                return channel

            chosen = ServerSettings(**{"host": "127.0.0.1", "port": 0, "drain_seconds": 2.0, **settings})
            mounted = {prefix: make(chosen, channel_to, readiness) for prefix, make in (mounts or {}).items()}
            operations = Operations(readiness, Exposition(None, 1))
            gateway = await build(GatewayContext(chosen, channel_to, operations, mounts=mounted))
            port = await gateway.start()
            try:
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False
                ) as client:
                    yield RunningGateway(gateway, client, server, grpc_port, faults)
            finally:
                await gateway.stop()
                await server.stop(0.5)
