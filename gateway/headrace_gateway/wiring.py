"""Puts the gateway together; the one place that knows all its parts."""

from __future__ import annotations

import dataclasses
import importlib.resources
import socket
from collections.abc import Callable, Mapping, Sequence

import grpc.aio

from headrace_chassis.forwarding import TrustedProxies
from headrace_chassis.settings import ServerSettings
from headrace_chassis.tls import ServerTls
from headrace_gateway.acknowledge import AcknowledgePage
from headrace_gateway.api import Api
from headrace_gateway.application import Application
from headrace_gateway.backends import Backends
from headrace_gateway.contract import load_contract
from headrace_gateway.files import Files
from headrace_gateway.fronting import Front
from headrace_gateway.hooks import Hooks
from headrace_gateway.http import App, Scope
from headrace_gateway.metadata import metadata_of
from headrace_gateway.operations import Operations
from headrace_gateway.scim import application as scim
from headrace_gateway.security import Walls
from headrace_gateway.server import HttpServer, bind
from headrace_gateway.sessions import Sessions


@dataclasses.dataclass(frozen=True, slots=True)
class GatewayContext:
    """What the gateway is built from."""

    settings: ServerSettings
    channel: Callable[[str], grpc.aio.Channel]
    """Returns the channel to a service by name, and to `SystemService` as "system". It must not add the
    internal token: all calls are made for outsiders, with what they said about themselves."""
    operations: Operations
    """Answers those who run the server."""
    internal_token: str | None = None
    """What services know each other by; requests themselves never carry it."""
    mounts: Mapping[str, App] = dataclasses.field(default_factory=dict)
    """What else answers behind the same walls, by the beginning of its paths."""


class Gateway:
    """The HTTP side of a server: `start`, then `stop`."""

    def __init__(self, settings: ServerSettings, server: HttpServer) -> None:
        self._settings = settings
        self._server = server

    @property
    def port(self) -> int:
        """The HTTP port, once started."""
        return self._server.port

    async def start(self, listeners: Sequence[socket.socket] | None = None) -> int:
        """Serve HTTP.

        Args:
            listeners: Bound sockets; by default one is bound to the host and port of the settings.

        Returns:
            The port.

        Raises:
            OSError: The address cannot be had.
        """
        if not listeners:
            listeners = [bind(self._settings.host, self._settings.port, shared=self._settings.processes > 1)]
        await self._server.start(listeners)
        return self.port

    async def stop(self, drain_seconds: float | None = None) -> None:
        """Stop to accept, end streams, and let requests in progress go on for a while."""
        await self._server.stop(self._settings.drain_seconds if drain_seconds is None else drain_seconds)


async def build(context: GatewayContext) -> Gateway:
    """Return the gateway of a server process; it opens no socket yet."""
    settings = context.settings
    contract = load_contract()
    backends = Backends(context.channel, contract.methods, deadline_seconds=settings.default_deadline_seconds)
    api = Api(
        contract,
        backends,
        max_body_bytes=settings.max_message_bytes,
        internal_token=context.internal_token,
        sessions=Sessions(is_secure=settings.public_url.startswith("https:")),
    )
    [me] = (method for method in contract.methods if method.name == "GetCaller")

    async def know(scope: Scope) -> None:
        await backends.call(me, me.request_class(), metadata_of(scope, None, context.internal_token))

    walls = Walls(settings.host, settings.allowed_hosts, settings.allowed_origins)
    ui = Files.load(importlib.resources.files("headrace_gateway").joinpath("static"))
    tls = ServerTls.of_settings(settings)
    application = Application(
        contract,
        api,
        Hooks(contract, backends),
        AcknowledgePage(contract, backends),
        walls,
        context.operations,
        ui,
        {**context.mounts, scim.PREFIX: scim.Scim(contract, backends, context.internal_token)},
        Front(TrustedProxies(settings.trusted_proxies), is_secure=settings.public_url.startswith("https:")),
        know if settings.auth == "on" else None,
    )
    return Gateway(settings, HttpServer(application, tls.http_context() if tls is not None else None))
