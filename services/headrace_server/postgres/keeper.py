"""Keeps the embedded Postgres running: starts it, starts it again when it dies, stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pathlib
import random
import shutil
import tempfile

import psutil

from headrace import errors
from headrace_migrations.inspection import ensure_exists
from headrace_server.postgres.access import account
from headrace_server.postgres.cluster import Cluster, Postmaster

logger = logging.getLogger(__name__)

_MEMORY_PREFIX = "headrace-memory-"
_RESTART_FIRST_SECONDS = 0.1
_RESTART_MOST_SECONDS = 10.0
_MAINTENANCE_DATABASE = "postgres"


class PostgresKeeper:
    """One cluster and its postmaster. `start`, then `keep` beside the rest, then `stop`.

    Args:
        cluster: What to run.
        is_temporary: Whether its data goes with it.
    """

    def __init__(self, cluster: Cluster, *, is_temporary: bool = False) -> None:
        self.cluster = cluster
        self._is_temporary = is_temporary
        self._postmaster: Postmaster | None = None
        self._is_stopping = False

    @classmethod
    def of_home(cls, data: pathlib.Path, *, processes: int) -> PostgresKeeper:
        """Return the keeper of lasting data in `data`."""
        return cls(Cluster(data, account(), processes=processes))

    @classmethod
    def temporary(cls, *, processes: int) -> PostgresKeeper:
        """Return the keeper of a cluster that is removed when it stops, and is fast at the price of safety."""
        _sweep()
        folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{_MEMORY_PREFIX}{os.getpid()}-"))
        # The data inside has an owner of its own, who has to pass through.
        folder.chmod(0o711)
        return cls(Cluster(folder / "data", account(), durability="fast", processes=processes), is_temporary=True)

    @property
    def url(self) -> str:
        """URL of the product's database."""
        return self.cluster.url

    async def start(self) -> None:
        """Make the data if there is none, start Postgres, and make the product's database.

        Raises:
            errors.FailedPrecondition: It cannot be started.
        """
        is_new = await asyncio.to_thread(self.cluster.prepare)
        self._postmaster = await self.cluster.start()
        if is_new:
            logger.info("made a new database in %s", self.cluster.data)
        await ensure_exists(self.url, self.cluster.url_of(_MAINTENANCE_DATABASE))

    async def keep(self) -> None:
        """Start Postgres again whenever it dies, until `stop`."""
        pause = _RESTART_FIRST_SECONDS
        while self._postmaster is not None and not self._is_stopping:
            code = await self._postmaster.wait()
            if self._is_stopping:
                return
            logger.error("Postgres died (exit code %d); starting it again", code)
            while not self._is_stopping:
                try:
                    self._postmaster = await self.cluster.start()
                except (errors.HeadraceError, OSError) as error:
                    logger.error("Postgres does not start: %s", error)
                    await asyncio.sleep(pause * random.uniform(0.8, 1.2))
                    pause = min(pause * 2, _RESTART_MOST_SECONDS)
                else:
                    logger.info("Postgres is back")
                    pause = _RESTART_FIRST_SECONDS
                    break

    async def stop(self) -> None:
        """Stop Postgres; temporary data is removed."""
        self._is_stopping = True
        if self._postmaster is not None:
            await self._postmaster.stop()
            self._postmaster = None
        if self._is_temporary:
            self.cluster.remove()
            with contextlib.suppress(OSError):
                self.cluster.data.parent.rmdir()


def _sweep() -> None:
    """Remove temporary data of supervisors that were killed."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{_MEMORY_PREFIX}*-*"):
        number = folder.name.removeprefix(_MEMORY_PREFIX).partition("-")[0]
        with contextlib.suppress(OSError):
            is_ours = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            if is_ours and number.isdigit() and not psutil.pid_exists(int(number)):
                shutil.rmtree(folder, ignore_errors=True)
