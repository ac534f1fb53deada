"""Looks after runs that are due and were not claimed."""

from __future__ import annotations

import asyncio

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.upkeep import Upkeep
from headrace_state.usecases.upkeep import give_way

BATCH = 200
LATE_AFTER_SECONDS = 15.0
MOST_SECONDS = 0.2
"""How long one look marks runs, beside the batch in hand."""


class Overdue(Loop):
    """Once a second: runs become Late, are skipped where they are too late, give way where they find no slot."""

    name = "overdue"
    interval_seconds = 1.0

    def __init__(self, upkeep: Upkeep, flow_runs: FlowRuns, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._upkeep = upkeep
        self._flow_runs = flow_runs

    async def tick(self) -> int | None:
        """Look after runs, for a part of each second only: a long backlog has to be claimed meanwhile, too."""
        clock = asyncio.get_running_loop()
        until = clock.time() + MOST_SECONDS
        marked = BATCH
        while marked == BATCH and clock.time() < until:
            marked = await self._upkeep.mark_late(LATE_AFTER_SECONDS, BATCH)
        for waiting in await self._upkeep.list_without_slots(BATCH):
            await give_way(self._flow_runs, self._upkeep, waiting.run, waiting.strategy)
        return 0
