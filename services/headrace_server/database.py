"""The database that a server is about to work with: reachable, new enough, and at this release's version."""

from __future__ import annotations

import asyncio
import logging

from headrace import errors
from headrace_chassis.postgres_address import address
from headrace_migrations import fresh
from headrace_migrations.inspection import inspect, revisions
from headrace_server.interpreter import command

logger = logging.getLogger(__name__)

OLDEST_POSTGRES = 14


async def ensure_current(
    url: str, *, wait_seconds: float, migration: Migration | None = None, allow_newer: bool = False
) -> bool:
    """Return once the database is at the newest revision that this release knows.

    Args:
        url: `postgresql://...`
        wait_seconds: How long Postgres may take to answer.
        migration: One that was spawned because the database is known to be new.
        allow_newer: Whether to work with a database that a newer release has migrated.

    Returns:
        Whether it had to be migrated.

    Raises:
        errors.Unavailable: Postgres does not answer.
        errors.FailedPrecondition: It is too old, refuses us, or has been migrated by a newer release.
    """
    known = revisions()
    found = await inspect(url, wait_seconds=wait_seconds)
    version = found.postgres_version
    if version < OLDEST_POSTGRES:
        raise errors.FailedPrecondition(
            f"Postgres at {address(url)} is version {version}; Headrace needs {OLDEST_POSTGRES} or newer",
            reason="POSTGRES_TOO_OLD",
        )
    if found.revision == known[-1]:
        return False
    if found.revision is not None and found.revision not in known:
        if allow_newer:
            logger.warning("the database is at version %s, of a newer release; working with it", found.revision)
            return False
        raise errors.FailedPrecondition(
            f"the database is at version {found.revision}, which this release does not know: a newer release has "
            "migrated it. Start that one, or take the database back with its `headrace server database downgrade`. "
            "While an upgrade is rolled out or back, HEADRACE_SERVER_ALLOW_NEWER_DATABASE=true lets this one work",
            reason="DATABASE_TOO_NEW",
        )
    if found.revision is None and await fresh.load(url) == known[-1]:
        return True
    await (migration or await Migration.spawn()).run(url)
    return True


class Migration:
    """A process that migrates: what that needs in memory is gone when it is done.

    It loads its code, which takes longer than most of its work, as soon as it is spawned.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def spawn(cls) -> Migration:
        """Start the process; it waits for `run`."""
        return cls(
            await asyncio.create_subprocess_exec(
                *command("headrace_server.migrate"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        )

    async def run(self, url: str) -> None:
        """Bring a database to the newest revision.

        Raises:
            errors.FailedPrecondition: It cannot be brought there; the message says why.
        """
        try:
            output, _ = await self._process.communicate(url.encode())
        except BaseException:
            await self.discard()
            raise
        if self._process.returncode != 0:
            reason = output.decode(errors="replace").strip() or f"it ended with code {self._process.returncode}"
            raise errors.FailedPrecondition(f"cannot migrate the database: {reason}", reason="MIGRATION_FAILED")

    async def discard(self) -> None:
        """End the process, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
