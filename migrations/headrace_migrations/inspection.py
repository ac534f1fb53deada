"""What a database is before anything is migrated; without loading the migrations, which takes long."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.resources

import asyncpg

from headrace import errors
from headrace_chassis.postgres_address import address, unreachable

_ATTEMPT_SECONDS = 5.0
_RETRY_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """What was found."""

    postgres_version: int
    """Major version."""
    revision: str | None
    """The revision that the database has; None if Headrace is not in it."""


def revisions() -> list[str]:
    """Return the revisions that this release knows, oldest first.

    Their files are named as they are; to load them would take longer than all else that a start does.
    """
    folder = importlib.resources.files("headrace_migrations").joinpath("versions")
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".py") for name in names if name.endswith(".py") and name[0].isdigit())


async def inspect(url: str, *, wait_seconds: float = 30.0) -> Findings:
    """Return what is at `url`.

    Args:
        url: `postgresql://...`
        wait_seconds: How long Postgres may take to answer.

    Raises:
        errors.Unavailable: It does not.
        errors.FailedPrecondition: It refuses us, or `url` is not one.
    """
    connection = await _connect(url, wait_seconds)
    try:
        revision = None
        if await connection.fetchval("select to_regclass('headrace.version')") is not None:
            revision = await connection.fetchval("select version_num from headrace.version")
        return Findings(connection.get_server_version().major, revision)
    finally:
        await connection.close()


async def ensure_exists(url: str, maintenance_url: str) -> None:
    """Make the database of `url` if it is not there, by way of another one of the same Postgres."""
    connection = await asyncpg.connect(maintenance_url, timeout=_ATTEMPT_SECONDS)
    try:
        name = url.partition("://")[2].partition("/")[2].partition("?")[0]
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            quoted = name.replace('"', '""')
            await connection.execute(f'create database "{quoted}"')
    finally:
        await connection.close()


async def _connect(url: str, wait_seconds: float) -> asyncpg.Connection[asyncpg.Record]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_seconds
    while True:
        try:
            return await asyncpg.connect(
                url, timeout=_ATTEMPT_SECONDS, server_settings={"application_name": "headrace start"}
            )
        except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError) as error:
            raise errors.FailedPrecondition(
                f"Postgres at {address(url)} refuses the connection: {error}. Check HEADRACE_DATABASE_URL",
                reason="DATABASE_REFUSED",
            ) from error
        except (ValueError, asyncpg.InterfaceError) as error:
            raise errors.FailedPrecondition(
                f"HEADRACE_DATABASE_URL is not a Postgres URL ({error}); "
                "it looks like postgresql://user:password@host:5432/headrace",
                reason="DATABASE_URL_WRONG",
            ) from error
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            if loop.time() >= deadline:
                raise unreachable(error, url) from error
        await asyncio.sleep(_RETRY_SECONDS)
