"""Makes the runs of schedules, and tells the state service what changed."""

from __future__ import annotations

from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeups
from headrace_scheduler.loops.patient import PatientLoop
from headrace_scheduler.repository.wakeups import SCHEDULES
from headrace_scheduler.usecases.errands import ErrandRunner
from headrace_scheduler.usecases.materialise import make_due_runs
from headrace_scheduler.usecases.workbench import Workbench

MOST_ERRANDS = 100


class MaterialiseLoop(PatientLoop):
    """Makes the runs of schedules that need them, in one replica at a time."""

    name = "materialise-schedules"
    interval_seconds = 1.0
    channels = (SCHEDULES,)

    def __init__(self, bench: Workbench, wakeups: Wakeups, lease: ServiceLease) -> None:
        super().__init__(wakeups, lease=lease)
        self._bench = bench

    async def work(self) -> int:
        """Look at those schedules that are due; return how many."""
        return await make_due_runs(self._bench)


class ErrandLoop(PatientLoop):
    """Tells the state service what could not be told at once."""

    name = "errands"
    interval_seconds = 1.0

    def __init__(self, errands: ErrandRunner, wakeups: Wakeups) -> None:
        super().__init__(wakeups)
        self._errands = errands

    async def work(self) -> int:
        """Do errands that were left over; return how many."""
        return await self._errands.run_open(MOST_ERRANDS)
