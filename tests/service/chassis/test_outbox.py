from __future__ import annotations

import asyncio
import random
import uuid

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from headrace import errors
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Entry, Outbox, OutboxReader, outbox_channel, parse_cursor

WORKSPACE = DEFAULT_WORKSPACE_ID


def told(entries: list[Entry]) -> list[str]:
    return [StringValue.FromString(entry.payload).value for entry in entries]


async def test_entries_come_in_the_order_in_which_they_were_appended(database: Database) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)
    async with database.transaction() as connection:
        await outbox.append(connection, WORKSPACE, "a", StringValue(value="one"))
        await outbox.append(connection, WORKSPACE, "b", StringValue(value="two"))
        await outbox.append(connection, uuid.UUID(int=7), "a", StringValue(value="three"))
    batch = await reader.read(0)
    assert told(batch.entries) == ["one", "two", "three"]
    assert [entry.kind for entry in batch.entries] == ["a", "b", "a"]
    assert batch.entries[2].workspace_id == uuid.UUID(int=7)
    assert batch.entries[0].recorded_at.utcoffset() is not None
    assert (await reader.read(batch.cursor)).entries == []


async def test_kinds_that_were_not_asked_for_are_passed(database: Database) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)
    async with database.transaction() as connection:
        for number in range(6):
            await outbox.append(connection, WORKSPACE, "ab"[number % 2], StringValue(value=str(number)))
    batch = await reader.read(0, ["b"], limit=4)
    assert told(batch.entries) == ["1", "3"]
    assert told((await reader.read(batch.cursor, ["b"])).entries) == ["5"]


async def test_an_entry_that_commits_late_is_waited_for(database: Database) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)
    async with database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await outbox.append(slow, WORKSPACE, "a", StringValue(value="slow"))
        async with database.transaction() as quick:
            await outbox.append(quick, WORKSPACE, "a", StringValue(value="quick"))
        reading = asyncio.create_task(reader.read(0))
        done, _ = await asyncio.wait([reading], timeout=0.2)
        assert not done
        await transaction.commit()
    assert told((await reading).entries) == ["slow", "quick"]


async def test_what_stands_before_a_late_entry_does_not_wait_for_it(database: Database) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)
    async with database.transaction() as connection:
        await outbox.append(connection, WORKSPACE, "a", StringValue(value="before"))
    async with database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await outbox.append(slow, WORKSPACE, "a", StringValue(value="slow"))
        async with database.transaction() as quick:
            await outbox.append(quick, WORKSPACE, "a", StringValue(value="quick"))
        batch = await asyncio.wait_for(reader.read(0), 60)
        assert told(batch.entries) == ["before"]
        await transaction.commit()
    assert told((await reader.read(batch.cursor)).entries) == ["slow", "quick"]


async def test_waiting_for_a_writer_holds_no_connection(tables_url: str) -> None:
    database = await Database.connect(tables_url, role=None, schema="chassis", max_size=2)
    outbox, reader = Outbox(database), OutboxReader(database)
    async with database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await outbox.append(slow, WORKSPACE, "a", StringValue(value="slow"))
        async with database.transaction() as quick:
            await outbox.append(quick, WORKSPACE, "a", StringValue(value="quick"))
        reading = asyncio.gather(reader.read(0), reader.read(0))
        await asyncio.sleep(0.05)
        await asyncio.wait_for(database.ping(), 60)
        await transaction.commit()
    assert [told(batch.entries) for batch in await reading] == [["slow", "quick"]] * 2
    await database.close()


async def test_an_entry_that_was_rolled_back_is_passed(database: Database) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)

    async def fail() -> None:
        async with database.transaction() as connection:
            await outbox.append(connection, WORKSPACE, "a", StringValue(value="never"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with database.transaction() as connection:
        await outbox.append(connection, WORKSPACE, "a", StringValue(value="after"))
    assert told((await reader.read(0)).entries) == ["after"]


class WatchedReader(OutboxReader):
    """Tells when it has looked who writes."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.has_looked = asyncio.Event()

    async def _writers(self) -> set[str]:
        found = await super()._writers()
        self.has_looked.set()
        return found


async def test_writers_that_come_later_are_not_waited_for(database: Database) -> None:
    outbox, reader = Outbox(database), WatchedReader(database)
    async with database.connection() as first, database.connection() as late:
        first_transaction, late_transaction = first.transaction(), late.transaction()
        await first_transaction.start()
        await outbox.append(first, WORKSPACE, "a", StringValue(value="first"))
        async with database.transaction() as quick:
            await outbox.append(quick, WORKSPACE, "a", StringValue(value="quick"))
        reading = asyncio.create_task(reader.read(0))
        await asyncio.wait_for(reader.has_looked.wait(), 60)
        await late_transaction.start()
        await outbox.append(late, WORKSPACE, "a", StringValue(value="late"))
        await first_transaction.commit()
        # `late` is still open here, and the reader comes back without it.
        batch = await asyncio.wait_for(reading, 60)
        assert told(batch.entries) == ["first", "quick"]
        await late_transaction.commit()
    assert told((await reader.read(batch.cursor)).entries) == ["late"]


async def test_nothing_is_skipped_and_nothing_comes_twice_under_concurrent_slow_transactions(
    database: Database,
) -> None:
    outbox, reader = Outbox(database), OutboxReader(database)
    randomness = random.Random(7)
    committed: set[str] = set()
    is_over = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(25):
            name, delay, fails = f"{writer}.{number}", randomness.random() * 0.02, randomness.random() < 0.2

            async def work(connection: Connection, name: str = name, delay: float = delay) -> None:
                await outbox.append(connection, WORKSPACE, "a", StringValue(value=name))
                await asyncio.sleep(delay)

            if fails:
                with pytest.raises(ZeroDivisionError):
                    async with database.transaction() as connection:
                        await work(connection)
                        raise ZeroDivisionError
            else:
                await database.run(work)
                committed.add(name)

    async def follow() -> list[str]:
        seen: list[str] = []
        cursor = 0
        while True:
            was_over = is_over.is_set()
            batch = await reader.read(cursor, limit=7)
            cursor = batch.cursor
            seen += told(batch.entries)
            if not batch.entries and was_over:
                return seen

    followers = [asyncio.create_task(follow()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(5)))
    is_over.set()
    for seen in await asyncio.gather(*followers):
        assert sorted(seen) == sorted(committed)


async def test_a_commit_wakes_followers_and_a_rollback_does_not(database: Database) -> None:
    wakeups = Wakeups(None)
    outbox = Outbox(database, wakeups)
    async with wakeups.subscribe(outbox_channel("chassis")) as wakeup:
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as connection:
                await outbox.append(connection, WORKSPACE, "a", StringValue())
                raise ZeroDivisionError
        assert not await wakeup.wait(0)
        async with database.transaction() as connection:
            await outbox.append(connection, WORKSPACE, "a", StringValue())
            assert not await wakeup.wait(0)
        assert await wakeup.wait(0)


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "９", "1" * 19])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(errors.InvalidArgument):
        parse_cursor(cursor)
