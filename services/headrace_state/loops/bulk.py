"""Carries bulk operations on."""

from __future__ import annotations

import logging

from headrace import errors
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.bulk import BulkOperations
from headrace_state.repository.flow_runs import FlowRunReads, FlowRuns
from headrace_state.usecases.bulk import advance
from headrace_state.wire.filters import flow_run_filter_from_json

logger = logging.getLogger(__name__)

BATCH = 50
"""Runs that are changed before it is noted how far an operation has come, and the next operation has its turn."""
KEPT_DAYS = 90.0


class BulkRunner(Loop):
    """Once a second, and at once while there is more to do: a stretch of each bulk operation in turn."""

    name = "bulk-operations"
    interval_seconds = 1.0

    def __init__(
        self,
        operations: BulkOperations,
        flow_runs: FlowRuns,
        reads: FlowRunReads,
        *,
        lease: ServiceLease | None = None,
    ) -> None:
        super().__init__(lease=lease)
        self._operations = operations
        self._flow_runs = flow_runs
        self._reads = reads

    async def tick(self) -> int | None:
        """Carry on the operation that waited longest."""
        operation = await self._operations.find_unfinished()
        if operation is None:
            return await self._operations.drop_ended(KEPT_DAYS, BATCH)
        try:
            chosen = flow_run_filter_from_json(operation["filter"])
        except errors.InvalidArgument as error:
            # Stored by a server that knew more; it must not stand in the way of the others.
            logger.error("the bulk operation %s cannot be read: %s", operation["bulk_operation_id"], error)
            await self._operations.cancel(operation["workspace_id"], operation["bulk_operation_id"])
            return 1
        await advance(self._operations, self._flow_runs, self._reads, operation, chosen, BATCH)
        return 1
