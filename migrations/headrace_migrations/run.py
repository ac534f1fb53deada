"""Bring a database to a version of the schema: upgrade, downgrade, current, history, reset.

Two migrations of one database never run at once: the second waits for the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import pathlib
import random
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from headrace import errors
from headrace_migrations.fresh import LOCK_KEY
from headrace_migrations.row_security import HAS_FUNCTION, protect_all

logger = logging.getLogger(__name__)

VERSION_SCHEMA = "headrace"
VERSION_TABLE = "version"

LOCK_WAIT_SECONDS = 600.0

TABLE_LOCK_SECONDS = 2
"""How long a step waits for a table that is in use. All who come after it wait, too: so it gives way for a while."""

TABLE_LOCK_TRIES = 100
_TRY_AGAIN_SECONDS = 0.5
_LOCK_POLL_SECONDS = 0.25
_LOST = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
_in_process = threading.Lock()


@dataclasses.dataclass(frozen=True, slots=True)
class Revision:
    """One step of the schema."""

    name: str
    previous: str | None
    summary: str
    is_current: bool


async def upgrade(url: str, revision: str = "head") -> str | None:
    """Bring the database up to `revision` (a name, `+1`, or `head`).

    Returns:
        The version it has now.

    Raises:
        errors.InvalidArgument: There is no such revision.
        errors.Unavailable: Postgres does not answer, or another migration does not end.
        errors.PermissionDenied: The user may not create schemas or roles; the message says what is needed.
    """
    return await _run(url, lambda config: command.upgrade(config, revision), revision)


async def downgrade(url: str, revision: str) -> str | None:
    """Take the database back to `revision` (a name, `-1`, or `base`, which leaves nothing of Headrace).

    Data of what is taken back is lost.

    Returns:
        The version it has now; None after `base`.

    Raises:
        errors.InvalidArgument: There is no such revision.
        errors.Unavailable: Postgres does not answer, or another migration does not end.
    """
    return await _run(url, lambda config: command.downgrade(config, revision), revision)


async def reset(url: str) -> str | None:
    """Take everything away and build it anew. All data is lost.

    Returns:
        The version it has now.
    """
    await downgrade(url, "base")
    return await upgrade(url)


async def current(url: str) -> str | None:
    """Return the version of the database, None if Headrace is not in it.

    Raises:
        errors.Unavailable: Postgres does not answer.
    """
    async with _connection(url) as connection:
        return await connection.run_sync(_current)


async def history(url: str | None = None) -> list[Revision]:
    """Return all revisions, newest first; with `url`, the one that the database has is marked."""
    now = await current(url) if url is not None else None
    script = ScriptDirectory.from_config(_config())
    return [
        Revision(
            name=step.revision,
            previous=step.down_revision if isinstance(step.down_revision, str) else None,
            summary=(step.doc or "").splitlines()[0],
            is_current=step.revision == now,
        )
        for step in script.walk_revisions()
    ]


def head() -> str | None:
    """Return the newest revision, the one that this release of the services is written for."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def _run(url: str, work: Callable[[Config], None], revision: str) -> str | None:
    async with _connection(url) as connection:
        await _lock(connection)
        await connection.execute(sqlalchemy.text(f"create schema if not exists {VERSION_SCHEMA}"))
        await connection.execute(sqlalchemy.text(f"set search_path to {VERSION_SCHEMA}, public"))
        await connection.commit()

        def migrate(sync_connection: sqlalchemy.Connection) -> None:
            config = _config()
            config.attributes["connection"] = sync_connection
            work(config)

        # Alembic keeps the migration in progress in module globals: one at a time in each process.
        await asyncio.to_thread(_in_process.acquire)
        try:
            await _patiently(connection, migrate, is_relative=revision.startswith(("+", "-")))
            if (await connection.execute(sqlalchemy.text(HAS_FUNCTION))).scalar_one():
                for statement in protect_all():
                    await connection.execute(sqlalchemy.text(statement))
        except CommandError as error:
            raise errors.InvalidArgument(f"{error}", reason="UNKNOWN_REVISION") from error
        finally:
            _in_process.release()
        await connection.commit()
        version = await connection.run_sync(_current)
        if version is None:
            await connection.execute(sqlalchemy.text(f"drop schema if exists {VERSION_SCHEMA} cascade"))
            await connection.commit()
        logger.info("the database is at version %s", version or "base")
        return version


async def _patiently(
    connection: AsyncConnection, migrate: Callable[[sqlalchemy.Connection], None], *, is_relative: bool
) -> None:
    """Migrate beside a server that works: what loses against it for a lock is tried again.

    Steps that were done stay done; one that failed has left nothing.
    """
    began_at = await connection.run_sync(_current)
    for attempt in range(1, TABLE_LOCK_TRIES + 1):
        # Of the session, so that each step has it; those that follow wait as they always do.
        await connection.execute(sqlalchemy.text(f"set lock_timeout = '{TABLE_LOCK_SECONDS}s'"))
        await connection.commit()
        try:
            await connection.run_sync(migrate)
            await connection.commit()
        except sqlalchemy.exc.DBAPIError as error:
            await connection.rollback()
            # Steps that are counted from where the database is would be other ones now.
            moved = is_relative and await connection.run_sync(_current) != began_at
            await connection.commit()
            if not isinstance(getattr(error.orig, "__cause__", None), _LOST) or moved or attempt == TABLE_LOCK_TRIES:
                raise
            logger.info("a table is in use; trying again")
            await asyncio.sleep(_TRY_AGAIN_SECONDS * random.uniform(0.5, 1.5))
        else:
            await connection.execute(sqlalchemy.text("reset lock_timeout"))
            await connection.commit()
            return


def _config() -> Config:
    config = Config()
    folder = str(pathlib.Path(__file__).parent)
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _current(connection: sqlalchemy.Connection) -> str | None:
    options: dict[str, Any] = {"version_table": VERSION_TABLE, "version_table_schema": VERSION_SCHEMA}
    return ", ".join(sorted(MigrationContext.configure(connection, opts=options).get_current_heads())) or None


async def _lock(connection: AsyncConnection) -> None:
    # A session lock: it spans the transactions of all steps and goes with the connection.
    waited = 0.0
    while not (await connection.execute(sqlalchemy.text(f"select pg_try_advisory_lock({LOCK_KEY})"))).scalar_one():
        if waited == 0.0:
            logger.info("another migration of this database is running; waiting for it")
        if waited > LOCK_WAIT_SECONDS:
            raise errors.Unavailable("another migration of this database does not end", reason="MIGRATION_RUNNING")
        await connection.commit()
        await asyncio.sleep(_LOCK_POLL_SECONDS)
        waited += _LOCK_POLL_SECONDS
    await connection.commit()


@contextlib.asynccontextmanager
async def _connection(url: str) -> AsyncIterator[AsyncConnection]:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        # asyncpg reads the URL itself, so that all its options (host=/socket, sslmode) mean what they mean
        # for the services.
        return await asyncpg.connect(url, timeout=10, server_settings={"application_name": "headrace migrations"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            yield connection
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
        raise errors.Unavailable(
            f"cannot reach Postgres ({type(error).__name__}: {error}). "
            "Is it running, and is HEADRACE_DATABASE_URL right?",
            reason="DATABASE_UNAVAILABLE",
        ) from error
    except sqlalchemy.exc.ProgrammingError as error:
        if isinstance(getattr(error.orig, "__cause__", None), asyncpg.InsufficientPrivilegeError):
            raise errors.PermissionDenied(
                f"the database user may not do what the migration needs: {error.orig}. It must own the database, and "
                "either may create roles or finds the roles headrace_<service> granted to it",
                reason="DATABASE_PRIVILEGE",
            ) from error
        raise
    finally:
        await engine.dispose()
