"""Loops that are woken by signals, and that stay at their pace while a neighbour is away."""

from __future__ import annotations

import abc
import asyncio
import logging
from typing import ClassVar

from headrace import errors
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups

logger = logging.getLogger(__name__)


class PatientLoop(Loop):
    """Ticks at its interval and when one of its channels is woken.

    While the state service or the database is away it goes on at its interval, instead of waiting ever longer as
    after faults: what it does is due as soon as they are back.

    Args:
        wakeups: Where channels are woken.
        lease: Tick only while this lease is held; None ticks in every replica.
    """

    channels: ClassVar[tuple[str, ...]] = ()

    def __init__(self, wakeups: Wakeups, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._wakeups = wakeups
        self._is_cut_off = False

    async def run(self, stop: asyncio.Event) -> None:
        """Tick until `stop` is set; the tick in progress is finished first."""
        async with self._wakeups.subscribe(*self.channels) as wakeup:
            self._wakeup = wakeup
            await super().run(stop)

    async def tick(self) -> int | None:
        """Do what is due."""
        try:
            done = await self.work()
        except (errors.Unavailable, errors.DeadlineExceeded) as error:
            if not self._is_cut_off:
                logger.warning("the loop %s waits for what it needs: %s", self.name, error)
            self._is_cut_off = True
            return 0
        if self._is_cut_off:
            logger.info("the loop %s goes on", self.name)
        self._is_cut_off = False
        return done

    @abc.abstractmethod
    async def work(self) -> int | None:
        """Do what is due; see `Loop.tick`.

        Raises:
            errors.Unavailable: Something that is needed does not answer.
        """
