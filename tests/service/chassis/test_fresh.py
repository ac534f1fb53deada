"""The schema of a new database, made in one step, beside what the migrations make."""

from __future__ import annotations

import asyncio
import re

import asyncpg

from headrace_harness.postgres import TestPostgres, with_database
from headrace_migrations import fresh, run
from headrace_server.postgres import binaries

TABLES = """
select format('%I.%I', nspname, relname) as name
  from pg_class
  join pg_namespace on pg_namespace.oid = relnamespace
 where relkind = 'r'
   and nspname in ('headrace', 'state', 'scheduler', 'log', 'notification', 'identity')
 order by 1
"""
DAY = re.compile(r"\d{8}|\d{4}-\d\d-\d\d")


async def schema_of(url: str) -> list[str]:
    """Return the statements that make a database what it is; days are not told apart."""
    process = await asyncio.create_subprocess_exec(
        binaries.folder() / "pg_dump", "--schema-only", f"--dbname={url}", stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    # Newer versions begin and end with a word that is another one each time.
    return [DAY.sub("DAY", line) for line in output.decode().splitlines() if "restrict " not in line]


async def rows_of(url: str) -> dict[str, int]:
    """Return how many rows each table has."""
    connection = await asyncpg.connect(url)
    try:
        names = [DAY.sub("DAY", row["name"]) for row in await connection.fetch(TABLES)]
        counts = [
            await connection.fetchval(f"select count(*) from {row['name']}") for row in await connection.fetch(TABLES)
        ]
    finally:
        await connection.close()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


async def execute(url: str, statement: str) -> None:
    """Execute a statement."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_new_database_becomes_what_the_migrations_make(database_url: str, empty_database_url: str) -> None:
    assert await fresh.load(empty_database_url) == fresh.revision()
    # Those that were added since, if any.
    assert await run.upgrade(empty_database_url) == run.head()
    assert await schema_of(empty_database_url) == await schema_of(database_url)
    assert await rows_of(empty_database_url) == await rows_of(database_url)


async def test_a_new_database_can_be_taken_back(empty_database_url: str) -> None:
    before = await schema_of(empty_database_url)
    await fresh.load(empty_database_url)
    assert await run.current(empty_database_url) == fresh.revision()
    assert await run.downgrade(empty_database_url, "base") is None
    assert await schema_of(empty_database_url) == before


async def test_a_database_with_something_in_it_is_left_to_the_migrations(empty_database_url: str) -> None:
    await execute(empty_database_url, "create schema log")
    before = await schema_of(empty_database_url)
    assert await fresh.load(empty_database_url) is None
    assert await schema_of(empty_database_url) == before


async def test_a_step_that_fails_leaves_nothing(empty_database_url: str) -> None:
    await execute(empty_database_url, "drop schema public")
    before = await schema_of(empty_database_url)
    assert await fresh.load(empty_database_url) is None
    assert await schema_of(empty_database_url) == before


async def test_a_migration_that_is_running_is_not_disturbed(empty_database_url: str) -> None:
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute(f"select pg_advisory_lock({fresh.LOCK_KEY})")
        assert await fresh.load(empty_database_url) is None
    finally:
        await connection.close()


async def test_a_postgres_that_does_not_answer_is_left_to_the_migrations(postgres: TestPostgres) -> None:
    assert await fresh.load(with_database(postgres.url, "not-there")) is None
