"""The schema of each service: its tables are what the migrations make, its statements are such that Postgres takes."""

from __future__ import annotations

from typing import NamedTuple

import asyncpg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from headrace_chassis.statements import Statements
from headrace_harness.postgres import service_database
from headrace_identity.queries.statements import SQL as IDENTITY_SQL
from headrace_identity.tables import METADATA as IDENTITY_TABLES
from headrace_log.queries import SQL as LOG_SQL
from headrace_log.tables import metadata as LOG_TABLES
from headrace_notification.queries import SQL as NOTIFICATION_SQL
from headrace_notification.tables import metadata as NOTIFICATION_TABLES
from headrace_scheduler.queries import SQL as SCHEDULER_SQL
from headrace_scheduler.tables import metadata as SCHEDULER_TABLES
from headrace_state.queries.statements import SQL as STATE_SQL
from headrace_state.tables import metadata as STATE_TABLES


class Storage(NamedTuple):
    """What a service says of its schema."""

    service: str
    statements: Statements
    tables: sqlalchemy.MetaData


STORAGES = [
    Storage("identity", IDENTITY_SQL, IDENTITY_TABLES),
    Storage("log", LOG_SQL, LOG_TABLES),
    Storage("notification", NOTIFICATION_SQL, NOTIFICATION_TABLES),
    Storage("scheduler", SCHEDULER_SQL, SCHEDULER_TABLES),
    Storage("state", STATE_SQL, STATE_TABLES),
]
NO_INDEXES = {"state"}
"""Services that describe their tables without the indexes, which are for the migrations to name."""


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: storage.service)
async def test_the_tables_are_what_the_migrations_make(database_url: str, storage: Storage) -> None:
    known = {table.name for table in storage.tables.tables.values()}

    def is_looked_at(name: str | None, kind: str, _: object) -> bool:
        return kind != "schema" or name == storage.service

    def is_described(thing: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
        if kind == "index" and storage.service in NO_INDEXES:
            return False
        # Partitions are made by the running service.
        return not (kind == "table" and reflected and name not in known)

    def differences(connection: sqlalchemy.Connection) -> list[object]:
        options = {
            "include_schemas": True,
            "include_name": is_looked_at,
            "include_object": is_described,
            "compare_server_default": True,
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), storage.tables)
        # How the default of the outbox's position reads depends on the search path of whoever asks.
        return [each for each in found if not (isinstance(each, list) and each[0][2:4] == ("outbox", "position"))]

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(database_url)

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: storage.service)
async def test_postgres_takes_every_statement(database_url: str, storage: Storage) -> None:
    refused = {}
    async with service_database(database_url, storage.service) as database, database.connection() as connection:
        for name, text in storage.statements:
            try:
                await connection.prepare(text)
            except asyncpg.PostgresError as error:
                refused[name] = str(error)
    assert len(storage.statements) > 0
    assert refused == {}


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: storage.service)
def test_a_statement_says_what_it_does_first_and_names_its_columns(storage: Storage) -> None:
    for name, text in storage.statements:
        assert text.startswith(f"/* {storage.service}.{name} */\n-- "), name
        assert "select *" not in text, name
        assert ".*" not in text, name
