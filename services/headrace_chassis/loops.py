"""Background loops: what happens without a caller.

A loop ticks at its interval with jitter, at once when woken, and again at once while there is more to do.
A tick that fails is logged and counted, and the next one waits longer; a loop never dies of it.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import logging
import random
from collections.abc import Sequence
from typing import ClassVar

from headrace_chassis import telemetry
from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeup

logger = logging.getLogger(__name__)

JITTER = 0.1
"""Intervals vary by this share either way, so that replicas do not tick in step."""

MOST_BACKOFF_SECONDS = 60.0


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
        stopper = asyncio.create_task(self._wake_on(stop))
        failures_in_a_row = 0
        try:
            while not stop.is_set():
                delay = self.interval_seconds
                try:
                    if await self._may_tick():
                        done = await self.tick()
                        self.ticks += 1
                        telemetry.loop_ticks.add(1, {"loop": self.name, "outcome": "ok"})
                        if done:
                            delay = 0.0
                    failures_in_a_row = 0
                except Exception:
                    self.failures += 1
                    failures_in_a_row += 1
                    telemetry.loop_ticks.add(1, {"loop": self.name, "outcome": "error"})
                    logger.exception("the loop %s failed (%d in a row)", self.name, failures_in_a_row)
                    delay = min(max(delay, 0.1) * 2.0**failures_in_a_row, MOST_BACKOFF_SECONDS)
                await self._tell()
                if delay == 0.0:
                    await asyncio.sleep(0)
                elif not stop.is_set():
                    await self._wakeup.wait(delay * random.uniform(1 - JITTER, 1 + JITTER))
        finally:
            stopper.cancel()
            if self.lease is not None and self.lease.epoch is not None:
                # The next holder would otherwise wait for the lease to expire; if this fails it does just that.
                with contextlib.suppress(Exception):
                    await self.lease.release()

    async def _may_tick(self) -> bool:
        return self.lease is None or await self.lease.acquire_or_renew() is not None

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wakeup.set()

    async def _tell(self) -> None:
        async with self._progress:
            self._progress.notify_all()


async def run_loops(loops: Sequence[Loop], stop: asyncio.Event) -> None:
    """Run all `loops` until `stop` is set and their ticks in progress have ended."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop.run(stop), name=f"loop {loop.name}")
