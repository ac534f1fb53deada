"""The client of the Headrace API, for synchronous and asynchronous code.

client = get_client()
client.flow_runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=...))

async with connect_async() as client:
    await client.flow_runs.GetFlowRun(...)
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
from collections.abc import AsyncIterator

from headrace.client.core import AsyncClient, Client, open_async
from headrace.client.discovery import NotAServer, System, discover
from headrace.client.loop import shared_loop
from headrace.client.resolve import resolve_system
from headrace.client.versions import VersionSkew
from headrace.settings import Settings, get_settings

__all__ = [
    "AsyncClient",
    "Client",
    "NotAServer",
    "System",
    "VersionSkew",
    "close_clients",
    "connect_async",
    "discover",
    "get_client",
]

_clients: dict[tuple[object, ...], Client] = {}
_lock = threading.Lock()


def get_client(settings: Settings | None = None, *, system: System | None = None, may_start: bool = False) -> Client:
    """Return the process's client for the server that the settings name, connected at the first call.

    Args:
        settings: By default those of the process.
        system: The server, where it is known already; it is not looked for then.
        may_start: Whether a server may be started for this process if there is none.

    Raises:
        headrace.errors.HeadraceError: There is no such server; the message says what to do.
    """
    settings = settings or get_settings()
    target = system.grpc_target if system is not None else settings.grpc_address
    key = (settings.api_url, settings.api_key, settings.workspace_id, target)
    with _lock:
        client = _clients.get(key)
        if client is None:
            found = system or resolve_system(settings, may_start=may_start)
            client = _clients[key] = Client(found, settings, shared_loop())
            if len(_clients) == 1:
                atexit.register(close_clients)
        return client


def close_clients() -> None:
    """Close every client of the process; the next `get_client` connects anew."""
    with _lock:
        clients = list(_clients.values())
        _clients.clear()
    for client in clients:
        with contextlib.suppress(RuntimeError):
            client.close()
    atexit.unregister(close_clients)


@contextlib.asynccontextmanager
async def connect_async(settings: Settings | None = None) -> AsyncIterator[AsyncClient]:
    """Connect on the running event loop, for programs that are asynchronous throughout.

    Args:
        settings: By default those of the process.

    Raises:
        headrace.errors.HeadraceError: There is no such server; the message says what to do.
    """
    settings = settings or get_settings()
    system = await asyncio.to_thread(resolve_system, settings)
    async with open_async(system, settings) as client:
        yield client


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _clients.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
