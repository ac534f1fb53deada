"""`ExplanationService`."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace.api.v1 import explanation_pb2 as pb
from headrace.api.v1 import explanation_pb2_grpc as pb_grpc
from headrace.api.v1 import state_pb2
from headrace_scheduler.rules import explanation
from headrace_scheduler.servicers.calls import actor
from headrace_scheduler.usecases.explain import explain_flow_run
from headrace_scheduler.usecases.workbench import Workbench
from headrace_scheduler.wire import explanations as wire
from headrace_scheduler.wire import values

Context = grpc.aio.ServicerContext[Any, Any]


class ExplanationServicer(pb_grpc.ExplanationServiceServicer):
    """Answers why a flow run is not running."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def ExplainFlowRun(self, request: pb.ExplainFlowRunRequest, context: Context) -> pb.ExplainFlowRunResponse:
        """Tell why a flow run is not running, and what can be done about it."""
        flow_run_id = values.to_id(request.flow_run_id, "flow_run_id")
        run, reasons = await explain_flow_run(self._bench, actor(), flow_run_id)
        assert isinstance(run.state, state_pb2.State)
        return pb.ExplainFlowRunResponse(
            flow_run_id=str(flow_run_id),
            state=run.state,
            summary=explanation.summary(reasons),
            reasons=[wire.from_reason(reason) for reason in reasons],
            healthy=explanation.is_healthy(reasons),
        )
