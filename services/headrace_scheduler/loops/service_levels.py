"""Looks after what is promised of deployments."""

from __future__ import annotations

from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeups
from headrace_scheduler.loops.patient import PatientLoop
from headrace_scheduler.usecases.service_levels import MOST_LEVELS, check_service_levels, forget_violations
from headrace_scheduler.usecases.workbench import Workbench


class ServiceLevelLoop(PatientLoop):
    """Once a second: looks at the promises whose time has come, in one replica at a time."""

    name = "service-levels"
    interval_seconds = 1.0

    def __init__(self, bench: Workbench, wakeups: Wakeups, lease: ServiceLease) -> None:
        super().__init__(wakeups, lease=lease)
        self._bench = bench

    async def work(self) -> int:
        """Look at promises; again at once if there may be more."""
        looked = await check_service_levels(self._bench)
        return looked if looked == MOST_LEVELS else 0


class ForgetViolationsLoop(PatientLoop):
    """Once an hour: forgets what was broken long ago."""

    name = "forget-violations"
    interval_seconds = 3_600.0

    def __init__(self, bench: Workbench, wakeups: Wakeups, lease: ServiceLease) -> None:
        super().__init__(wakeups, lease=lease)
        self._bench = bench

    async def work(self) -> int:
        """Forget."""
        await forget_violations(self._bench)
        return 0
