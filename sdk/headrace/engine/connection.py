"""Which backend a flow runs with: the process's connection to its server, unless a test put another in its place."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import os
import threading
from collections.abc import Iterator

from headrace import errors, tracing
from headrace.client import get_client
from headrace.client.discovery import System
from headrace.engine.backend import Backend
from headrace.engine.server_backend import ServerBackend
from headrace.logging import configure_logging
from headrace.settings import Settings, get_settings

EXIT_SECONDS = 5.0
"""How long transitions, and then log records, are waited for when the process ends."""

_override: contextvars.ContextVar[Backend | None] = contextvars.ContextVar("headrace_backend", default=None)
_backends: dict[int, ServerBackend] = {}
_lock = threading.Lock()


def get_backend(settings: Settings | None = None) -> Backend:
    """Return the backend of the caller, connected at the first call.

    Without configuration that is the local server, or one that is started for this process.

    Raises:
        errors.HeadraceError: There is no server; the message says what to do.
    """
    overridden = _override.get()
    if overridden is not None:
        return overridden
    settings = settings or get_settings()
    configure_logging(settings)
    return _connected(settings, None)


def connect_backend(settings: Settings, system: System) -> Backend:
    """Return the backend for a server that is known already."""
    return _connected(settings, system)


@contextlib.contextmanager
def use_backend(backend: Backend) -> Iterator[Backend]:
    """Let flows run with `backend` within the block."""
    token = _override.set(backend)
    try:
        yield backend
    finally:
        _override.reset(token)


def close_backends() -> None:
    """Send what is left and close all connections of the process's flows."""
    tracing.flush()
    with _lock:
        backends = list(_backends.values())
        _backends.clear()
    for backend in backends:
        # Flow runs have been flushed at their end; tasks outside of flows have not.
        with contextlib.suppress(errors.HeadraceError, RuntimeError, TimeoutError):
            backend.flush_within(EXIT_SECONDS).result(EXIT_SECONDS + 1)
        with contextlib.suppress(errors.HeadraceError, RuntimeError, TimeoutError):
            missing = backend.flush_logs(EXIT_SECONDS).result(EXIT_SECONDS + 1)
            if missing:
                # Logging itself is what has failed, so this goes past it.
                os.write(2, f"headrace: the server did not confirm {missing} log records before the end\n".encode())
        with contextlib.suppress(RuntimeError):
            backend.close()


def _connected(settings: Settings, system: System | None) -> Backend:
    client = get_client(settings, system=system, may_start=True)
    with _lock:
        backend = _backends.get(id(client))
        if backend is None:
            if not _backends:
                # Registered after the client's own, so that it comes first.
                atexit.register(close_backends)
            backend = _backends[id(client)] = ServerBackend(client, settings)
        return backend


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _backends.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
