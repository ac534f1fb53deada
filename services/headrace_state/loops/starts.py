"""Ends attempts whose infrastructure does not start."""

from __future__ import annotations

import logging

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.flow_runs import FlowRuns
from headrace_state.repository.starts import Starts
from headrace_state.usecases.starts import end_start

logger = logging.getLogger(__name__)

BATCH = 200


class StartTimeouts(Loop):
    """Once a second: claimed runs that are not running when the start time-out of their pool is over crash."""

    name = "start-timeouts"
    interval_seconds = 1.0

    def __init__(self, starts: Starts, flow_runs: FlowRuns, *, lease: ServiceLease | None = None) -> None:
        super().__init__(lease=lease)
        self._starts = starts
        self._flow_runs = flow_runs

    async def tick(self) -> int | None:
        """Look at a batch of deadlines."""
        reached = await self._starts.list_reached(BATCH)
        for deadline in reached:
            if await end_start(self._flow_runs, deadline):
                logger.info("flow run %s did not start in %g s", deadline.flow_run_id, deadline.timeout_seconds)
        if reached:
            await self._starts.drop([deadline.attempt_token for deadline in reached])
        return len(reached) if len(reached) == BATCH else 0
