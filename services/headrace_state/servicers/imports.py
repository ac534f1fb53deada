"""`RunImportService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace.api.v1 import run_import_pb2, run_import_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_state.repository.imports import Imports
from headrace_state.wire import imports as wire

Context = grpc.aio.ServicerContext[Any, Any]


class RunImportServicer(run_import_pb2_grpc.RunImportServiceServicer):
    """Takes over the history of runs that ended on another server."""

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    async def ImportRuns(
        self, request: run_import_pb2.ImportRunsRequest, context: Context
    ) -> run_import_pb2.ImportRunsResponse:
        """Store runs that have ended; all of a call, or nothing."""
        outcomes = await self._imports.store(current_caller().workspace_id, wire.to_past(request))
        return run_import_pb2.ImportRunsResponse(
            flow_runs=[wire.RESULTS[each] for each in outcomes.flow_runs],
            task_runs=[wire.RESULTS[each] for each in outcomes.task_runs],
            artifacts=[wire.RESULTS[each] for each in outcomes.artifacts],
        )
