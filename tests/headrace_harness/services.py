"""One service in this process, with real Postgres and real gRPC, its neighbours played by servicers."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING

import grpc.aio

from headrace.rpc.channel import open_aio_channel
from headrace_chassis.clock import Clock
from headrace_chassis.host import ServiceHost
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.resolving import CallerResolver, LocalCallerResolver
from headrace_chassis.server import ServiceServer
from headrace_chassis.settings import ServerSettings

if TYPE_CHECKING:
    from headrace_chassis.service import Build


@dataclasses.dataclass(frozen=True, slots=True)
class RunningService:
    """A service that is up."""

    channel: grpc.aio.Channel
    """To its public address, as a client has it."""
    internal_channel: grpc.aio.Channel
    """As a neighbour has it: calls carry the internal token."""
    host: ServiceHost
    address: str


@contextlib.asynccontextmanager
async def running_service(
    name: str,
    build: Build,
    database_url: str,
    *,
    neighbours: Mapping[str, Sequence[object]] | None = None,
    settings: ServerSettings | None = None,
    resolver: CallerResolver | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[RunningService]:
    """Lend a running service on a free port of loopback.

    Args:
        name: The service, `state`.
        build: Its `build` function.
        database_url: A migrated database.
        neighbours: Servicers that play the other services, by name.
        settings: Where the defaults do not do; the ports are always free ones.
        resolver: Who callers are; by default everyone is `local`.
        clock: Time for the service.
    """
    async with contextlib.AsyncExitStack() as stack:
        token = uuid.uuid4().hex
        addresses = {
            neighbour: await stack.enter_async_context(played_service(servicers, token))
            for neighbour, servicers in (neighbours or {}).items()
        }
        chosen = (settings or ServerSettings()).model_dump() | {
            "host": "127.0.0.1",
            "port": 0,
            "grpc_port": 0,
            "drain_seconds": 1.0,
            "internal_token": token,
            "addresses": addresses,
        }
        host = ServiceHost(
            ServerSettings.model_validate(chosen), {name: build}, database_url, resolver=resolver, clock=clock
        )
        await stack.enter_async_context(host)
        address = f"127.0.0.1:{host.grpc_port}"
        channel = open_aio_channel(address)
        stack.push_async_callback(channel.close, None)
        inside = Neighbours({name: address}, token)
        stack.push_async_callback(inside.close)
        yield RunningService(channel, inside.channel(name), host, address)


@contextlib.asynccontextmanager
async def played_service(servicers: Sequence[object], internal_token: str) -> AsyncIterator[str]:
    """Serve `servicers` with the guards of a real server, and lend the gRPC target."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        server = ServiceServer(resolver=LocalCallerResolver(), internal_token=internal_token)
        for servicer in servicers:
            server.add_servicer(servicer)
        target = f"unix:{folder}/service.sock"
        server.listen(target)
        await server.start()
        try:
            yield target
        finally:
            await server.stop(0)
