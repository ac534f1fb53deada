"""The folder of one installation on this machine: its data, secrets, lock and status.

    $HEADRACE_HOME (default ~/.headrace)
    ├── server.lock       held by the running supervisor; the kernel lets go of it however that ends
    ├── server.json       what runs: process id, addresses, state
    ├── server.log        output of a server in the background
    ├── internal-token    what calls between services carry
    ├── encryption-key    encrypts secrets in the database
    └── postgres/         data of the embedded Postgres

Secrets are readable by their owner alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import fcntl
import os
import pathlib
import secrets
import tempfile
import time
from collections.abc import Iterator
from typing import IO, Literal

import orjson

from headrace import errors

HOME_VARIABLE = "HEADRACE_HOME"

State = Literal["starting", "ready", "stopping"]

_SECRET_BYTES = 32
_PROBE_SECONDS = 1.0
_PROBE_PAUSE_SECONDS = 0.02


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """What the supervisor of a home tells about itself."""

    pid: int
    state: State
    version: str
    started_at: str
    """ISO 8601, UTC."""
    http_url: str
    """Where people and clients reach the server."""
    grpc_address: str
    """`host:port`."""
    database: str
    """Where the data is, without credentials."""
    processes: int
    log_file: str | None = None
    """Where the output goes; None for a terminal."""
    warning: str = ""
    """What its operator should know."""
    tls_cert_file: str | None = None
    """The certificate that it shows; None without TLS."""
    tls_key_file: str | None = None

    def uptime(self, now: datetime.datetime) -> datetime.timedelta:
        """Return for how long the supervisor has run."""
        return now - datetime.datetime.fromisoformat(self.started_at)


class Home:
    """Files of one installation. Nothing is made before it is needed.

    Args:
        root: The folder.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.lock_file = root / "server.lock"
        self.status_file = root / "server.json"
        self.log_file = root / "server.log"
        self.postgres = root / "postgres"

    @classmethod
    def of_environment(cls) -> Home:
        """Return the home that `HEADRACE_HOME` names, by default `~/.headrace`."""
        named = os.environ.get(HOME_VARIABLE)
        return cls(pathlib.Path(named).expanduser().absolute() if named else pathlib.Path.home() / ".headrace")

    def ensure(self) -> None:
        """Make the folder, readable by its owner alone.

        Raises:
            errors.FailedPrecondition: It cannot be made or written.
        """
        with self._writing():
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise errors.FailedPrecondition(
                f"cannot write to {self.root} ({error.strerror}); "
                + ("make room on its disk, or " if is_full else "")
                + f"set {HOME_VARIABLE} to a folder of your own",
                reason="HOME_NOT_WRITABLE",
            ) from error

    def has_data(self) -> bool:
        """Return whether the embedded Postgres has made its data here."""
        return (self.postgres / "PG_VERSION").exists()

    def internal_token(self) -> str:
        """Return the token of calls between services, made at the first call."""
        return self._secret("internal-token")

    def encryption_key(self) -> str:
        """Return the keys for secrets in the database: 256 bits each, hexadecimal, one a line.

        The first one encrypts, all of them decrypt. One is made at the first call.
        """
        return self._secret("encryption-key")

    def add_encryption_key(self) -> pathlib.Path:
        """Put a new key in front of those that are there; returns their file. Servers read it when they start."""
        self.ensure()
        keys = self.encryption_key()
        path = self.root / "encryption-key"
        descriptor, written = tempfile.mkstemp(dir=self.root, prefix=".encryption-key-")
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_hex(_SECRET_BYTES)}\n{keys}\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(written, path)
        return path

    def _secret(self, name: str) -> str:
        path = self.root / name
        with contextlib.suppress(FileNotFoundError):
            return _read_secret(path)
        # Written aside and linked into place: nobody ever reads half of it, and the first of several makers wins.
        with self._writing():
            descriptor, written = tempfile.mkstemp(dir=self.root, prefix=f".{name}-")
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):
                    os.link(written, path)
            finally:
                os.unlink(written)
        return _read_secret(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for one supervisor.

        Raises:
            errors.AlreadyExists: Another one holds it; the message says which and how to stop it.
        """
        with self.lock_file.open("a") as file:
            self._take(file)
            try:
                yield
            finally:
                self.status_file.unlink(missing_ok=True)

    def _take(self, file: IO[str]) -> None:
        # Whoever asks whether a server runs holds the lock for a moment.
        deadline = time.monotonic() + _PROBE_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise errors.AlreadyExists(self._taken(), reason="SERVER_RUNNING") from None
                time.sleep(_PROBE_PAUSE_SECONDS)
            else:
                return

    def _taken(self) -> str:
        status = self.read_status()
        who = f"(process {status.pid}, {status.http_url}) " if status is not None else ""
        return (
            f"a server {who}is running on {self.root} already. Stop it with `headrace server stop`, "
            f"or set {HOME_VARIABLE} to another folder and choose another --port"
        )

    def write_status(self, status: Status) -> None:
        """Replace the status file as a whole.

        Raises:
            errors.FailedPrecondition: It cannot be written.
        """
        aside = self.status_file.with_suffix(".json.new")
        with self._writing():
            aside.write_bytes(orjson.dumps(dataclasses.asdict(status), option=orjson.OPT_INDENT_2) + b"\n")
            aside.replace(self.status_file)

    def read_status(self) -> Status | None:
        """Return what the supervisor last wrote, None if there is nothing to read."""
        try:
            return Status(**orjson.loads(self.status_file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def running(self) -> Status | None:
        """Return the status of the supervisor that runs now, None if none does.

        The lock tells, not the file: a supervisor that was killed leaves its file behind.
        """
        return self.read_status() if self.is_locked() else None

    def is_locked(self) -> bool:
        """Return whether a supervisor holds the home."""
        try:
            with self.lock_file.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


def _read_secret(path: pathlib.Path) -> str:
    value = path.read_text().strip()
    if not value:
        raise errors.FailedPrecondition(f"{path} is empty; restore it from a backup", reason="SECRET_EMPTY")
    return value
