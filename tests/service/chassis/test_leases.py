from __future__ import annotations

import asyncio

import pytest

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.leases import ServiceLease


async def expire(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("update service_lease set expires_at = clock_timestamp() - interval '1 second'")


async def test_one_of_many_holds_the_lease(database: Database) -> None:
    leases = [ServiceLease(database, "late", f"holder {number}") for number in range(5)]
    epochs = await asyncio.gather(*(lease.acquire_or_renew() for lease in leases))
    assert sorted(epoch for epoch in epochs if epoch is not None) == [1]


async def test_renewing_keeps_the_epoch(database: Database) -> None:
    lease = ServiceLease(database, "late", "a")
    assert [await lease.acquire_or_renew() for _ in range(3)] == [1, 1, 1]
    await expire(database)
    # Nobody else came in between, so nothing that was done under the epoch is in doubt.
    assert await lease.acquire_or_renew() == 1


async def test_each_change_of_holder_raises_the_epoch(database: Database) -> None:
    first, second = ServiceLease(database, "late", "a"), ServiceLease(database, "late", "b")
    assert await first.acquire_or_renew() == 1
    assert await second.acquire_or_renew() is None
    await expire(database)
    assert await second.acquire_or_renew() == 2
    assert await first.acquire_or_renew() is None
    await second.release()
    assert await first.acquire_or_renew() == 3


async def test_the_databases_clock_ends_a_lease(database: Database) -> None:
    first, second = ServiceLease(database, "late", "a", ttl=0.05), ServiceLease(database, "late", "b")
    await first.acquire_or_renew()
    async with database.connection() as connection:
        await connection.execute("select pg_sleep(0.06)")
    assert await second.acquire_or_renew() == 2


async def test_leases_of_other_names_are_other_leases(database: Database) -> None:
    assert await ServiceLease(database, "one", "a").acquire_or_renew() == 1
    assert await ServiceLease(database, "two", "b").acquire_or_renew() == 1


async def test_a_guarded_transaction_of_a_former_holder_fails(database: Database) -> None:
    former, present = ServiceLease(database, "late", "a"), ServiceLease(database, "late", "b")
    await former.acquire_or_renew()
    await expire(database)
    await present.acquire_or_renew()
    async with database.transaction() as connection:
        await present.guard(connection)
        with pytest.raises(errors.LeaseLost):
            await former.guard(connection)


async def test_a_guard_without_a_lease_fails(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(errors.LeaseLost) as caught:
            await ServiceLease(database, "late", "a").guard(connection)
    assert caught.value.reason == "SERVICE_LEASE_LOST"


async def test_a_take_over_waits_for_the_guarded_transaction(database: Database) -> None:
    holder, next_holder = ServiceLease(database, "late", "a", ttl=1.0), ServiceLease(database, "late", "b")
    await holder.acquire_or_renew()
    async with database.transaction() as connection:
        await holder.guard(connection)
        await connection.execute("select pg_sleep_until(expires_at + interval '10 ms') from service_lease")
        taking_over = asyncio.create_task(next_holder.acquire_or_renew())
        done, _ = await asyncio.wait([taking_over], timeout=0.1)
        assert not done
    assert await taking_over == 2
