"""Measures what triggers on figures look at."""

from __future__ import annotations

from headrace_chassis.clock import Clock
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_notification.usecases.measuring import Measuring

INTERVAL_SECONDS = 15.0


class MeasureLoop(Loop):
    """Measures, in one process at a time.

    Args:
        measuring: Does it.
        clock: Tells up to when windows go.
        lease: What must be held.
        interval_seconds: How often.
    """

    name = "measure"
    interval_seconds = INTERVAL_SECONDS

    def __init__(self, measuring: Measuring, clock: Clock, lease: ServiceLease, interval_seconds: float) -> None:
        super().__init__(lease=lease)
        self.interval_seconds = interval_seconds
        self._measuring = measuring
        self._clock = clock

    async def tick(self) -> int | None:
        """Measure once."""
        await self._measuring.measure(self._clock.now())
        return 0
