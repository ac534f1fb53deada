"""Background loops: what happens without a caller.

A loop ticks at its interval with jitter, at once when woken, and again at once while there is more to do.
A tick that fails is logged and counted, and the next one waits longer; a loop never dies of it. A loop
with a lease ticks in one replica at a time; the lease is renewed beside the ticks, however long they are.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import math
import random
import time
import uuid
from collections.abc import Sequence
from typing import ClassVar

from headrace import errors
from headrace_chassis import metrics, telemetry
from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeup

logger = logging.getLogger(__name__)

JITTER = 0.1
"""Intervals vary by this share either way, so that replicas do not tick in step."""

MOST_BACKOFF_SECONDS = 60.0

MOST_AWAY_SECONDS = 5.0
"""The same while what a loop needs is away: what it does is due as soon as that is back."""


class Loop(abc.ABC):
    """One background loop. Subclasses set `name` and `interval_seconds` and write `tick`.

    Args:
        lease: Tick only while this lease is held; None ticks in every replica.
    """

    name: ClassVar[str]
    interval_seconds: float = 1.0

    def __init__(self, *, lease: ServiceLease | None = None) -> None:
        self.lease = lease
        self.ticks = 0
        """Ticks that ended without an error."""
        self.failures = 0
        """Ticks that ended with one."""
        self._wakeup = Wakeup()
        self._progress = asyncio.Condition()
        self._failures_in_a_row = 0

    @abc.abstractmethod
    async def tick(self) -> int | None:
        """Do what is due.

        Returns:
            How much was done. Above 0 means that there may be more and ticks again at once; 0 or None
            waits for the interval or a wakeup.
        """

    def wake(self) -> None:
        """Tick now, or once more right after the tick in progress."""
        self._wakeup.set()

    async def ticked(self, count: int = 1) -> None:
        """Return once `count` further ticks have ended, well or badly. For tests, in place of sleeping."""
        async with self._progress:
            goal = self.ticks + self.failures + count
            await self._progress.wait_for(lambda: self.ticks + self.failures >= goal)

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; the tick in progress is finished first."""
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._wake_on(stop))]
            if self.lease is not None:
                helpers.append(group.create_task(self._keep_lease(self.lease)))
            while not stop.is_set():
                failed, delay = await self._tick_once()
                if delay == 0.0:
                    # Others get their turn even while there is always more to do.
                    await asyncio.sleep(0)
                elif failed:
                    # Wakeups do not shorten this: what fails is not tried faster because more of it comes in.
                    await _wait(stop, _vary(delay))
                elif not stop.is_set():
                    await self._wakeup.wait(_vary(delay))
            for helper in helpers:
                helper.cancel()
        if self.lease is not None and self.lease.epoch is not None:
            # The next holder would otherwise wait for the lease to expire; if this fails it does just that.
            with contextlib.suppress(errors.HeadraceError):
                await self.lease.release()

    async def _tick_once(self) -> tuple[bool, float]:
        """Tick, and return whether it failed and the seconds until the next one."""
        failed, delay, outcome = False, self.interval_seconds, "ok"
        started = time.perf_counter()
        telemetry.correlation_id.set(f"{self.name}-{uuid.uuid4().hex[:16]}")
        try:
            if self.lease is not None and self.lease.epoch is None:
                # `_keep_lease` wakes the loop as soon as it has got the lease.
                outcome = "waiting"
            else:
                if await self.tick():
                    delay = 0.0
                self.ticks += 1
                self._failures_in_a_row = 0
        except Exception as error:
            failed, outcome = True, "error"
            self.failures += 1
            self._failures_in_a_row += 1
            most = MOST_AWAY_SECONDS if isinstance(error, errors.Unavailable) else math.inf
            delay = min(max(delay, 0.1) * 2.0 ** min(self._failures_in_a_row, 16), most, MOST_BACKOFF_SECONDS)
            is_expected = isinstance(error, errors.Unavailable | errors.LeaseLost)
            logger.log(
                logging.WARNING if is_expected else logging.ERROR,
                "the loop %s failed (%d in a row): %s",
                self.name,
                self._failures_in_a_row,
                error,
                exc_info=None if is_expected else error,
            )
        metrics.loop_ticks.add(1, {"loop": self.name, "outcome": outcome})
        metrics.loop_seconds.record(time.perf_counter() - started, {"loop": self.name})
        async with self._progress:
            self._progress.notify_all()
        return failed, delay

    async def _keep_lease(self, lease: ServiceLease) -> None:
        while True:
            held = lease.epoch is not None
            try:
                await lease.acquire_or_renew()
            except errors.HeadraceError as error:
                # The lease may run out before it can be renewed, so it counts as lost at once.
                lease.epoch = None
                logger.warning("the loop %s cannot renew its lease: %s", self.name, error)
            if lease.epoch is not None and not held:
                self._wakeup.set()
            await asyncio.sleep(_vary(lease.ttl / 3))

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wakeup.set()


def _vary(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def run_loops(loops: Sequence[Loop], stop: asyncio.Event) -> None:
    """Run all `loops` until `stop` is set and their ticks in progress have ended."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop.run(stop), name=f"loop {loop.name}")
