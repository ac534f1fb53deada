"""Takes away what nothing needs any more."""

from __future__ import annotations

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.limits import Limits

BATCH = 1_000


class KeyedLimitSweep(Loop):
    """Once a minute: limits of keys go that no run needs any more."""

    name = "keyed-limit-sweep"
    interval_seconds = 60.0

    def __init__(self, limits: Limits, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._limits = limits

    async def tick(self) -> int | None:
        """Delete a batch of limits."""
        gone = await self._limits.sweep_keyed(BATCH)
        return gone if gone == BATCH else 0
