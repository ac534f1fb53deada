from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace import errors
from headrace_chassis import loops
from headrace_chassis.loops import Loop, run_loops

LONG = 3600.0


class Counting(Loop):
    """Does what it is told, tick by tick."""

    name = "counting"

    def __init__(self, *results: int | Exception | None, interval: float = LONG, lease: Any = None) -> None:
        super().__init__(lease=lease)
        self.interval_seconds = interval
        self.results = list(results)
        self.calls = 0

    async def tick(self) -> int | None:
        self.calls += 1
        result = self.results.pop(0) if self.results else None
        if isinstance(result, Exception):
            raise result
        return result


class OneLease:
    """A lease that is given and taken by the test."""

    name, holder, ttl = "lease", "me", 0.03

    def __init__(self) -> None:
        self.is_free = False
        self.is_broken = False
        self.epoch: int | None = None
        self.is_released = False

    async def acquire_or_renew(self) -> int | None:
        if self.is_broken:
            raise errors.Unavailable("no database")
        self.epoch = 1 if self.is_free else None
        return self.epoch

    async def release(self) -> None:
        self.is_released = True


@contextlib.asynccontextmanager
async def running(*parts: Loop) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_loops(parts, stop))
    # The loops wait for what the test does next.
    await asyncio.sleep(0)
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def test_a_loop_ticks_at_once_and_when_woken() -> None:
    loop = Counting()
    first = asyncio.create_task(loop.ticked())
    await asyncio.sleep(0)
    async with running(loop):
        await asyncio.wait_for(first, 60)
        for _ in range(3):
            tick = asyncio.create_task(loop.ticked())
            await asyncio.sleep(0)
            loop.wake()
            await asyncio.wait_for(tick, 60)
    assert loop.ticks == 4


async def test_a_loop_ticks_at_its_interval() -> None:
    loop = Counting(interval=0.01)
    ticks = asyncio.create_task(loop.ticked(5))
    async with running(loop):
        await asyncio.wait_for(ticks, 60)


async def test_a_loop_goes_on_at_once_while_there_is_more_to_do() -> None:
    loop = Counting(500, 500, 3)
    ticks = asyncio.create_task(loop.ticked(4))
    async with running(loop):
        await asyncio.wait_for(ticks, 60)
    assert loop.calls == 4


async def test_stopping_waits_for_the_tick_in_progress() -> None:
    go_on, is_in = asyncio.Event(), asyncio.Event()

    class Slow(Loop):
        name = "slow"

        async def tick(self) -> None:
            is_in.set()
            await go_on.wait()

    loop, stop = Slow(), asyncio.Event()
    task = asyncio.create_task(run_loops([loop], stop))
    await is_in.wait()
    stop.set()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    await asyncio.wait_for(task, 60)
    assert loop.ticks == 1


async def test_a_failing_tick_is_logged_and_counted_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "MOST_BACKOFF_SECONDS", 0.01)
    loop = Counting(ZeroDivisionError("first"), errors.Unavailable("second"), 0)
    ticks = asyncio.create_task(loop.ticked(3))
    async with running(loop):
        await asyncio.wait_for(ticks, 60)
    assert (loop.ticks, loop.failures) == (1, 2)
    first, second = [record for record in caplog.records if "failed" in record.message]
    assert (first.levelno, first.exc_info is not None) == (logging.ERROR, True)
    # The database being away is not a fault of the loop and needs no stack.
    assert (second.levelno, second.exc_info) == (logging.WARNING, None)
    assert "2 in a row" in second.message


async def test_a_loop_waits_less_long_for_what_is_away_than_after_faults() -> None:
    away = Counting(*[errors.Unavailable("no database")] * 10, interval=1.0)
    faulty = Counting(*[ZeroDivisionError()] * 10, interval=1.0)
    delays = {loop: [(await loop._tick_once())[1] for _ in range(10)] for loop in (away, faulty)}
    assert delays[away][:3] == [2.0, 4.0, loops.MOST_AWAY_SECONDS]
    assert (delays[away][-1], delays[faulty][-1]) == (loops.MOST_AWAY_SECONDS, loops.MOST_BACKOFF_SECONDS)


async def test_wakeups_do_not_hurry_a_loop_that_fails() -> None:
    loop = Counting(*[ZeroDivisionError()] * 50, interval=10.0)
    first = asyncio.create_task(loop.ticked())
    async with running(loop):
        await asyncio.wait_for(first, 60)
        for _ in range(20):
            loop.wake()
            await asyncio.sleep(0.001)
        assert loop.calls == 1


async def test_one_failing_loop_does_not_stop_the_others() -> None:
    failing, other = Counting(ZeroDivisionError()), Counting(interval=0.01)
    ticks = asyncio.create_task(other.ticked(3))
    async with running(failing, other):
        await asyncio.wait_for(ticks, 60)


async def test_a_loop_with_a_lease_ticks_only_while_it_holds_it() -> None:
    lease = OneLease()
    loop = Counting(interval=0.005, lease=lease)
    async with running(loop):
        await asyncio.sleep(0.05)
        assert loop.calls == 0
        lease.is_free = True
        await asyncio.wait_for(loop.ticked(2), 60)
        lease.is_broken = True
        await asyncio.sleep(2 * lease.ttl)
        assert lease.epoch is None
        calls = loop.calls
        await asyncio.sleep(0.05)
        assert loop.calls <= calls + 1
        lease.is_broken = False
        await asyncio.wait_for(loop.ticked(2), 60)
    assert lease.is_released


async def test_getting_the_lease_wakes_the_loop() -> None:
    lease = OneLease()
    loop = Counting(interval=LONG, lease=lease)
    async with running(loop):
        await asyncio.sleep(0.01)
        lease.is_free = True
        await asyncio.wait_for(loop.ticked(), 60)
