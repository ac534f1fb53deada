from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from headrace_chassis import notify
from headrace_chassis.notify import Wakeups
from headrace_harness.cluster import Cluster


@pytest.fixture
async def pair(empty_database_url: str) -> AsyncIterator[tuple[Wakeups, Wakeups]]:
    async with Wakeups(empty_database_url) as one, Wakeups(empty_database_url) as other:
        await asyncio.gather(one.connected(), other.connected())
        yield one, other


async def test_a_wakeup_reaches_another_process(pair: tuple[Wakeups, Wakeups]) -> None:
    one, other = pair
    async with other.subscribe("work") as wakeup:
        # The subscription gets to Postgres a moment later; what comes before is found by the poll in real use.
        while not await wakeup.wait(0.05):
            one.notify("work")


async def test_a_wakeup_reaches_this_process_at_once_and_once(pair: tuple[Wakeups, Wakeups]) -> None:
    one, other = pair
    async with one.subscribe("work") as wakeup, other.subscribe("work") as witness:
        one.notify("work")
        assert await wakeup.wait(0)
        while not await witness.wait(0.05):
            one.notify("work")
        await wakeup.wait(0)
        # The echo of one's own NOTIFY has arrived by now, since the witness has it.
        assert not await wakeup.wait(0.05)


async def test_a_wakeup_is_remembered_until_it_is_waited_for() -> None:
    wakeups = Wakeups(None)
    async with wakeups.subscribe("work", "more") as wakeup:
        wakeups.notify("work")
        wakeups.notify("more")
        assert await wakeup.wait(0)
        assert not await wakeup.wait(0)


async def test_other_channels_do_not_wake(pair: tuple[Wakeups, Wakeups]) -> None:
    one, other = pair
    async with other.subscribe("a") as a, other.subscribe("b") as b:
        await b.wait(0)
        while not await a.wait(0.05):
            one.notify("a")
        assert not await b.wait(0)


async def test_many_notifications_leave_as_few(empty_database_url: str) -> None:
    listener = await asyncpg.connect(empty_database_url)
    heard: list[str] = []
    is_last = asyncio.Event()

    def hear(_connection: object, _pid: int, channel: str, _payload: object) -> None:
        heard.append(channel)
        if channel == "last":
            is_last.set()

    for channel in ("busy", "last"):
        await listener.add_listener(channel, hear)
    async with Wakeups(empty_database_url) as wakeups:
        await wakeups.connected()
        for _ in range(20):
            for _ in range(500):
                wakeups.notify("busy")
            await asyncio.sleep(0.002)
        wakeups.notify("last")
        await asyncio.wait_for(is_last.wait(), 60)
    await listener.close()
    # 40 ms and more of notifying, at most one in 10 ms and never none.
    assert 1 <= heard.count("busy") <= 20


async def test_pending_notifications_leave_before_the_end(empty_database_url: str) -> None:
    listener = await asyncpg.connect(empty_database_url)
    heard = asyncio.Event()
    await listener.add_listener("bye", lambda *_: heard.set())
    wakeups = Wakeups(empty_database_url)
    wakeups.start()
    await wakeups.connected()
    wakeups.notify("bye")
    await wakeups.close()
    await asyncio.wait_for(heard.wait(), 60)
    await listener.close()


async def test_the_number_of_waiting_channels_is_bounded(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "CHANNEL_LIMIT", 3)
    async with Wakeups(empty_database_url) as wakeups:
        for number in range(10):
            wakeups.notify(f"c{number}")
        assert len(wakeups._pending) == 3


async def test_a_channel_name_that_postgres_would_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="63"):
        async with Wakeups(None).subscribe("x" * 64):
            pass


async def test_the_connection_comes_back_after_a_restart_of_postgres_and_wakes_everyone() -> None:
    with Cluster.own() as cluster:
        async with (
            Wakeups(cluster.url) as one,
            Wakeups(cluster.url) as other,
            other.subscribe("work") as wakeup,
        ):
            await asyncio.gather(one.connected(), other.connected())
            await wakeup.wait(0)
            await asyncio.to_thread(cluster.stop)
            await asyncio.to_thread(cluster.start)
            # Something may have been missed, so everyone looks again.
            assert await wakeup.wait(20)
            await asyncio.gather(one.connected(), other.connected())
            while not await wakeup.wait(0.05):
                one.notify("work")
