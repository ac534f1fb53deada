"""Tries what is queued: a bounded number at once, a few for each of those that it is for."""

from __future__ import annotations

import abc
import asyncio
import collections
import logging
import uuid
from collections.abc import Sequence
from typing import Generic, TypeVar

from headrace_chassis.loops import Loop
from headrace_chassis.notify import Pace, Wakeups
from headrace_notification.loops.waking import run_woken

logger = logging.getLogger(__name__)

Queued = TypeVar("Queued")
"""What is tried."""


class TryLoop(Loop, abc.ABC, Generic[Queued]):
    """Claims what is due and tries it. Every process does; a claim is one process's until it expires.

    Args:
        wakeups: Tells when there is something new.
        channel: On which channel.
    """

    interval_seconds = 1.0
    most_at_once: int
    most_of_one: int
    """How many at once for each of those that they are for."""

    def __init__(self, wakeups: Wakeups, channel: str) -> None:
        super().__init__()
        self._wakeups = wakeups
        self._channel = channel
        self._under_way: dict[asyncio.Task[None], uuid.UUID] = {}

    @abc.abstractmethod
    async def claim(self, room: int, busy: Sequence[uuid.UUID]) -> list[Queued]:
        """Claim at most `room`, none for the busy ones."""

    @abc.abstractmethod
    def names(self, queued: Queued) -> tuple[uuid.UUID, uuid.UUID]:
        """Return the id of a claimed one, and the id of what it is for."""

    @abc.abstractmethod
    async def attempt(self, queued: Queued) -> None:
        """Try a claimed one, and store what came of it."""

    async def run(self, stop: asyncio.Event) -> None:
        """Try until `stop` is set and the tries in progress have ended; they are bounded in time."""
        # What is queued was gathered before, and is waited for.
        pace = Pace(gather_seconds=0.0, interval_seconds=0.02)
        await run_woken(self, super().run(stop), self._wakeups, self._channel, pace)
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def tick(self) -> int | None:
        """Start as many tries as there is room for."""
        room = self.most_at_once - len(self._under_way)
        if room <= 0:
            return 0
        counts = collections.Counter(self._under_way.values())
        claimed = await self.claim(room, [one for one, count in counts.items() if count >= self.most_of_one])
        for queued in claimed:
            own_id, for_id = self.names(queued)
            task = asyncio.create_task(self._try(queued, own_id), name=f"delivery {own_id}")
            self._under_way[task] = for_id
            task.add_done_callback(self._ended)
        # A full house is looked at again when a try ends; else there may be more, for the same or for others.
        return len(claimed) if len(self._under_way) < self.most_at_once else 0

    async def _try(self, queued: Queued, own_id: uuid.UUID) -> None:
        try:
            await self.attempt(queued)
        except Exception:
            # Not known what came of it: its claim expires, and it is tried again.
            logger.exception("the outcome of delivery %s could not be stored", own_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self.wake()
