from __future__ import annotations

import asyncio
import datetime
import math
import uuid

import asyncpg
import pytest

from headrace import errors
from headrace_chassis import database as database_module
from headrace_chassis.database import Connection, Database
from headrace_chassis.postgres_address import address
from headrace_harness.cluster import Cluster
from headrace_harness.postgres import service_database


async def test_a_connection_acts_as_the_service_in_its_schema(database_url: str) -> None:
    async with service_database(database_url, "state") as database, database.connection() as connection:
        assert await connection.fetchval("select current_user") == "headrace_state"
        assert await connection.fetchval("select current_schema()") == "state"
        assert await connection.fetchval("show timezone") == "UTC"


async def test_the_role_and_schema_outlive_the_return_to_the_pool(database_url: str) -> None:
    async with service_database(database_url, "state", max_size=1) as database:
        for _ in range(2):
            async with database.transaction() as connection:
                assert await connection.fetchval("select current_user") == "headrace_state"
                await connection.execute("set local search_path to public")


async def test_one_service_cannot_read_the_tables_of_another(database_url: str) -> None:
    async with service_database(database_url, "state") as state, state.connection() as connection:
        await connection.execute("create table state.secret (value text)")
    async with service_database(database_url, "log") as log, log.connection() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("select value from state.secret")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("create table state.mine (value text)")


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, None, True, "ü\n"], "b": {"c": 1.5}},
        [2**63, 2**70, -(2**70), 12345678901234567890],
        "text",
        None,
        0,
    ],
)
@pytest.mark.parametrize("kind", ["json", "jsonb"])
async def test_json_comes_back_as_it_went(database: Database, value: object, kind: str) -> None:
    async with database.connection() as connection:
        stored = value if value is not None else {"null": None}
        assert await connection.fetchval(f"select $1::{kind}", stored) == stored


async def test_values_have_python_types(database: Database) -> None:
    identifier = uuid.uuid4()
    now = datetime.datetime.now(datetime.UTC)
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "select $1::uuid as u, $2::timestamptz as t, $3::text[] as a, $4::float8 as f",
            identifier,
            now,
            ["x", None],
            math.inf,
        )
    assert row is not None
    assert tuple(row) == (identifier, now, ["x", None], math.inf)


async def test_a_transaction_is_undone_by_an_error(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("create table thing (value int)")
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            await connection.execute("insert into thing values (1)")
            raise ZeroDivisionError
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from thing") == 0


async def test_a_deadlock_is_tried_again(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("create table thing (name text primary key, value int)")
        await connection.execute("insert into thing values ('a', 0), ('b', 0)")
    tries = 0
    meeting = asyncio.Barrier(2)

    def crossing(first: str, second: str) -> object:
        is_first_try = True

        async def work(connection: Connection) -> None:
            nonlocal tries, is_first_try
            tries += 1
            await connection.execute("set local deadlock_timeout = '20ms'")
            await connection.execute("update thing set value = value + 1 where name = $1", first)
            if is_first_try:
                is_first_try = False
                await meeting.wait()
            await connection.execute("update thing set value = value + 1 where name = $1", second)

        return work

    await asyncio.gather(database.run(crossing("a", "b")), database.run(crossing("b", "a")))  # type: ignore[arg-type]
    assert tries >= 3
    async with database.connection() as connection:
        assert await connection.fetchval("select sum(value) from thing") == 4


async def test_a_race_that_is_always_lost_ends_as_aborted(database: Database) -> None:
    tries = 0

    async def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        raise asyncpg.SerializationError("lost")

    with pytest.raises(errors.Aborted):
        await database.run(work)
    assert tries == database_module.RETRY_LIMIT


async def test_an_aborted_of_the_work_itself_is_not_tried_again(database: Database) -> None:
    tries = 0

    async def work(connection: Connection) -> None:
        nonlocal tries
        tries += 1
        raise errors.Aborted("mine")

    with pytest.raises(errors.Aborted, match="mine"):
        await database.run(work)
    assert tries == 1


async def test_after_commit_is_called_once_and_only_after_a_commit(database: Database) -> None:
    calls: list[str] = []

    def callback() -> None:
        calls.append("called")

    async with database.transaction() as connection:
        database.after_commit(connection, callback)
        database.after_commit(connection, callback)
        assert calls == []
    assert calls == ["called"]
    with pytest.raises(ZeroDivisionError):
        async with database.transaction() as connection:
            database.after_commit(connection, callback)
            raise ZeroDivisionError
    async with database.transaction():
        pass
    assert calls == ["called"]


async def test_a_text_that_postgres_cannot_hold_is_the_callers_fault(database: Database) -> None:
    with pytest.raises(errors.InvalidArgument):
        async with database.connection() as connection:
            await connection.fetchval("select $1::text", "a\0b")
    with pytest.raises(errors.InvalidArgument):
        async with database.connection() as connection:
            await connection.fetchval("select $1::jsonb", {"a": "\0"})


async def test_an_unreachable_postgres_is_said_clearly(tmp_path: object) -> None:
    with pytest.raises(errors.Unavailable, match="HEADRACE_DATABASE_URL") as caught:
        await Database.connect(f"postgresql://me:secret@/db?host={tmp_path}", role=None, schema="state")
    assert "secret" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


async def test_a_database_without_the_roles_names_the_command(postgres_url: str) -> None:
    with pytest.raises(errors.FailedPrecondition, match="headrace server database upgrade"):
        await Database.connect(postgres_url, role="headrace_nobody", schema="state")


async def test_waiting_for_a_connection_ends(tables_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "ACQUIRE_TIMEOUT_SECONDS", 0.05)
    database = await Database.connect(tables_url, role=None, schema="chassis", max_size=1)
    async with database.connection():
        with pytest.raises(errors.Unavailable) as caught:
            await database.ping()
    assert caught.value.reason == "DATABASE_BUSY"
    await database.ping()
    await database.close()


async def test_an_error_of_the_body_stays_what_it_is(database: Database) -> None:
    with pytest.raises(ConnectionResetError):
        async with database.connection():
            raise ConnectionResetError("of another connection")
    with pytest.raises(TimeoutError):
        async with database.transaction():
            raise TimeoutError


async def test_a_live_pool_survives_a_restart_and_a_crash_of_postgres() -> None:
    with Cluster.own() as cluster:
        database = await Database.connect(cluster.url, role=None, schema="public", min_size=2, max_size=4)
        for mode in ("fast", "immediate"):
            with pytest.raises(errors.Unavailable):
                async with database.transaction() as connection:
                    await connection.execute("select 1")
                    await asyncio.to_thread(cluster.stop, mode)
                    await connection.execute("select 1")
            with pytest.raises(errors.Unavailable):
                await database.ping()
            await asyncio.to_thread(cluster.start)
            await database.ping()
        await database.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:secret@db.example:5432/headrace?sslmode=require", "db.example:5432/headrace"),
        ("postgresql://postgres:@/headrace?host=/run/pg", "/run/pg/headrace"),
        ("postgresql://h/d", "h/d"),
    ],
)
def test_the_address_of_a_url_has_no_secret(url: str, place: str) -> None:
    assert address(url) == place


async def test_a_connection_that_the_driver_has_lost_track_of_is_replaced(database_url: str) -> None:
    async with service_database(database_url, "state", max_size=1) as database:
        async with database.connection() as connection:
            before = await connection.fetchval("select pg_backend_pid()")
        with pytest.raises(errors.Unavailable):
            async with database.connection():
                raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
        async with database.connection() as connection:
            assert await connection.fetchval("select pg_backend_pid()") != before
