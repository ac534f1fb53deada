from __future__ import annotations

import asyncio

from headrace_chassis.database import Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop, run_loops


class Guarded(Loop):
    """Writes its name under the guard of its lease."""

    name = "guarded"
    interval_seconds = 0.005

    def __init__(self, database: Database, holder: str) -> None:
        self.database = database
        self.held = ServiceLease(database, "guarded", holder, ttl=2.0)
        super().__init__(lease=self.held)

    async def tick(self) -> None:
        async with self.database.transaction() as connection:
            await self.held.guard(connection)
            await connection.execute("insert into done (epoch) values ($1)", self.held.epoch)


async def epochs(database: Database) -> list[int]:
    async with database.connection() as connection:
        return [row["epoch"] for row in await connection.fetch("select epoch from done order by place")]


async def test_one_replica_works_at_a_time_and_another_takes_over(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("create table done (place bigserial, epoch bigint)")
    replicas = [Guarded(database, f"replica {number}") for number in range(3)]
    stops = [asyncio.Event() for _ in replicas]
    tasks = [asyncio.create_task(run_loops([loop], stop)) for loop, stop in zip(replicas, stops, strict=True)]
    for _ in range(3):
        ticked = [asyncio.create_task(loop.ticked(3)) for loop in replicas]
        await asyncio.wait(ticked, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        for task in ticked:
            task.cancel()
        # The holder leaves in good order, and the next one need not wait for its lease to run out.
        holders = [number for number, loop in enumerate(replicas) if loop.held.epoch is not None]
        assert len(holders) == 1
        stops[holders[0]].set()
        await asyncio.wait_for(tasks[holders[0]], 60)
    written = await epochs(database)
    # Epochs never mix and never go back: each replica wrote its part, one after the other.
    assert written == sorted(written)
    assert set(written) == {1, 2, 3}


async def test_a_replica_that_was_replaced_cannot_write(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("create table done (place bigserial, epoch bigint)")
    paused = Guarded(database, "paused")
    await paused.held.acquire_or_renew()
    async with database.connection() as connection:
        await connection.execute("update service_lease set expires_at = clock_timestamp()")
    assert await ServiceLease(database, "guarded", "other").acquire_or_renew() == 2
    # It still believes in its epoch, as after a pause of the whole process.
    assert paused.held.epoch == 1
    stop = asyncio.Event()
    failing = asyncio.create_task(paused.ticked())
    task = asyncio.create_task(paused.run(stop))
    # It may fail, or find out first that the lease is another's.
    await asyncio.wait([failing], timeout=0.5)
    stop.set()
    await asyncio.wait_for(task, 60)
    failing.cancel()
    assert await epochs(database) == []
