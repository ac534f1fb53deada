"""Brings backfills on."""

from __future__ import annotations

from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeups
from headrace_scheduler.loops.patient import PatientLoop
from headrace_scheduler.repository.wakeups import BACKFILLS
from headrace_scheduler.usecases.advance_backfills import advance_backfills
from headrace_scheduler.usecases.workbench import Workbench


class BackfillLoop(PatientLoop):
    """Twice a second: makes the next runs of backfills and counts those that are over, in one replica at a time."""

    name = "backfills"
    interval_seconds = 0.5
    channels = (BACKFILLS,)

    def __init__(self, bench: Workbench, wakeups: Wakeups, lease: ServiceLease) -> None:
        super().__init__(wakeups, lease=lease)
        self._bench = bench

    async def work(self) -> int:
        """Bring backfills on."""
        await advance_backfills(self._bench)
        return 0
