"""A database with the tables that every service has alike, in a schema of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.ext.asyncio import create_async_engine

from headrace_chassis.database import Database
from headrace_migrations import shared_tables

SCHEMA = "chassis"


@pytest.fixture
async def tables_url(empty_database_url: str) -> str:
    """The URL of a database with the shared tables in the schema `chassis`."""
    await make_tables(empty_database_url)
    return empty_database_url


@pytest.fixture
async def database(tables_url: str) -> AsyncIterator[Database]:
    """The pool of a service whose schema is `chassis`."""
    database = await Database.connect(tables_url, role=None, schema=SCHEMA, max_size=8)
    yield database
    await database.close()


async def make_tables(url: str) -> None:
    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(url)

    def make(connection: sqlalchemy.Connection) -> None:
        connection.execute(sqlalchemy.text(f"create schema {SCHEMA}"))
        connection.execute(sqlalchemy.text(f"set search_path to {SCHEMA}"))
        with Operations.context(MigrationContext.configure(connection)):
            shared_tables.create_outbox()
            shared_tables.create_service_lease()

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.begin() as connection:
        await connection.run_sync(make)
    await engine.dispose()
