from __future__ import annotations

import asyncpg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from headrace_harness.postgres import service_database
from headrace_notification.queries import SQL
from headrace_notification.tables import metadata


@pytest.mark.parametrize(("name", "text"), list(SQL))
async def test_every_statement_can_be_prepared(database_url: str, name: str, text: str) -> None:
    async with service_database(database_url, "notification") as database, database.connection() as connection:
        await connection.prepare(text)


async def test_the_tables_are_those_that_the_migrations_make(database_url: str) -> None:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(database_url)

    def is_ours(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        # Partitions are made by the running service.
        return not (kind == "table" and reflected and name not in {table.name for table in metadata.tables.values()})

    def differences(connection: sqlalchemy.Connection) -> object:
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _parents: kind != "schema" or name == "notification",
            "include_object": is_ours,
        }
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
