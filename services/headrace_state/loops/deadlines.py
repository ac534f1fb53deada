"""Ends pauses and cancellations that take too long."""

from __future__ import annotations

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.upkeep import Upkeep
from headrace_state.usecases.cancel import CANCELLATION_SECONDS
from headrace_state.usecases.upkeep import expire_pause, give_up_cancellation

BATCH = 200


class PauseExpiry(Loop):
    """Once a second: runs whose pause timed out fail."""

    name = "pause-expiry"
    interval_seconds = 1.0

    def __init__(self, upkeep: Upkeep, flow_runs: FlowRuns, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._upkeep = upkeep
        self._flow_runs = flow_runs

    async def tick(self) -> int | None:
        """End a batch of pauses."""
        runs = await self._upkeep.list_expired_pauses(BATCH)
        for run in runs:
            await expire_pause(self._flow_runs, run)
        return len(runs) if len(runs) == BATCH else 0


class CancellationEscalation(Loop):
    """Every five seconds: runs that do not stop are declared cancelled, and say what was outstanding.

    Args:
        upkeep: Finds them.
        flow_runs: Where they are.
        after_seconds: How long a run has to stop.
        lease: Ticks only while it is held.
    """

    name = "cancellation-escalation"
    interval_seconds = 5.0

    def __init__(
        self,
        upkeep: Upkeep,
        flow_runs: FlowRuns,
        *,
        after_seconds: float = CANCELLATION_SECONDS,
        lease: ServiceLease | None = None,
    ) -> None:
        super().__init__(lease=lease)
        self._upkeep = upkeep
        self._flow_runs = flow_runs
        self._after_seconds = after_seconds

    async def tick(self) -> int | None:
        """End a batch of cancellations."""
        runs = await self._upkeep.list_stuck_cancellations(self._after_seconds, BATCH)
        for run in runs:
            await give_up_cancellation(self._flow_runs, run, self._after_seconds)
        return len(runs) if len(runs) == BATCH else 0
