"""Which parts a process holds, and how they come together in it."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import grpc.aio

from headrace import errors
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import SERVICE_NAMES, ServerSettings
from headrace_gateway.wiring import Gateway, GatewayContext
from headrace_gateway.wiring import build as build_gateway
from headrace_server.backends import GatewayChannels

if TYPE_CHECKING:
    from headrace_chassis.service import Build

GATEWAY = "gateway"
PARTS: tuple[str, ...] = (*SERVICE_NAMES, GATEWAY)
"""Everything that a server consists of, by name."""


class Parts:
    """Some or all parts of a server in this process. `start`, then `stop`.

    Args:
        names: Which; of `PARTS`.
        settings: Where to listen and how large things may be.
        database_url: The one Postgres; the gateway alone needs none.
    """

    def __init__(self, names: Sequence[str], settings: ServerSettings, database_url: str | None) -> None:
        self._settings = settings
        self._with_gateway = GATEWAY in names
        services = [name for name in SERVICE_NAMES if name in names]
        self.host: ServiceHost | None = None
        if services:
            if database_url is None:
                raise ValueError("services need a database")
            self.host = ServiceHost(settings, {name: _builder(name) for name in services}, database_url)
        self._channels: GatewayChannels | None = None
        self._gateway: Gateway | None = None

    @property
    def http_port(self) -> int:
        """The HTTP port, 0 without a gateway."""
        return self._gateway.port if self._gateway is not None else 0

    @property
    def grpc_port(self) -> int:
        """The gRPC port, 0 for a gateway alone."""
        return self.host.grpc_port if self.host is not None else 0

    async def start(self) -> None:
        """Start all parts, services first.

        Raises:
            errors.HeadraceError: Something that is needed is not there.
            OSError: An address is taken.
        """
        try:
            if self.host is not None:
                await self.host.start()
            if self._with_gateway:
                self._channels = GatewayChannels(self._settings, self.host)
                self._gateway = await build_gateway(
                    GatewayContext(self._settings, self._channels.channel, self._faults)
                )
                await self._gateway.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Drain and stop, the gateway first, so that its requests find their services."""
        if self._gateway is not None:
            await self._gateway.stop(self._settings.drain_seconds)
            self._gateway = None
        if self._channels is not None:
            await self._channels.close()
            self._channels = None
        if self.host is not None:
            await self.host.stop()

    async def _faults(self) -> list[str]: ...


def _builder(name: str) -> Build:
    # Loaded by name, so that a process with one service has only that one in memory.
    return cast("Build", importlib.import_module(f"headrace_{name}.wiring").build)
