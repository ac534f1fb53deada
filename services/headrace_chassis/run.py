"""The main of a process: settings, logging, serve until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from headrace import errors
from headrace_chassis import telemetry
from headrace_chassis.host import ServiceHost
from headrace_chassis.settings import ServerSettings

if TYPE_CHECKING:
    from headrace_chassis.service import Build

if sys.platform == "win32":
    from asyncio import new_event_loop as new_event_loop
else:
    # A call costs a fifth less on it; there is none for Windows.
    from uvloop import new_event_loop as new_event_loop

logger = logging.getLogger(__name__)

EXIT_FAILED = 1
EXIT_WRONG_SETTINGS = 2


def run_service(name: str, build: Build) -> int:
    """Run one service alone until SIGTERM or SIGINT, then drain.

    Returns:
        The exit code: 0 after a signal, 1 if it could not start or a part died, 2 for wrong settings.
    """
    try:
        settings = ServerSettings.load()
        if settings.database_url is None:
            raise errors.InvalidArgument.of_field(
                "HEADRACE_DATABASE_URL", "is needed to run a service alone, for example postgresql://user@host/headrace"
            )
    except errors.InvalidArgument as error:
        sys.stderr.write(f"headrace {name}: {error}\n")
        return EXIT_WRONG_SETTINGS
    telemetry.configure_logging(settings.log_level)
    url = settings.database_url.get_secret_value()
    try:
        telemetry.configure_tracing(name)
        _refuse_taken(settings.host, settings.grpc_port_or_default)
        return run_async(serve(ServiceHost(settings, {name: build}, url)))
    except (errors.HeadraceError, OSError) as error:
        logger.error("cannot start %s: %s", name, error)
        return EXIT_FAILED


async def serve(host: ServiceHost) -> int:
    """Start `host`, wait for SIGTERM, SIGINT or the death of a part, and stop it.

    Returns:
        The exit code of the process.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with host:
        waits = [asyncio.create_task(event.wait()) for event in (stop, host.failed)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await wait
    return EXIT_FAILED if host.failed.is_set() else 0


def _refuse_taken(host: str, port: int) -> None:
    # The server listens with SO_REUSEPORT and would silently share the port with another that does so, too.
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def run_async(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` on the event loop that servers use: uvloop where there is one for the platform."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
