"""Ends leases that were not renewed in time."""

from __future__ import annotations

import datetime
import logging

from headrace_chassis.clock import Clock
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.limits import Limits
from headrace_state.repository.upkeep import Upkeep
from headrace_state.usecases.upkeep import reap

logger = logging.getLogger(__name__)

BATCH = 200

_MOST_PAUSE_SECONDS = 5.0
"""Longer between two ticks means that this process, too, was unable to hear anybody."""


class LeaseReaper(Loop):
    """Once a second: attempts whose processes are gone crash, claims that nobody took up go back, clients lose slots.

    After its own start, and whenever the database or this process was away, holders get the time of a whole
    lease before anything is reaped: they could not renew.
    """

    name = "lease-reaper"
    interval_seconds = 1.0

    def __init__(
        self, upkeep: Upkeep, flow_runs: FlowRuns, limits: Limits, clock: Clock, *, lease: ServiceLease | None = None
    ) -> None:
        super().__init__(lease=lease)
        self._upkeep = upkeep
        self._flow_runs = flow_runs
        self._limits = limits
        self._clock = clock
        self._since: datetime.datetime | None = None
        self._last_tick: float | None = None

    async def tick(self) -> int | None:
        """Reap a batch of leases."""
        tick = self._clock.monotonic()
        if self._last_tick is not None and tick - self._last_tick > _MOST_PAUSE_SECONDS:
            self._since = None
        self._last_tick = tick
        try:
            return await self._reap()
        except Exception:
            self._since = None
            raise
        finally:
            self._last_tick = self._clock.monotonic()

    async def _reap(self) -> int:
        if self._since is None:
            self._since = await self._upkeep.now()
        await self._upkeep.drop_gone_waiters()
        expired = await self._upkeep.list_expired_leases(self._since, BATCH)
        reaped = 0
        for lease in expired:
            if await reap(self._flow_runs, self._limits, lease):
                reaped += 1
                logger.info("the lease of %s was lost", lease.flow_run_id or f"client {lease.lease_id}")
        return reaped if len(expired) == BATCH else 0
