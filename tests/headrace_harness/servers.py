"""Real servers in processes of their own, started as users start them, to be asked, killed and started again."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson
import psutil

from headrace_harness.stack import LOOPBACK, Credentials, Stack, connected
from headrace_server.parts import ALL_PARTS, GATEWAY
from headrace_server.postgres.access import Account

START_SECONDS = 90.0
STOP_SECONDS = 90.0
_POLL_SECONDS = 0.02
_FIRST_QUIET_PORT = 20_000
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody uses now.

    It is none of those that the kernel hands out by itself, to whatever connects to something just then: a server that
    starts later, or is killed and started again, still finds it free. Nor is it one that this process was given before.
    """
    # Not the generator that tests seed: processes of one session must not come to the same ports.
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(_FIRST_QUIET_PORT, _first_given_port())
        if port in _given:
            continue
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            _given.add(port)
            return port


def two_free_ports() -> tuple[int, int]:
    """Return two ports that nobody uses now."""
    return free_port(), free_port()


def _first_given_port() -> int:
    """Return the first port that the kernel hands out by itself, where that leaves enough of them before it."""
    try:
        first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first = 0
    return first if first >= _FIRST_QUIET_PORT + 1_000 else 32_768


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """Lend a port at which every connection is refused, and which nobody else can take meanwhile."""
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        yield int(held.getsockname()[1])


class ServerProcess:
    """One `headrace server ...` process.

    Args:
        home: Its `HEADRACE_HOME`.
        arguments: After `headrace server`.
        environment: Beside what this process has, without its HEADRACE_* variables.
    """

    def __init__(self, home: pathlib.Path, arguments: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.home = home
        self._arguments = list(arguments)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self._environment = {**kept, "HEADRACE_HOME": str(home), **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self.user: Account | None = None
        """As whom to run; None for the user of the tests."""
        self.log = home / f"test-{'-'.join(arguments[:3]).replace('/', '_')}.log"

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None, "start it first"
        return self._process.pid

    @property
    def was_started(self) -> bool:
        """Whether there is, or was, a process."""
        return self._process is not None

    def start(self) -> None:
        """Start it; it need not be ready on return."""
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace_server", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                **(self.user.popen_arguments() if self.user is not None else {}),
            )

    def exit_code(self) -> int | None:
        """Return how it ended, None while it runs."""
        assert self._process is not None, "start it first"
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    async def ended(self, timeout_seconds: float = STOP_SECONDS) -> int:
        """Wait for its end and return the exit code."""
        assert self._process is not None, "start it first"
        return await asyncio.to_thread(self._process.wait, timeout_seconds)

    async def stop(self) -> int:
        """Stop it as a service manager does; returns the exit code."""
        if not self.was_started:
            return 0
        if self.exit_code() is None:
            self.signal(signal.SIGTERM)
        return await self.ended()

    def output(self) -> str:
        """Return what it wrote since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    async def until_said(self, words: str) -> None:
        """Return once its output holds `words`.

        Raises:
            AssertionError: It ended, or took too long.
        """
        await until(lambda: words in self.output(), lambda: self.output(), lambda: self.exit_code() is not None)


async def until(reached: Any, describe: Any = str, is_over: Any = bool, seconds: float = START_SECONDS) -> None:
    """Return once `reached()` is true.

    Raises:
        AssertionError: `is_over()` came first, or it took longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not reached():
        over = is_over()
        if reached():
            return
        assert not over, describe()
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {describe()}"
        await asyncio.sleep(_POLL_SECONDS)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = START_SECONDS) -> None:
    """Return once `holds()` is true.

    Raises:
        TimeoutError: It took longer than `seconds`.
    """
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(_POLL_SECONDS)


@dataclasses.dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A whole server under its supervisor."""

    supervisor: ServerProcess
    stack: Stack

    def status(self) -> dict[str, Any]:
        """Return what its status file tells, {} if there is none."""
        try:
            return dict(orjson.loads((self.supervisor.home / "server.json").read_bytes()))
        except (OSError, ValueError):
            return {}

    def server_processes(self) -> list[psutil.Process]:
        """Return the processes that serve."""
        found = []
        for child in psutil.Process(self.supervisor.pid).children():
            # One that was just killed has no command line any more.
            with contextlib.suppress(psutil.Error):
                if "headrace_server.process" in child.cmdline():
                    found.append(child)
        return found

    def postgres(self) -> psutil.Process:
        """Return the postmaster."""
        children = psutil.Process(self.supervisor.pid).children()
        (found,) = [child for child in children if child.name() == "postgres"]
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server is reached."""

    http_url: str
    targets: dict[str, str]
    """gRPC targets by service."""
    credentials: Credentials | None = None
    """What clients need, where the server has TLS and sign-in."""


async def start_embedded(supervisor: ServerProcess) -> Addresses:
    """Start a whole server and return its addresses once it is ready."""
    supervisor.start()
    await supervisor.until_said("is ready.")
    status = orjson.loads((supervisor.home / "server.json").read_bytes())
    return Addresses(status["http_url"], {name: status["grpc_address"] for name in ALL_PARTS if name != GATEWAY})


def embedded_supervisor(home: pathlib.Path, *arguments: str, **environment: str) -> ServerProcess:
    """Return the process of `headrace server start`; with free ports and a database in memory unless told otherwise.

    Args:
        home: Its `HEADRACE_HOME`.
        arguments: Further ones.
        environment: Further variables.
    """
    given = list(arguments)
    if "--database" not in given:
        given += ["--database", "memory"]
    if "--port" not in given:
        given += ["--port", "0"]
    return ServerProcess(home, ["start", *given], environment)


@contextlib.asynccontextmanager
async def embedded_server(home: pathlib.Path, *arguments: str, **environment: str) -> AsyncIterator[EmbeddedServer]:
    """Lend a server of `embedded_supervisor`."""
    supervisor = embedded_supervisor(home, *arguments, **environment)
    try:
        addresses = await start_embedded(supervisor)
        async with connected(addresses.http_url, addresses.targets) as stack:
            yield EmbeddedServer(supervisor, stack)
    finally:
        await supervisor.stop()


@dataclasses.dataclass(frozen=True, slots=True)
class DistributedServer:
    """A server whose parts are processes of their own."""

    parts: dict[str, ServerProcess]
    stack: Stack
    targets: dict[str, str]
    """`host:port` of each part: gRPC of the services, HTTP of the gateway."""


def distributed_parts(
    home: pathlib.Path, database_url: str, *, parts: Sequence[str] = ALL_PARTS, **variables: str
) -> tuple[dict[str, ServerProcess], Addresses]:
    """Return the processes of `headrace server start --service NAME` for each part, and where they will be.

    Args:
        home: `HEADRACE_HOME` of all parts.
        database_url: An empty or migrated database.
        parts: What to run.
        variables: Further environment variables of all parts.
    """
    targets = {name: f"{LOOPBACK}:{free_port()}" for name in parts if name != GATEWAY}
    http_port = free_port()
    environment = {
        "HEADRACE_DATABASE_URL": database_url,
        **{f"HEADRACE_SERVER_{name.upper()}_ADDRESS": target for name, target in targets.items()},
        **variables,
    }
    processes = {}
    for name in parts:
        ports = ["--port", str(http_port)] if name == GATEWAY else ["--grpc-port", targets[name].rpartition(":")[2]]
        processes[name] = ServerProcess(home, ["start", "--service", name, *ports], environment)
    return processes, Addresses(f"http://{LOOPBACK}:{http_port}", targets)


async def start_parts(processes: dict[str, ServerProcess]) -> None:
    """Start all parts at once, and return when all of them are up."""
    for process in processes.values():
        process.start()
    for process in processes.values():
        await process.until_said(" on port ")


async def stop_parts(processes: dict[str, ServerProcess]) -> None:
    """Stop all parts that were started."""
    started = [process for process in processes.values() if process.was_started]
    for process in started:
        if process.exit_code() is None:
            process.signal(signal.SIGTERM)
    for process in started:
        await process.ended()


@contextlib.asynccontextmanager
async def distributed_server(
    home: pathlib.Path, database_url: str, *, parts: Sequence[str] = ALL_PARTS, **variables: str
) -> AsyncIterator[DistributedServer]:
    """Lend a server of `distributed_parts`."""
    processes, addresses = distributed_parts(home, database_url, parts=parts, **variables)
    try:
        await start_parts(processes)
        async with connected(addresses.http_url, addresses.targets) as stack:
            targets = {**addresses.targets, GATEWAY: addresses.http_url.removeprefix("http://")}
            yield DistributedServer(processes, stack, targets)
    finally:
        await stop_parts(processes)
