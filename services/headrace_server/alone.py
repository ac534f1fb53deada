"""Named parts of a server in one process, without a supervisor: `python -m headrace_server.alone <options>`.

This is the distributed topology: whatever starts the containers looks after the processes, and the database is
one that somebody else runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence

import pydantic

from headrace import errors
from headrace_chassis.run import new_event_loop
from headrace_chassis.settings import SERVICE_NAMES, ServerSettings
from headrace_chassis.telemetry import configure_tracing
from headrace_server.composition import Composition, load
from headrace_server.database import ensure_current
from headrace_server.entry import run, tell
from headrace_server.first_admin import setup_hint, setup_token
from headrace_server.home import Home
from headrace_server.options import Options
from headrace_server.parts import GATEWAY
from headrace_server.ports import ReservedPort
from headrace_server.supervisor import Tell, refuse_open_host

logger = logging.getLogger(__name__)


async def run_alone(home: Home, settings: ServerSettings, parts: Sequence[str], *, tell: Tell) -> None:
    """Run `parts` until SIGTERM or SIGINT, then drain.

    Args:
        home: Where the secrets are that the settings do not have.
        settings: Where to listen, and where the database and the other services are.
        parts: What to run.
        tell: Shows progress.

    Raises:
        errors.HeadraceError: It cannot start, or a part has died; the message says why.
    """
    refuse_open_host(settings)
    services = [name for name in parts if name in SERVICE_NAMES]
    url = settings.database_url.get_secret_value() if settings.database_url is not None else None
    if services and url is None:
        raise errors.InvalidArgument.of_field(
            "HEADRACE_DATABASE_URL", "is needed to run single services, for example postgresql://user@host/headrace"
        )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with contextlib.ExitStack() as ports:
        settings = _with_ports(settings, parts, ports)
        settings = _with_secrets(home, settings)
        load(services)
        configure_tracing(parts[0] if len(parts) == 1 else "server")
        work = asyncio.create_task(_serve(parts, settings, url, tell))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stopped):
            task.cancel()
        await asyncio.wait((work, stopped))
        if not work.cancelled():
            work.result()
    tell(f"{' and '.join(parts)} stopped.")


async def _serve(parts: Sequence[str], settings: ServerSettings, url: str | None, tell: Tell) -> None:
    if url is not None:
        wait, allow_newer = settings.database_wait_seconds, settings.allow_newer_database
        if await ensure_current(url, wait_seconds=wait, allow_newer=allow_newer):
            logger.info("migrated the database")
    composition = Composition(parts, settings, url)
    try:
        await composition.start()
        places = [f"gRPC on port {composition.grpc_port}"] if composition.grpc_port else []
        places += [f"HTTP on port {composition.http_port}"] if composition.http_port else []
        places += [f"metrics on port {composition.metrics_port}"] if composition.metrics_port else []
        tell(f"{' and '.join(parts)}: {', '.join(places)}.")
        asks = settings.auth == "on" and "identity" in parts and url is not None
        if asks and (token := await setup_token(str(url))) is not None:
            tell(setup_hint("https://<this server>", token))
        await composition.failed.wait()
        raise errors.Internal("a part of the process has died; its log says why")
    finally:
        await composition.stop()


def _with_ports(settings: ServerSettings, parts: Sequence[str], ports: contextlib.ExitStack) -> ServerSettings:
    """Return the settings with ports that are ours until `ports` is closed."""
    changes = {}
    if GATEWAY in parts:
        http = ReservedPort(settings.host, settings.port, purpose="HTTP", option="--port")
        ports.callback(http.close)
        changes["port"] = http.number
    if any(name in SERVICE_NAMES for name in parts):
        grpc = ReservedPort(settings.host, settings.grpc_port_or_default, purpose="gRPC", option="--grpc-port")
        ports.callback(grpc.close)
        changes["grpc_port"] = grpc.number
    return settings.model_copy(update=changes)


def _with_secrets(home: Home, settings: ServerSettings) -> ServerSettings:
    """Return the settings with the secrets of the home, where they have none."""
    changes = {}
    if settings.internal_token is None:
        home.ensure()
        changes["internal_token"] = pydantic.SecretStr(home.internal_token())
    if settings.encryption_key is None:
        home.ensure()
        changes["encryption_key"] = pydantic.SecretStr(home.encryption_key())
    if changes:
        logger.info(
            "the secrets are those of %s; services elsewhere need the same, as HEADRACE_SERVER_%s",
            home.root,
            " and HEADRACE_SERVER_".join(name.upper() for name in changes),
        )
    return settings.model_copy(update=changes)


async def serve_alone(chosen: Options, settings: ServerSettings) -> None:
    """Run parts of a server until the process is told to stop."""
    await run_alone(Home.of_environment(), settings, chosen.parts, tell=tell)


if __name__ == "__main__":
    sys.exit(run(serve_alone, new_event_loop))
