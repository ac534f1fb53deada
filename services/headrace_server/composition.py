"""Which parts a process holds, and how they come together in it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import grpc.aio

from headrace import errors
from headrace_chassis.exposition import Exposition
from headrace_chassis.host import ServiceHost
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.settings import SERVICE_NAMES, ServerSettings
from headrace_chassis.tls import neighbour_credentials
from headrace_gateway.http import App
from headrace_gateway.operations import Operations
from headrace_gateway.server import HttpServer, bind
from headrace_gateway.wiring import Gateway, GatewayContext
from headrace_gateway.wiring import build as build_gateway
from headrace_prefect import application as prefect_application
from headrace_prefect import pages as prefect_pages
from headrace_prefect.wiring import build as build_prefect
from headrace_server.parts import ALL_PARTS, GATEWAY

if TYPE_CHECKING:
    from headrace_chassis.service import Build

_SYSTEM = "system"


class Composition:
    """Some or all parts of a server in this process. `start`, then `stop`.

    Args:
        names: Which; of `ALL_PARTS`.
        settings: Where to listen and how large things may be.
        database_url: The one Postgres; the gateway alone needs none.

    Raises:
        errors.InvalidArgument: There is no such part, or a service has no database.
    """

    def __init__(self, names: Sequence[str], settings: ServerSettings, database_url: str | None) -> None:
        unknown = sorted(set(names) - set(ALL_PARTS)) or ([] if names else ["of no name"])
        if unknown:
            raise errors.InvalidArgument(f"there is no service {', '.join(unknown)}; there are {', '.join(ALL_PARTS)}")
        self._settings = settings
        self._has_gateway = GATEWAY in names
        self._host: ServiceHost | None = None
        services = [name for name in SERVICE_NAMES if name in names]
        if services and not database_url:
            raise errors.InvalidArgument.of_field("HEADRACE_DATABASE_URL", "is needed to run a service")
        if services and database_url:
            self._host = ServiceHost(settings, {name: _builder(name) for name in services}, database_url)
        self._outside: Neighbours | None = None
        self._exposition = Exposition(settings.process_directory, settings.process_number)
        self._operations = Operations(self.faults, self._exposition)
        self._metrics: HttpServer | None = None
        self._gateway: Gateway | None = None
        self.failed = self._host.failed if self._host is not None else asyncio.Event()
        """Set if a part has died that should not; the process had better end."""

    @property
    def http_port(self) -> int:
        """The HTTP port, 0 without a gateway."""
        return self._gateway.port if self._gateway is not None else 0

    @property
    def grpc_port(self) -> int:
        """The gRPC port, 0 for a gateway alone."""
        return self._host.grpc_port if self._host is not None else 0

    @property
    def metrics_port(self) -> int:
        """The port with metrics alone, 0 without one."""
        return self._metrics.port if self._metrics is not None else 0

    async def start(self) -> None:
        """Start all parts, services first.

        Raises:
            errors.HeadraceError: Something that is needed is not there.
            OSError: An address is taken.
        """
        try:
            if self._host is not None:
                await self._host.start()
            await self._exposition.start()
            if self._settings.metrics_port is not None:
                self._metrics = HttpServer(self._operations)
                await self._metrics.start([bind(self._settings.host, self._settings.metrics_port, shared=True)])
            if self._has_gateway:
                await self._start_gateway()
        except BaseException:
            await self.stop()
            raise

    async def _start_gateway(self) -> None:
        if self._host is not None:
            self._outside = self._host.outside()
        else:
            self._outside = Neighbours(
                self._settings.targets,
                None,
                credentials=neighbour_credentials(self._settings),
                max_message_bytes=self._settings.max_message_bytes,
            )
        given = self._settings.internal_token
        token = self._host.internal_token if self._host is not None else given.get_secret_value() if given else None
        mounts: dict[str, App] = {}
        if self._settings.prefect_api:
            mounts[prefect_application.PREFIX] = build_prefect(self._settings, self._channel, self.faults, token)
            mounts.update(dict.fromkeys(prefect_pages.PREFIXES, prefect_pages.redirect))
        context = GatewayContext(self._settings, self._channel, self._operations, token, mounts)
        self._gateway = await build_gateway(context)
        # Whoever starts a server has made sure that nobody else listens there.
        await self._gateway.start([bind(self._settings.host, self._settings.port, shared=True)])

    async def stop(self) -> None:
        """Drain and stop, the gateway first, so that its requests find their services; safe to call more than once."""
        if self._gateway is not None:
            await self._gateway.stop(self._settings.drain_seconds)
            self._gateway = None
        if self._outside is not None:
            await self._outside.close()
            self._outside = None
        if self._host is not None:
            await self._host.stop()
        if self._metrics is not None:
            await self._metrics.stop(self._settings.drain_seconds)
            self._metrics = None
        await self._exposition.stop()

    async def faults(self) -> list[str]:
        """Return what is not ready, in sentences; empty if everything is."""
        if self._host is not None:
            return await self._host.faults()
        if self._outside is None:
            return ["the server has not started"]
        try:
            await self._outside.check()
        except errors.HeadraceError as error:
            return [error.message]
        return []

    def _channel(self, name: str) -> grpc.aio.Channel:
        if self._outside is None:
            raise errors.Unavailable("the server is stopping")
        # Every process tells about the installation; in a process of services, the first of them is as good as any.
        return self._outside.channel(SERVICE_NAMES[0] if name == _SYSTEM else name)


def load(names: Sequence[str]) -> None:
    """Load the code of parts, so that starting them later takes less."""
    for name in names:
        if name in SERVICE_NAMES:
            _builder(name)


def _builder(name: str) -> Build:
    # Loaded by name, so that a process with one service has only that one in memory.
    return cast("Build", importlib.import_module(f"headrace_{name}.wiring").build)
