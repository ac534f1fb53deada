"""The state service as the log service sees it, played."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, state_pb2


class PlayedRuns(flow_run_pb2_grpc.FlowRunServiceServicer):
    """Flow runs of which a test says in which state they are."""

    def __init__(self) -> None:
        self.states: dict[str, state_pb2.StateType.ValueType] = {}
        self.parents: dict[str, str] = {}
        """Run -> the run that it is a child of."""
        self.deployments: dict[str, str] = {}
        """Run -> its deployment."""

    async def BatchGetFlowRuns(
        self, request: flow_run_pb2.BatchGetFlowRunsRequest, context: Any
    ) -> flow_run_pb2.BatchGetFlowRunsResponse:
        return flow_run_pb2.BatchGetFlowRunsResponse(
            flow_runs=[
                flow_run_pb2.FlowRun(
                    flow_run_id=run,
                    state=state_pb2.State(type=self.states.get(run, state_pb2.STATE_TYPE_COMPLETED)),
                    deployment_id=self.deployments.get(run, ""),
                    parent_flow_run_id=self.parents.get(run, ""),
                )
                for run in request.flow_run_ids
                if run in self.states or run in self.deployments or run in self.parents
            ]
        )

    async def ListFlowRuns(
        self, request: flow_run_pb2.ListFlowRunsRequest, context: Any
    ) -> flow_run_pb2.ListFlowRunsResponse:
        children = [run for run, parent in self.parents.items() if parent in request.filter.parent_flow_run_ids]
        return flow_run_pb2.ListFlowRunsResponse(flow_runs=[flow_run_pb2.FlowRun(flow_run_id=run) for run in children])
