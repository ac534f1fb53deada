"""Keeps the queue of background tasks going."""

from __future__ import annotations

import logging

from headrace_chassis.clock import Clock
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.background import BackgroundTasks

logger = logging.getLogger(__name__)

BATCH = 200
GRACE_SECONDS = 12.0
"""After its own start, and whenever the database or this process was away, task servers get this long to renew."""

_MOST_PAUSE_SECONDS = 5.0


class BackgroundUpkeep(Loop):
    """Once a second: what servers that have gone had goes to others, and what waited for others is let go."""

    name = "background-tasks"
    interval_seconds = 1.0

    def __init__(self, tasks: BackgroundTasks, clock: Clock, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._tasks = tasks
        self._clock = clock
        self._since: float | None = None
        self._last_tick: float | None = None

    async def tick(self) -> int | None:
        """Settle a batch."""
        now = self._clock.monotonic()
        if self._since is None or (self._last_tick is not None and now - self._last_tick > _MOST_PAUSE_SECONDS):
            self._since = now
        self._last_tick = now
        try:
            readied = await self._tasks.ready(BATCH)
            lost = 0
            if now - self._since >= GRACE_SECONDS:
                lost = await self._tasks.reap(BATCH)
                await self._tasks.drop_servers()
        except Exception:
            self._since = None
            raise
        if lost:
            logger.info("the servers of %d background tasks have gone", lost)
        return BATCH if BATCH in (lost, readied) else 0
