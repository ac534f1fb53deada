from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence

import pytest

from headrace import errors
from headrace.ids import uuid7
from headrace_log.repository import Outcome
from headrace_log.rules.records import Batch
from headrace_log.usecases.ingest import MOST_GROUP_RECORDS, WORTHWHILE_RECORDS, Ingest

NOW = datetime.datetime(2026, 3, 5, tzinfo=datetime.UTC)
WORKSPACE = uuid7()


def a_batch(sequence: int, *, size_bytes: int = 10, process_id: str = "p", records: int = 1) -> Batch:
    return Batch(WORKSPACE, [b"row"] * records, frozenset(), NOW, NOW, size_bytes, process_id, sequence)


class GatedStore:
    """Stores when it is let, and fails what it is told to."""

    def __init__(self) -> None:
        self.gate = asyncio.Semaphore(0)
        self.entered = asyncio.Event()
        self.entries = asyncio.Queue[None]()
        self.groups: list[list[int]] = []
        self.bad: set[int] = set()
        self.error: Exception | None = None

    async def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        self.entered.set()
        self.entries.put_nowait(None)
        await self.gate.acquire()
        if self.error is not None:
            raise self.error
        if any(batch.sequence in self.bad for batch in batches):
            raise errors.InvalidArgument("cannot be stored")
        self.groups.append([batch.sequence for batch in batches])
        return [Outcome.STORED] * len(batches)


async def test_what_comes_while_a_group_is_committed_is_the_next_group() -> None:
    store = GatedStore()
    async with Ingest(store) as ingest:
        first = await ingest.submit(a_batch(1))
        await store.entered.wait()
        rest = [await ingest.submit(a_batch(sequence)) for sequence in range(2, 6)]
        store.gate.release()
        assert await first is Outcome.STORED
        store.gate.release()
        await asyncio.gather(*rest)
    assert store.groups == [[1], [2, 3, 4, 5]]


async def test_many_records_of_two_writers_are_committed_side_by_side_and_those_of_one_in_order() -> None:
    store = GatedStore()
    many = WORTHWHILE_RECORDS // 2
    async with Ingest(store) as ingest:
        futures = [await ingest.submit(a_batch(1, process_id="first", records=many))]
        await store.entered.wait()
        futures += [await ingest.submit(a_batch(number, process_id="first", records=many)) for number in (2, 3)]
        futures += [await ingest.submit(a_batch(number, process_id="other", records=many)) for number in (11, 12)]
        for _ in range(2):
            await store.entries.get()
        for _ in range(3):
            store.gate.release()
        await asyncio.gather(*futures)
    assert store.groups == [[1], [11, 12], [2, 3]]


async def test_a_writer_that_never_stops_keeps_no_other_from_its_turn() -> None:
    store = GatedStore()
    async with Ingest(store) as ingest:
        first = await ingest.submit(a_batch(1, process_id="first"))
        await store.entered.wait()
        writers = ("first", "second", "third")
        rest = [
            await ingest.submit(a_batch(number, process_id=writer, records=MOST_GROUP_RECORDS))
            for number in range(2, 6)
            for writer in writers
        ]
        for _ in range(1 + len(rest)):
            store.gate.release()
        await asyncio.gather(first, *rest)
    # Each of the writers had its turn before any had its next but one.
    turns = [group[0] for group in store.groups[1:]]
    assert max(place for place, turn in enumerate(turns) if turn == 2) < min(
        place for place, turn in enumerate(turns) if turn == 4
    )


async def test_one_bad_batch_costs_no_other() -> None:
    store = GatedStore()
    store.bad = {2}
    for _ in range(4):
        store.gate.release()
    async with Ingest(store) as ingest:
        futures = [await ingest.submit(a_batch(sequence)) for sequence in (1, 2, 3)]
        results = await asyncio.gather(*futures, return_exceptions=True)
    assert [results[0], results[2]] == [Outcome.STORED, Outcome.STORED]
    assert isinstance(results[1], errors.InvalidArgument)
    assert store.groups == [[1], [3]]


@pytest.mark.parametrize("error", [errors.Unavailable("gone"), RuntimeError("a fault")])
async def test_after_a_failure_the_next_group_is_tried(error: Exception) -> None:
    store = GatedStore()
    store.error = error
    store.gate.release()
    async with Ingest(store) as ingest:
        with pytest.raises(type(error)):
            await (await ingest.submit(a_batch(1)))
        store.error = None
        store.gate.release()
        assert await (await ingest.submit(a_batch(1))) is Outcome.STORED
        await ingest.check()


async def test_a_writer_waits_outside_while_too_much_is_under_way() -> None:
    store = GatedStore()
    async with Ingest(store, most_pending_bytes=100) as ingest:
        futures = [await ingest.submit(a_batch(1, size_bytes=60))]
        waiting = asyncio.create_task(ingest.submit(a_batch(2, size_bytes=60)))
        # The first leaves the queue for its commit; the second may then come in, the third may not.
        futures.append(await waiting)
        blocked = asyncio.create_task(ingest.submit(a_batch(3, size_bytes=60)))
        await asyncio.sleep(0.02)
        assert not blocked.done()
        for _ in range(3):
            store.gate.release()
        futures.append(await blocked)
        assert await asyncio.gather(*futures) == [Outcome.STORED] * 3
    assert store.groups == [[1], [2], [3]]


async def test_a_batch_larger_than_all_room_is_still_taken() -> None:
    store = GatedStore()
    store.gate.release()
    async with Ingest(store, most_pending_bytes=100) as ingest:
        assert await (await ingest.submit(a_batch(1, size_bytes=1000))) is Outcome.STORED


async def test_what_waits_when_it_closes_may_be_sent_again() -> None:
    store = GatedStore()
    ingest = Ingest(store)
    ingest.start()
    futures = [await ingest.submit(a_batch(1))]
    await store.entered.wait()
    futures.append(await ingest.submit(a_batch(2)))
    await ingest.close()
    for result in await asyncio.gather(*futures, return_exceptions=True):
        assert isinstance(result, errors.Unavailable)
    with pytest.raises(errors.Unavailable):
        await ingest.check()
