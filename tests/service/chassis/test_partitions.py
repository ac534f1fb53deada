from __future__ import annotations

import asyncio
import datetime

import pytest

from headrace_chassis.clock import SetClock
from headrace_chassis.database import Database
from headrace_chassis.partitions import PartitionedTable, PartitionKeeper, partition_day, partition_name

NOON = datetime.datetime(2026, 3, 5, 12, tzinfo=datetime.UTC)


@pytest.fixture
async def history(database: Database) -> Database:
    async with database.connection() as connection:
        await connection.execute(
            """
            create table history (value int, at timestamptz not null, primary key (value, at)) partition by range (at);
            create index history_at on history (at);
            create table history_default partition of history default;
            """
        )
    return database


async def partitions(database: Database) -> list[str]:
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'history'::regclass order by 1"
        )
    return [row["name"] for row in rows]


async def insert(database: Database, value: int, at: datetime.datetime) -> str:
    async with database.connection() as connection:
        await connection.execute("insert into history values ($1, $2)", value, at)
        return str(await connection.fetchval("select tableoid::regclass::text from history where value = $1", value))


async def test_days_ahead_are_made(history: Database) -> None:
    keeper = PartitionKeeper(history, [PartitionedTable("history", None)], clock=SetClock(NOON))
    await keeper.tick()
    await keeper.tick()
    days = ["history_p20260305", "history_p20260306", "history_p20260307", "history_p20260308"]
    assert await partitions(history) == ["history_default", *days]
    assert await insert(history, 1, NOON) == "history_p20260305"
    assert await insert(history, 2, NOON.replace(hour=0)) == "history_p20260305"
    assert await insert(history, 3, NOON + datetime.timedelta(days=30)) == "history_default"


async def test_days_beyond_retention_are_dropped(history: Database) -> None:
    clock = SetClock(NOON)
    keeper = PartitionKeeper(history, [PartitionedTable("history", 2)], clock=clock)
    await keeper.tick()
    await insert(history, 1, NOON)
    await insert(history, 2, NOON - datetime.timedelta(days=9))
    clock.advance(2 * 86400)
    await keeper.tick()
    assert "history_p20260305" in await partitions(history)
    clock.advance(86400)
    await keeper.tick()
    names = await partitions(history)
    assert "history_p20260305" not in names
    assert {"history_default", "history_p20260306", "history_p20260311"} <= set(names)
    async with history.connection() as connection:
        assert await connection.fetchval("select count(*) from history") == 0


async def test_what_is_outside_of_all_days_may_be_left_to_others(history: Database) -> None:
    await insert(history, 1, NOON - datetime.timedelta(days=9))
    await PartitionKeeper(history, [PartitionedTable("history", 2, keeps_default=True)], clock=SetClock(NOON)).tick()
    async with history.connection() as connection:
        assert await connection.fetchval("select count(*) from history") == 1


async def test_rows_in_the_default_partition_move_to_their_day(history: Database) -> None:
    assert await insert(history, 1, NOON) == "history_default"
    later = NOON + datetime.timedelta(days=60)
    await insert(history, 2, later)
    await PartitionKeeper(history, [PartitionedTable("history", None)], clock=SetClock(NOON)).tick()
    async with history.connection() as connection:
        rows = await connection.fetch("select value, tableoid::regclass::text as name from history order by value")
    assert [tuple(row) for row in rows] == [(1, "history_p20260305"), (2, "history_default")]


async def test_replicas_do_not_stand_in_each_others_way(history: Database) -> None:
    tables = [PartitionedTable("history", 1)]
    await asyncio.gather(*(PartitionKeeper(history, tables, clock=SetClock(NOON)).tick() for _ in range(4)))
    assert len(await partitions(history)) == 5


async def test_the_services_own_role_can_keep_partitions(database_url: str) -> None:
    database = await Database.connect(database_url, role="headrace_state", schema="state")
    clock = SetClock(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30))
    async with database.connection() as connection:
        await connection.execute(
            """
            create table history (at timestamptz not null) partition by range (at);
            create table history_default partition of history default
            """
        )
    await PartitionKeeper(database, [PartitionedTable("history", 1)], clock=clock).tick()
    assert len(await partitions(database)) == 5
    await database.close()


def test_names_are_checked() -> None:
    with pytest.raises(ValueError, match="plain"):
        PartitionedTable('x"; drop table y', 1)
    with pytest.raises(ValueError, match="retention"):
        PartitionedTable("x", 0)
    day = datetime.date(2026, 3, 5)
    assert partition_day("record", partition_name("record", day)) == day
    assert partition_day("record", "record_default") is None
    assert partition_day("record", "other_p20260305") is None
