"""A whole server in this process: every service and the gateway, on free ports, with a database of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio
import httpx

from headrace.rpc.channel import open_aio_channel
from headrace_chassis.settings import ServerSettings
from headrace_gateway.backends import SERVICE_OF
from headrace_server.composition import Composition, load
from headrace_server.parts import ALL_PARTS, GATEWAY

Stub = TypeVar("Stub")

LOOPBACK = "127.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True)
class Stack:
    """A server that is up, as its clients see it."""

    http_url: str
    """Base of the HTTP API."""
    http: httpx.AsyncClient
    """Calls it; paths are relative to the base."""
    channels: Mapping[str, grpc.aio.Channel]
    """To each service by name; the same one where all of them are in one process."""

    def stub(self, stub_class: Callable[[grpc.aio.Channel], Stub]) -> Any:
        """Return a gRPC stub on the channel of the service that serves it."""
        service = SERVICE_OF.get(stub_class.__name__.removesuffix("Stub"), "state")
        return stub_class(self.channels["state" if service == "system" else service])


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """How clients prove who they are, and whom they believe."""

    authority: bytes
    """Certificate of the authority that signed the server's, PEM."""
    key: str
    """API key."""

    def grpc(self) -> grpc.ChannelCredentials:
        """Return them as gRPC takes them."""
        proven = grpc.access_token_call_credentials(self.key)
        return grpc.composite_channel_credentials(grpc.ssl_channel_credentials(self.authority), proven)

    def http(self) -> dict[str, Any]:
        """Return them as arguments of an HTTP client."""
        context = ssl.create_default_context(cadata=self.authority.decode())
        return {"verify": context, "headers": {"authorization": f"Bearer {self.key}"}}


@contextlib.asynccontextmanager
async def connected(
    http_url: str, targets: Mapping[str, str], credentials: Credentials | None = None
) -> AsyncIterator[Stack]:
    """Lend clients of a running server.

    Args:
        http_url: Base of its HTTP API.
        targets: gRPC targets by service.
        credentials: For a server with TLS and sign-in.
    """
    shown = credentials.grpc() if credentials is not None else None
    options = credentials.http() if credentials is not None else {}
    async with contextlib.AsyncExitStack() as stack:
        opened = {target: open_aio_channel(target, credentials=shown) for target in set(targets.values())}
        for channel in opened.values():
            stack.push_async_callback(channel.close, None)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=http_url, timeout=30, **options))
        yield Stack(http_url, http, {name: opened[target] for name, target in targets.items()})


@contextlib.asynccontextmanager
async def running_stack(
    database_url: str, *, parts: Sequence[str] = ALL_PARTS, **settings: Any
) -> AsyncIterator[Stack]:
    """Lend a server in this process.

    Args:
        database_url: A migrated database.
        parts: What to run.
        settings: Values of `ServerSettings` where the defaults do not do; the ports are always free ones.
    """
    load(parts)
    chosen = {"drain_seconds": 1.0, "internal_token": uuid.uuid4().hex, **settings}
    composition = Composition(parts, ServerSettings.load(host=LOOPBACK, port=0, grpc_port=0, **chosen), database_url)
    await composition.start()
    try:
        target = f"{LOOPBACK}:{composition.grpc_port}"
        targets = {name: target for name in parts if name != GATEWAY}
        async with connected(f"http://{LOOPBACK}:{composition.http_port}", targets) as stack:
            yield stack
    finally:
        await composition.stop()
