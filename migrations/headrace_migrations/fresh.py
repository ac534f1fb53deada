"""The schema of a new database in one step, in place of all the migrations one after the other.

What stands in `generated/fresh.sql` are the statements of the migrations themselves, written down by
`python -m tools.fresh_schema` while they were executed on an empty database. So it is never a second description of
the schema. If it is older than the newest migration, the others are executed after it.
"""

from __future__ import annotations

import datetime
import functools
import importlib.resources
import logging
import re

import asyncpg

logger = logging.getLogger(__name__)

LOCK_KEY = 0x4EAD_4ACE
"""Whoever changes the schema holds the advisory lock of this number."""

OLDEST_POSTGRES = 16
"""The statements are those for this version and later ones."""

_CONNECT_SECONDS = 10.0
_REVISION = re.compile(r"^-- Version (\w+)$", re.MULTILINE)
_DAY = re.compile(r"<<(day|date) (\d)>>")
_IS_EMPTY = "select not exists (select from pg_namespace where nspname = any ($1::text[]))"
_SCHEMAS = ["headrace", "state", "scheduler", "log", "notification", "identity"]


def revision() -> str:
    """Return the revision that a database is at after `load`."""
    found = _REVISION.search(_text())
    if found is None:
        raise RuntimeError("generated/fresh.sql does not say its version")
    return found[1]


async def load(url: str) -> str | None:
    """Make the schema, in one transaction, if there is nothing of it.

    Args:
        url: `postgresql://...`

    Returns:
        The revision that the database is at then; None if nothing was done, since the database is not empty, another
        migration of it is running, or Postgres is of another kind: then the migrations do it, or say why they cannot.
    """
    try:
        connection = await asyncpg.connect(
            url, timeout=_CONNECT_SECONDS, server_settings={"application_name": "headrace migrations"}
        )
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return None
    try:
        if connection.get_server_version().major < OLDEST_POSTGRES:
            return None
        async with connection.transaction():
            if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK_KEY):
                return None
            if not await connection.fetchval(_IS_EMPTY, _SCHEMAS):
                return None
            await connection.execute(_script(datetime.datetime.now(datetime.UTC).date()))
    except (OSError, asyncpg.PostgresError) as error:
        logger.info("the schema cannot be made in one step (%s); migrating step by step", error)
        return None
    finally:
        await connection.close()
    return revision()


def _script(today: datetime.date) -> str:
    """Return the statements, with day partitions that begin today."""

    def written(found: re.Match[str]) -> str:
        day = today + datetime.timedelta(days=int(found[2]))
        return f"{day:%Y%m%d}" if found[1] == "day" else f"{day:%Y-%m-%d}"

    return _DAY.sub(written, _text())


@functools.lru_cache(maxsize=1)
def _text() -> str:
    return (
        importlib.resources.files("headrace_migrations").joinpath("generated", "fresh.sql").read_text(encoding="utf-8")
    )
