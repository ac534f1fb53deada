"""Looks after runs that are due and were not claimed."""

from __future__ import annotations

import asyncio
import math

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.upkeep import Upkeep
from headrace_state.usecases.upkeep import give_way

BATCH = 200
LATE_AFTER_SECONDS = 15.0
MOST_SECONDS = 0.2
"""How long one look marks runs, beside the batch in hand."""
WHOLE_LOOK_SECONDS = 5.0
"""How often all that is due is looked at. In between only what became late since the last look is: of a long backlog,
and of rows that an open transaction keeps from being cleaned away, the rest is known already."""
MARGIN_SECONDS = 2.0
"""How much further back a look goes: runs may have been on their way whose transactions were not over."""


class Overdue(Loop):
    """Once a second: runs become Late, are skipped where they are too late, give way where they find no slot."""

    name = "overdue"
    interval_seconds = 1.0

    def __init__(self, upkeep: Upkeep, flow_runs: FlowRuns, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._upkeep = upkeep
        self._flow_runs = flow_runs
        self._looked_at = -math.inf
        """When all that was late then was known to be."""
        self._whole_look_at = -math.inf

    async def tick(self) -> int | None:
        """Look after runs, for a part of each second only: a long backlog has to be claimed meanwhile, too."""
        clock = asyncio.get_running_loop()
        begins_at = clock.time()
        until = begins_at + MOST_SECONDS
        is_whole = begins_at - self._whole_look_at >= WHOLE_LOOK_SECONDS
        within = None if is_whole else LATE_AFTER_SECONDS + begins_at - self._looked_at + MARGIN_SECONDS
        marked = BATCH
        while marked == BATCH and clock.time() < until:
            marked = await self._upkeep.mark_late(LATE_AFTER_SECONDS, BATCH, within)
        if marked < BATCH:
            self._looked_at = begins_at
            if is_whole:
                self._whole_look_at = begins_at
        for waiting in await self._upkeep.list_without_slots(BATCH):
            await give_way(self._flow_runs, self._upkeep, waiting.run, waiting.strategy)
        return 0
