"""Runs a server on this machine: its database, its processes, and what holds them together.

Order of a start: processes load their code while home, host and ports are looked at and the database starts; they
serve once it is migrated. What dies is started again. At the end processes
drain first, and Postgres stops last.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib
import importlib.metadata
import logging
import os
import pathlib
import signal
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from headrace import errors
from headrace_chassis.postgres_address import address
from headrace_chassis.resolving import is_loopback
from headrace_chassis.settings import ServerSettings
from headrace_migrations import fresh
from headrace_migrations.inspection import revisions
from headrace_server.children import Child, ServerProcess
from headrace_server.client_hint import client_hint
from headrace_server.database import Migration, ensure_current
from headrace_server.home import Home, State, Status
from headrace_server.log_file import keep_short
from headrace_server.options import DatabaseKind
from headrace_server.order import Order
from headrace_server.ports import ReservedPort
from headrace_server.postgres.keeper import PostgresKeeper

logger = logging.getLogger(__name__)

_LET_GO_SECONDS = 5.0

Tell = Callable[[str], None]
"""Shows a line to whoever has started the server."""


class Supervisor:
    """A server on this machine. `run` returns when it has stopped.

    Args:
        home: Its files.
        settings: Where to listen and how large things may be; for the database kind "url", `database_url` is set.
        database: Which Postgres.
        parts: What each process holds.
        tell: Shows progress.
        log_file: Where the output goes, for the status; None for a terminal.
        first: A server process with these parts that was spawned ahead; the supervisor does not start it anew.
    """

    def __init__(
        self,
        home: Home,
        settings: ServerSettings,
        database: DatabaseKind,
        parts: Sequence[str],
        *,
        tell: Tell,
        log_file: str | None = None,
        first: ServerProcess | None = None,
    ) -> None:
        self._home = home
        self._settings = settings
        self._database = database
        self._parts = tuple(parts)
        self._tell = tell
        self._log_file = log_file
        self._first = first
        self._started_at = datetime.datetime.now(datetime.UTC)
        self._stop = asyncio.Event()
        self._postgres: PostgresKeeper | None = None
        self._children: list[Child] = []
        self._meeting_point: str | None = None

    async def run(self) -> None:
        """Start, serve until SIGTERM or SIGINT, and stop.

        Raises:
            errors.HeadraceError: It cannot start; the message says why and what to do.
        """
        refuse_open_host(self._settings)
        # Found wrong here, it is told at once and not by each process.
        if self._settings.is_tls:
            _load("headrace_chassis.tls").ServerTls.of_settings(self._settings)
        self._home.ensure()
        with self._home.lock(), contextlib.ExitStack() as ports:
            http_port, grpc_port = await self._reserve(ports)
            if self._settings.processes > 1:
                # Not in the home, whose path may be too long for the name of a socket.
                self._meeting_point = ports.enter_context(tempfile.TemporaryDirectory(prefix="headrace-"))
            with self._signals():
                self._write_status("starting", http_port, grpc_port)
                try:
                    await self._unless_stopped(self._serve(http_port, grpc_port))
                finally:
                    # A disk that is full must not keep it from stopping in good order.
                    with contextlib.suppress(errors.FailedPrecondition):
                        self._write_status("stopping", http_port, grpc_port)
                    await self._end()
        self._tell("Headrace has stopped.")

    async def _reserve(self, ports: contextlib.ExitStack) -> tuple[int, int]:
        # The processes of a supervisor that was killed notice it at once, but need a moment to let go of the ports.
        patience = _LET_GO_SECONDS if self._home.read_status() is not None else 0.0
        settings, loop = self._settings, asyncio.get_running_loop()
        deadline = loop.time() + patience
        while True:
            try:
                http = ReservedPort(settings.host, settings.port, purpose="HTTP", option="--port")
                ports.callback(http.close)
                grpc = ReservedPort(settings.host, settings.grpc_port_or_default, purpose="gRPC", option="--grpc-port")
                ports.callback(grpc.close)
                return http.number, grpc.number
            except errors.FailedPrecondition:
                ports.close()
                if loop.time() >= deadline:
                    raise
            await asyncio.sleep(_LET_GO_SECONDS / 20)

    async def _serve(self, http_port: int, grpc_port: int) -> None:
        for number in range(1, self._settings.processes + 1):
            ahead = self._first if number == 1 else None
            child = Child(number, self._parts, drain_seconds=self._settings.drain_seconds, process=ahead)
            self._children.append(child)
            if ahead is None:
                await child.spawn()
        url = await self._prepare_database()
        order = Order(url, self._overrides(http_port, grpc_port))
        await asyncio.gather(*(child.begin(order) for child in self._children))
        self._write_status("ready", http_port, grpc_port)
        self._tell(self._welcome(http_port, grpc_port))
        if self._settings.auth == "on":
            first_admin = _load("headrace_server.first_admin")
            if (token := await first_admin.setup_token(url)) is not None:
                base_url = f"{self._scheme}://{url_host(self._settings.host)}:{http_port}"
                self._tell(first_admin.setup_hint(base_url, token))
        async with asyncio.TaskGroup() as group:
            for child in self._children:
                group.create_task(child.keep(order))
            if self._postgres is not None:
                group.create_task(self._postgres.keep())
            if self._log_file is not None:
                group.create_task(keep_short(pathlib.Path(self._log_file)))

    async def _prepare_database(self) -> str:
        is_new = self._database == "memory" or (self._database == "embedded" and not self._home.has_data())
        self._tell("Making a new database, which takes some seconds ..." if is_new else "Starting ...")
        # Only where the schema of a new database has fallen behind the migrations.
        migration = await Migration.spawn() if is_new and fresh.revision() != revisions()[-1] else None
        try:
            url = await self._start_database()
            wait, allow_newer = self._settings.database_wait_seconds, self._settings.allow_newer_database
            if await ensure_current(url, wait_seconds=wait, migration=migration, allow_newer=allow_newer):
                logger.info("migrated the database")
        finally:
            if migration is not None:
                await migration.discard()
        return url

    async def _start_database(self) -> str:
        if self._database == "url":
            if self._settings.database_url is None:
                raise errors.InvalidArgument.of_field("HEADRACE_DATABASE_URL", "is not set")
            return self._settings.database_url.get_secret_value()
        if self._database == "memory":
            self._postgres = PostgresKeeper.temporary(processes=self._settings.processes)
        else:
            self._postgres = PostgresKeeper.of_home(self._home.postgres, processes=self._settings.processes)
        await self._postgres.start()
        return self._postgres.url

    def _overrides(self, http_port: int, grpc_port: int) -> dict[str, object]:
        token, key = self._settings.internal_token, self._settings.encryption_key
        return {
            "host": self._settings.host,
            "port": http_port,
            "grpc_port": grpc_port,
            "metrics_port": self._settings.metrics_port,
            "processes": self._settings.processes,
            "process_directory": self._meeting_point,
            "log_level": self._settings.log_level,
            "tls_cert_file": _text(self._settings.tls_cert_file),
            "tls_key_file": _text(self._settings.tls_key_file),
            "tls_client_ca_file": _text(self._settings.tls_client_ca_file),
            "auth": self._settings.auth,
            "allow_without_sign_in": self._settings.allow_without_sign_in,
            "internal_token": token.get_secret_value() if token is not None else self._home.internal_token(),
            "encryption_key": key.get_secret_value() if key is not None else self._home.encryption_key(),
        }

    async def _end(self) -> None:
        await asyncio.gather(*(child.stop() for child in self._children))
        if self._postgres is not None:
            await self._postgres.stop()

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
            await asyncio.wait((task, stop))
        if not task.cancelled():
            task.result()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Begin to stop; `run` returns when that is done."""
        self._stop.set()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._tell("Stopping at once.")
            for child in self._children:
                child.kill()
            return
        self._tell(
            f"Stopping: calls in progress may take up to {self._settings.drain_seconds:g} s more. "
            "Again to stop at once."
        )
        self._stop.set()

    def _write_status(self, state: State, http_port: int, grpc_port: int) -> None:
        host = url_host(self._settings.host)
        self._home.write_status(
            Status(
                pid=os.getpid(),
                state=state,
                version=importlib.metadata.version("headrace"),
                started_at=self._started_at.isoformat(timespec="seconds"),
                http_url=f"{self._scheme}://{host}:{http_port}",
                grpc_address=f"{host}:{grpc_port}",
                database=self._place(),
                processes=self._settings.processes,
                log_file=self._log_file,
                warning=self._warning(),
                tls_cert_file=_text(self._settings.tls_cert_file),
                tls_key_file=_text(self._settings.tls_key_file),
            )
        )

    @property
    def _scheme(self) -> str:
        return "https" if self._settings.is_tls else "http"

    def _place(self) -> str:
        if self._database == "url" and self._settings.database_url is not None:
            return address(self._settings.database_url.get_secret_value())
        return "in memory" if self._database == "memory" else str(self._home.postgres)

    def _warning(self) -> str:
        if is_loopback(self._settings.host) or self._settings.auth == "on":
            return ""
        return f"No sign-in: whoever reaches {self._settings.host} may do everything."

    def _welcome(self, http_port: int, grpc_port: int) -> str:
        host = url_host(self._settings.host)
        lines = [
            f"Headrace {importlib.metadata.version('headrace')} is ready.",
            f"  UI and API  {self._scheme}://{host}:{http_port}",
            f"  gRPC        {host}:{grpc_port}",
            f"  Data        {self._place()}",
        ]
        if self._warning():
            lines.append(f"  {self._warning()}")
        if hint := client_hint(f"{self._scheme}://{host}:{http_port}"):
            lines.append(hint)
        return "\n".join(lines)


def _load(module: str) -> Any:
    """Return a module that few servers need here, and that takes longer to load than the rest of this process."""
    return importlib.import_module(module)


def refuse_open_host(settings: ServerSettings) -> None:
    """Return if the server may listen where the settings say.

    Raises:
        errors.FailedPrecondition: Others could reach it, and nobody would have to sign in.
    """
    if is_loopback(settings.host) or settings.auth == "on" or settings.allow_without_sign_in:
        return
    raise errors.FailedPrecondition(
        f"listening on {settings.host} would let everyone who reaches it do everything, since no sign-in is set up. "
        "Ask who calls with --auth on, listen on 127.0.0.1, or accept it with --insecure-no-auth on a network that you "
        "trust",
        reason="SIGN_IN_NOT_SET_UP",
    )


def _text(path: pathlib.Path | None) -> str | None:
    return None if path is None else str(path)


def url_host(host: str) -> str:
    """Return a listening host as part of an address that a client on this machine can use."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
