"""A real Postgres for tests: one cluster a session, one migrated template, one database a test.

The cluster is the embedded one with fsync off, shared by the workers of pytest-xdist and removed by the
last process that leaves. `HEADRACE_TEST_DATABASE_URL` names another Postgres, whose user may create databases.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import urllib.parse
import uuid
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from headrace_chassis.database import Connection, Database
from headrace_chassis.scope import everywhere
from headrace_harness.cluster import Cluster
from headrace_migrations import run

URL_VARIABLE = "HEADRACE_TEST_DATABASE_URL"
_LEAVING_SECONDS = 60.0


@dataclasses.dataclass(frozen=True, slots=True)
class TestPostgres:
    """Where tests find Postgres."""

    __test__ = False

    url: str
    """A database in which others can be created."""
    template: str
    """Name of the migrated template."""

    def url_of(self, database: str) -> str:
        """Return the URL of another database of the same Postgres."""
        return with_database(self.url, database)


def with_database(url: str, database: str) -> str:
    """Return `url` with another database name."""
    parts = urllib.parse.urlsplit(url)
    # urlunsplit drops the empty authority of postgresql:///name, so the URL is put together by hand.
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{database}{query}"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a Postgres that may be filled with databases; nothing is migrated."""
    if external := os.environ.get(URL_VARIABLE):
        yield external
        return
    # Workers of pytest-xdist share the name of their session.
    with Cluster.shared(os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}") as cluster:
        yield cluster.url


@pytest.fixture(scope="session")
def postgres(postgres_url: str) -> TestPostgres:
    """Postgres with a migrated template."""
    template = f"headrace_template_{_migrations_digest()}"
    asyncio.run(_make_template(postgres_url, template))
    return TestPostgres(postgres_url, template)


@pytest.fixture
async def database_url(postgres: TestPostgres) -> AsyncIterator[str]:
    """The URL of a fresh migrated database of this test's own."""
    async with fresh_database(postgres) as url:
        yield url


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """The URL of a fresh database with nothing in it."""
    async with _database(postgres_url, "template1") as url:
        yield url


@contextlib.asynccontextmanager
async def fresh_database(postgres: TestPostgres) -> AsyncIterator[str]:
    """Lend the URL of a fresh migrated database; it is dropped afterwards."""
    async with _database(postgres.url, postgres.template) as url:
        yield url


class _SeesAll(Database):
    """Sees the rows of all workspaces, whoever the test acts for."""

    @contextlib.asynccontextmanager
    async def _lend(self) -> AsyncIterator[Connection]:
        with everywhere():
            async with super()._lend() as connection:
                yield connection


@contextlib.asynccontextmanager
async def service_database(url: str, service: str, *, max_size: int = 4) -> AsyncIterator[Database]:
    """Lend the pool of a service, as its process would have it."""
    database = await _SeesAll.connect(url, role=f"headrace_{service}", schema=service, max_size=max_size)
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _database(url: str, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(url)
    try:
        # Twice as fast as the default where there is a choice; its checkpoints cost nothing with fsync off.
        strategy = "strategy file_copy" if connection.get_server_version().major >= 15 else ""
        await _alone(connection, f'create database "{name}" template "{template}" {strategy}')
        try:
            yield with_database(url, name)
        finally:
            await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()


async def _alone(connection: asyncpg.Connection[asyncpg.Record], statement: str) -> None:
    """Execute what Postgres refuses while anybody is connected to a database: on a slow machine some still leave it."""
    async with asyncio.timeout(_LEAVING_SECONDS):
        while True:
            with contextlib.suppress(asyncpg.ObjectInUseError):
                await connection.execute(statement)
                return


async def _make_template(url: str, template: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        # Workers and other sessions on the same Postgres wait here for the one that makes it.
        await connection.execute("select pg_advisory_lock(hashtext('headrace test template'))")
        is_there = await connection.fetchval("select 1 from pg_database where datname = $1", template)
        if not is_there:
            making = f"{template}_making"
            await connection.execute(f'drop database if exists "{making}" with (force)')
            await connection.execute(f'create database "{making}"')
            await run.upgrade(with_database(url, making), "heads")
            await _alone(connection, f'alter database "{making}" rename to "{template}"')
    finally:
        await connection.close()


def _migrations_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(run.__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
