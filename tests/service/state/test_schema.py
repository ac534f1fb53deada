"""The schema: tables as described, statements that Postgres takes."""

from __future__ import annotations

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from headrace_chassis.database import Database
from headrace_state.queries.statements import SQL
from headrace_state.tables import metadata


async def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        def is_ours(name: str | None, kind: str, _: object) -> bool:
            if kind == "schema":
                return name == "state"
            # Partitions come and go; indexes are for the queries, which do without.
            return kind != "index" and (kind != "table" or name in {table.name for table in metadata.tables.values()})

        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": is_ours,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        found = compare_metadata(context, metadata)
        # How the default of the outbox's position reads depends on the search path of whoever asks.
        return [each for each in found if not (isinstance(each, list) and each[0][2:4] == ("outbox", "position"))]

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(database_url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


@pytest.mark.parametrize("name", [name for name, _ in SQL])
def test_a_statement_says_what_it_does_first(name: str) -> None:
    text = getattr(SQL, name)
    assert text.startswith(f"/* state.{name} */\n-- ")
    assert "select *" not in text
    assert ".*" not in text


async def test_postgres_takes_every_statement(database: Database) -> None:
    async with database.connection() as connection:
        for _, text in SQL:
            await connection.prepare(text)
