"""What a database needs before and after its content is put in its place, beside that content itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from headrace import errors
from headrace_chassis.postgres_address import address
from headrace_migrations.shared_tables import SERVICES

_SET_SINCE = 16

_IN_USE = """
select count(*)
  from pg_stat_activity
 where datname = current_database()
   and pid <> pg_backend_pid()
   and application_name like 'headrace %'
"""


@contextlib.asynccontextmanager
async def restoring(url: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Get a database ready for its new content, which the block brings; lend what is to be called once it is there.

    Raises:
        errors.FailedPrecondition: Servers use the database.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if in_use := await connection.fetchval(_IN_USE):
            raise errors.FailedPrecondition(
                f"servers use the database at {address(url)} ({in_use} connections); stop them first",
                reason="DATABASE_IN_USE",
            )
        for service in SERVICES:
            await _ensure_role(connection, f"headrace_{service}")

        async def finish() -> None:
            # The planner knows nothing of rows that have just come.
            await connection.execute("analyze")

        yield finish
    finally:
        await connection.close()


async def _ensure_role(connection: asyncpg.Connection[asyncpg.Record], role: str) -> None:
    if not await connection.fetchval("select exists (select from pg_roles where rolname = $1)", role):
        await connection.execute(f"create role {role} nologin")
    # Since Postgres 16 who makes a role is a member of it, and may still do nothing as it.
    privilege = "SET" if connection.get_server_version().major >= _SET_SINCE else "MEMBER"
    if not await connection.fetchval("select pg_has_role(current_user, $1, $2)", role, privilege):
        await connection.execute(f"grant {role} to current_user")
    # These belong to the database and are no part of a file with schemas.
    await connection.execute(f"alter default privileges for role {role} revoke all on tables from public")
    await connection.execute(f"alter default privileges for role {role} revoke execute on functions from public")
