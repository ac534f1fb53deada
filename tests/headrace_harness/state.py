"""A client of the state service with the words of tests."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    run_input_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
)
from headrace.ids import uuid7
from headrace.internal.v1 import state_pb2_grpc

SCHEDULED = state_pb2.STATE_TYPE_SCHEDULED
PENDING = state_pb2.STATE_TYPE_PENDING
RUNNING = state_pb2.STATE_TYPE_RUNNING
PAUSED = state_pb2.STATE_TYPE_PAUSED
CANCELLING = state_pb2.STATE_TYPE_CANCELLING
CANCELLED = state_pb2.STATE_TYPE_CANCELLED
COMPLETED = state_pb2.STATE_TYPE_COMPLETED
FAILED = state_pb2.STATE_TYPE_FAILED
CRASHED = state_pb2.STATE_TYPE_CRASHED


def a_state(state_type: int, name: str = "", message: str = "", **details: Any) -> state_pb2.State:
    """Return a state with a fresh id."""
    return state_pb2.State(
        state_id=str(uuid7()),
        type=state_pb2.StateType.ValueType(state_type),
        name=name,
        message=message,
        details=state_pb2.StateDetails(**details) if details else None,
    )


def now() -> Timestamp:
    """Return the time as a message."""
    stamp = Timestamp()
    stamp.GetCurrentTime()
    return stamp


class PlayedScheduler(deployment_pb2_grpc.DeploymentServiceServicer):
    """The scheduler as far as the state service asks it: for the deployments of a flow."""

    def __init__(self) -> None:
        self.deployments: list[deployment_pb2.Deployment] = []

    async def ListDeployments(
        self, request: deployment_pb2.ListDeploymentsRequest, context: object
    ) -> deployment_pb2.ListDeploymentsResponse:
        """Return the deployments of the flows asked for."""
        return deployment_pb2.ListDeploymentsResponse(
            deployments=[each for each in self.deployments if each.flow_id in request.filter.flow_ids]
        )


class StateClient:
    """Calls the state service.

    Args:
        channel: To its public address.
        internal_channel: As a neighbour has it.
    """

    def __init__(self, channel: grpc.aio.Channel, internal_channel: grpc.aio.Channel) -> None:
        self.flows = flow_pb2_grpc.FlowServiceStub(channel)
        self.runs = flow_run_pb2_grpc.FlowRunServiceStub(channel)
        self.task_runs = task_run_pb2_grpc.TaskRunServiceStub(channel)
        self.inputs = run_input_pb2_grpc.RunInputServiceStub(channel)
        self.record = task_run_pb2_grpc.RecordServiceStub(channel)
        self.internal = state_pb2_grpc.StateInternalServiceStub(internal_channel)

    async def create_run(
        self, state: state_pb2.State | None = None, *, flow_name: str = "etl", **fields: Any
    ) -> flow_run_pb2.CreateFlowRunResponse:
        """Create a flow run; SCHEDULED for now unless `state` says otherwise."""
        if "flow_id" not in fields:
            fields["flow_name"] = flow_name
        response: flow_run_pb2.CreateFlowRunResponse = await self.runs.CreateFlowRun(
            flow_run_pb2.CreateFlowRunRequest(state=state, **fields)
        )
        return response

    async def running_run(self, **fields: Any) -> flow_run_pb2.CreateFlowRunResponse:
        """Create a flow run that the caller executes."""
        return await self.create_run(a_state(RUNNING), **fields)

    async def get_run(self, flow_run_id: str) -> flow_run_pb2.FlowRun:
        """Return a flow run."""
        response = await self.runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id))
        return response.flow_run

    async def propose(
        self, flow_run_id: str, state: state_pb2.State, token: str = "", *, force: bool = False
    ) -> flow_run_pb2.ProposeFlowRunStateResponse:
        """Propose a state."""
        response: flow_run_pb2.ProposeFlowRunStateResponse = await self.runs.ProposeFlowRunState(
            flow_run_pb2.ProposeFlowRunStateRequest(
                flow_run_id=flow_run_id, state=state, attempt_token=token, force=force
            )
        )
        return response

    async def state_names(self, flow_run_id: str) -> list[str]:
        """Return the names of the states that a run went through."""
        response = await self.runs.ListFlowRunStates(
            flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=flow_run_id, page_size=200)
        )
        return [state.name for state in response.states]

    async def task_run(self, task_run_id: str) -> task_run_pb2.TaskRun:
        """Return a task run."""
        response = await self.task_runs.GetTaskRun(task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id))
        return response.task_run

    async def task_runs_of(self, flow_run_id: str) -> Sequence[task_run_pb2.TaskRun]:
        """Return the first task runs of a flow run, oldest first."""
        response = await self.task_runs.ListTaskRuns(
            task_run_pb2.ListTaskRunsRequest(
                filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]),
                sort=task_run_pb2.TASK_RUN_SORT_ID_ASC,
                page_size=200,
            )
        )
        return list(response.task_runs)


def new_id() -> str:
    """Return a new id as text."""
    return str(uuid7())


def any_token() -> str:
    """Return a token that no attempt has."""
    return str(uuid.uuid4())
