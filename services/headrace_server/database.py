"""The database that a server is about to work with: reachable, new enough, and at this release's version."""

from __future__ import annotations

import asyncio
import sys

from headrace import errors
from headrace_chassis.database import address
from headrace_migrations.inspection import inspect, revisions

OLDEST_POSTGRES = 14


async def ensure_current(url: str, *, wait_seconds: float) -> bool:
    """Return once the database is at the newest revision that this release knows.

    Args:
        url: `postgresql://...`
        wait_seconds: How long Postgres may take to answer.

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
        raise errors.FailedPrecondition(
            f"the database is at version {found.revision}, which this release does not know: a newer release has "
            "migrated it. Start that one, or take the database back with its `headrace server database downgrade`",
            reason="DATABASE_TOO_NEW",
        )
    await _migrate(url)
    return True


async def _migrate(url: str) -> None:
    # In a process of its own: what migrating needs in memory is gone when it is done.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "headrace_server.migrate",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, _ = await process.communicate(url.encode())
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode != 0:
        reason = output.decode(errors="replace").strip() or f"it ended with code {process.returncode}"
        raise errors.FailedPrecondition(f"cannot migrate the database: {reason}", reason="MIGRATION_FAILED")
