"""State and scheduler as the notification service sees them, played."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.message import Message

from headrace import errors
from headrace.api.v1 import (
    deployment_pb2,
    deployment_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    run_input_pb2,
    run_input_pb2_grpc,
    run_insight_pb2,
    run_insight_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
    variable_pb2,
    variable_pb2_grpc,
    work_pool_pb2,
    work_pool_pb2_grpc,
)
from headrace.ids import DEFAULT_WORKSPACE_ID, uuid7
from headrace.internal.v1 import changes_pb2, outbox_pb2, outbox_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_draining

KEY = "0123456789abcdef" * 4
"""The key that secrets are encrypted with."""


class PlayedOutbox(outbox_pb2_grpc.OutboxServiceServicer):
    """An outbox into which a test puts entries."""

    def __init__(self) -> None:
        self.entries: list[outbox_pb2.OutboxEntry] = []
        self.asked: list[outbox_pb2.FollowOutboxRequest] = []
        self._changed = asyncio.Condition()

    async def tell(self, kind: str, payload: Message, workspace_id: uuid.UUID = DEFAULT_WORKSPACE_ID) -> None:
        """Add an entry."""
        entry = outbox_pb2.OutboxEntry(
            position=len(self.entries) + 1,
            workspace_id=str(workspace_id),
            kind=kind,
            payload=payload.SerializeToString(),
        )
        entry.recorded_at.FromDatetime(datetime.datetime.now(datetime.UTC))
        async with self._changed:
            self.entries.append(entry)
            self._changed.notify_all()

    async def FollowOutbox(
        self, request: outbox_pb2.FollowOutboxRequest, context: Any
    ) -> AsyncIterator[outbox_pb2.FollowOutboxResponse]:
        self.asked.append(request)
        draining = current_draining()
        position = int(request.cursor or 0)
        if position > len(self.entries):
            raise errors.FailedPrecondition("ahead", reason="CURSOR_AHEAD")
        while not draining.is_set():
            fresh = self.entries[position:]
            position += len(fresh)
            # Without entries it is a sign of life, more often than in earnest.
            yield outbox_pb2.FollowOutboxResponse(
                entries=[entry for entry in fresh if entry.kind in request.kinds], cursor=str(position)
            )
            async with self._changed:
                try:
                    async with asyncio.timeout(0.2):
                        while len(self.entries) <= position:
                            await self._changed.wait()
                except TimeoutError:
                    continue


class PlayedState(
    flow_run_pb2_grpc.FlowRunServiceServicer,
    run_input_pb2_grpc.RunInputServiceServicer,
    task_run_pb2_grpc.TaskRunServiceServicer,
    variable_pb2_grpc.VariableServiceServicer,
):
    """Flow runs, task runs and variables, and what was asked to be done to them."""

    def __init__(self) -> None:
        self.runs: dict[str, flow_run_pb2.FlowRun] = {}
        self.task_runs: dict[str, task_run_pb2.TaskRun] = {}
        self.variables: dict[str, variable_pb2.Variable] = {}
        self.proposed: list[flow_run_pb2.ProposeFlowRunStateRequest] = []
        self.cancelled: list[flow_run_pb2.CancelFlowRunRequest] = []
        self.inputs: list[run_input_pb2.CreateRunInputRequest] = []
        self.callers: list[tuple[uuid.UUID, str, str]] = []
        self.verdicts: list[state_pb2.Verdict] = []
        self.waiting = 0
        self.counted: list[flow_run_pb2.FlowRunFilter] = []
        self.steered: list[Any] = []

    def _note(self) -> None:
        caller = current_caller()
        self.callers.append((caller.workspace_id, caller.principal_id, caller.display_name))

    async def GetFlowRun(
        self, request: flow_run_pb2.GetFlowRunRequest, context: Any
    ) -> flow_run_pb2.GetFlowRunResponse:
        if request.flow_run_id not in self.runs:
            raise errors.NotFound("there is no such flow run")
        return flow_run_pb2.GetFlowRunResponse(flow_run=self.runs[request.flow_run_id])

    async def CountFlowRuns(
        self, request: flow_run_pb2.CountFlowRunsRequest, context: Any
    ) -> flow_run_pb2.CountFlowRunsResponse:
        self.counted.append(request.filter)
        counts = [flow_run_pb2.StateCount(type=state_pb2.STATE_TYPE_SCHEDULED, count=self.waiting)]
        return flow_run_pb2.CountFlowRunsResponse(counts=counts)

    async def ListTaskRuns(
        self, request: task_run_pb2.ListTaskRunsRequest, context: Any
    ) -> task_run_pb2.ListTaskRunsResponse:
        found = [self.task_runs[one] for one in request.filter.task_run_ids if one in self.task_runs]
        return task_run_pb2.ListTaskRunsResponse(task_runs=found)

    async def ListVariables(
        self, request: variable_pb2.ListVariablesRequest, context: Any
    ) -> variable_pb2.ListVariablesResponse:
        found = [self.variables[name] for name in request.names if name in self.variables]
        return variable_pb2.ListVariablesResponse(variables=found)

    async def ProposeFlowRunState(
        self, request: flow_run_pb2.ProposeFlowRunStateRequest, context: Any
    ) -> flow_run_pb2.ProposeFlowRunStateResponse:
        self._note()
        self.proposed.append(request)
        return flow_run_pb2.ProposeFlowRunStateResponse(verdict=self._verdict(request.state))

    async def CancelFlowRun(
        self, request: flow_run_pb2.CancelFlowRunRequest, context: Any
    ) -> flow_run_pb2.CancelFlowRunResponse:
        self._note()
        self.cancelled.append(request)
        return flow_run_pb2.CancelFlowRunResponse(verdict=self._verdict(state_pb2.State(name="Cancelling")))

    async def CreateRunInput(
        self, request: run_input_pb2.CreateRunInputRequest, context: Any
    ) -> run_input_pb2.CreateRunInputResponse:
        self._note()
        self.inputs.append(request)
        return run_input_pb2.CreateRunInputResponse(created=True)

    async def SuspendFlowRun(
        self, request: flow_run_pb2.SuspendFlowRunRequest, context: Any
    ) -> flow_run_pb2.SuspendFlowRunResponse:
        self.steered.append(request)
        return flow_run_pb2.SuspendFlowRunResponse(verdict=self._verdict(state_pb2.State(name="Suspended")))

    async def ResumeFlowRun(
        self, request: flow_run_pb2.ResumeFlowRunRequest, context: Any
    ) -> flow_run_pb2.ResumeFlowRunResponse:
        self.steered.append(request)
        return flow_run_pb2.ResumeFlowRunResponse(verdict=self._verdict(state_pb2.State(name="Resuming")))

    async def DeleteFlowRun(
        self, request: flow_run_pb2.DeleteFlowRunRequest, context: Any
    ) -> flow_run_pb2.DeleteFlowRunResponse:
        self.steered.append(request)
        return flow_run_pb2.DeleteFlowRunResponse()

    def _verdict(self, state: state_pb2.State) -> state_pb2.Verdict:
        if self.verdicts:
            return self.verdicts.pop(0)
        return state_pb2.Verdict(accepted=state_pb2.Verdict.Accepted(state=state))


class PlayedDeployments(deployment_pb2_grpc.DeploymentServiceServicer):
    """Deployments that are run."""

    def __init__(self) -> None:
        self.asked: list[deployment_pb2.RunDeploymentRequest] = []
        self.failures: list[errors.HeadraceError] = []
        self.schedules: list[deployment_pb2.Schedule] = []
        self.steered: list[Any] = []

    async def RunDeployment(
        self, request: deployment_pb2.RunDeploymentRequest, context: Any
    ) -> deployment_pb2.RunDeploymentResponse:
        self.asked.append(request)
        if self.failures:
            raise self.failures.pop(0)
        return deployment_pb2.RunDeploymentResponse(flow_run=flow_run_pb2.FlowRun(flow_run_id=request.flow_run_id))

    async def GetDeployment(
        self, request: deployment_pb2.GetDeploymentRequest, context: Any
    ) -> deployment_pb2.GetDeploymentResponse:
        return deployment_pb2.GetDeploymentResponse(
            deployment=deployment_pb2.Deployment(deployment_id=request.deployment_id, schedules=self.schedules)
        )

    async def PauseDeployment(
        self, request: deployment_pb2.PauseDeploymentRequest, context: Any
    ) -> deployment_pb2.PauseDeploymentResponse:
        self.steered.append(request)
        return deployment_pb2.PauseDeploymentResponse()

    async def ResumeDeployment(
        self, request: deployment_pb2.ResumeDeploymentRequest, context: Any
    ) -> deployment_pb2.ResumeDeploymentResponse:
        self.steered.append(request)
        return deployment_pb2.ResumeDeploymentResponse()

    async def UpdateSchedule(
        self, request: deployment_pb2.UpdateScheduleRequest, context: Any
    ) -> deployment_pb2.UpdateScheduleResponse:
        self.steered.append(request)
        return deployment_pb2.UpdateScheduleResponse()


class PlayedWorkPools(work_pool_pb2_grpc.WorkPoolServiceServicer):
    """Work pools and queues that are changed."""

    def __init__(self) -> None:
        self.steered: list[Any] = []
        self.pools: list[work_pool_pb2.WorkPool] = []

    async def ListWorkPools(
        self, request: work_pool_pb2.ListWorkPoolsRequest, context: Any
    ) -> work_pool_pb2.ListWorkPoolsResponse:
        return work_pool_pb2.ListWorkPoolsResponse(work_pools=self.pools)

    async def UpdateWorkPool(
        self, request: work_pool_pb2.UpdateWorkPoolRequest, context: Any
    ) -> work_pool_pb2.UpdateWorkPoolResponse:
        self.steered.append(request)
        return work_pool_pb2.UpdateWorkPoolResponse()

    async def UpdateWorkQueue(
        self, request: work_pool_pb2.UpdateWorkQueueRequest, context: Any
    ) -> work_pool_pb2.UpdateWorkQueueResponse:
        self.steered.append(request)
        return work_pool_pb2.UpdateWorkQueueResponse()


class PlayedInsight(run_insight_pb2_grpc.RunInsightServiceServicer):
    """Figures that a test sets."""

    def __init__(self) -> None:
        self.ended: dict[state_pb2.StateType.ValueType, int] = {}
        self.lateness_seconds: float | None = None
        self.failures: list[errors.HeadraceError] = []
        self.asked: list[Any] = []

    async def GetFlowRunHistogram(
        self, request: run_insight_pb2.GetFlowRunHistogramRequest, context: Any
    ) -> run_insight_pb2.GetFlowRunHistogramResponse:
        self.asked.append(request)
        if self.failures:
            raise self.failures.pop()
        bucket = run_insight_pb2.RunBucket()
        for type_, count in self.ended.items():
            bucket.counts.add(type=type_, count=count).average_run_time.FromSeconds(10)
        return run_insight_pb2.GetFlowRunHistogramResponse(buckets=[bucket])

    async def GetFlowRunLateness(
        self, request: run_insight_pb2.GetFlowRunLatenessRequest, context: Any
    ) -> run_insight_pb2.GetFlowRunLatenessResponse:
        self.asked.append(request)
        response = run_insight_pb2.GetFlowRunLatenessResponse()
        if self.lateness_seconds is not None:
            response.started_count = 1
            response.average.FromTimedelta(datetime.timedelta(seconds=self.lateness_seconds))
        return response


class PlayedLogs(log_pb2_grpc.LogServiceServicer):
    """Logs of flow runs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failures: list[errors.HeadraceError] = []

    async def ListLogs(self, request: log_pb2.ListLogsRequest, context: Any) -> log_pb2.ListLogsResponse:
        if self.failures:
            raise self.failures.pop()
        [flow_run_id] = request.filter.flow_run_ids
        newest_first = reversed(self.lines[-request.page_size :])
        records = [log_pb2.LogRecord(flow_run_id=flow_run_id, level=40, message=line) for line in newest_first]
        return log_pb2.ListLogsResponse(logs=records)


class World:
    """Both neighbours, and words to say what happens in them."""

    def __init__(self) -> None:
        self.state_outbox, self.scheduler_outbox = PlayedOutbox(), PlayedOutbox()
        self.state = PlayedState()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED
        self.deployments = PlayedDeployments()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED
        self.insight = PlayedInsight()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED
        self.logs = PlayedLogs()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED
        self.work_pools = PlayedWorkPools()  # type: ignore[abstract] # what is not played answers UNIMPLEMENTED

    @property
    def neighbours(self) -> dict[str, list[object]]:
        """The servicers, by service."""
        return {
            "state": [self.state_outbox, self.state, self.insight],
            "log": [self.logs],
            "scheduler": [self.scheduler_outbox, self.deployments, self.work_pools],
        }

    async def enter(
        self,
        run: flow_run_pb2.FlowRun,
        type_: state_pb2.StateType.ValueType,
        *,
        name: str = "",
        message: str = "",
        at: datetime.datetime | None = None,
        workspace_id: uuid.UUID = DEFAULT_WORKSPACE_ID,
    ) -> str:
        """Have a flow run enter a state; return the state's id."""
        previous = state_pb2.State()
        previous.CopyFrom(run.state)
        had_state = run.HasField("state")
        type_name = state_pb2.StateType.Name(type_).removeprefix("STATE_TYPE_")
        state = state_pb2.State(state_id=str(uuid7()), type=type_, name=name or type_name.capitalize(), message=message)
        state.occurred_at.FromDatetime(at or datetime.datetime.now(datetime.UTC))
        run.state.CopyFrom(state)
        self.state.runs[run.flow_run_id] = run
        change = changes_pb2.FlowRunStateChanged(flow_run=run)
        if had_state:
            change.previous.CopyFrom(previous)
        await self.state_outbox.tell("flow-run.state", change, workspace_id)
        return state.state_id


def a_run(**fields: Any) -> flow_run_pb2.FlowRun:
    """Return a flow run of a deployment."""
    run = flow_run_pb2.FlowRun(
        flow_run_id=str(uuid7()),
        name="happy-cat",
        flow_id=str(uuid7()),
        flow_name="etl",
        deployment_id=str(uuid7()),
        deployment_name="nightly",
        work_pool_id=str(uuid7()),
        work_pool_name="pool",
        work_queue_id=str(uuid7()),
        work_queue_name="default",
        tags=["prod"],
        run_count=1,
    )
    run.labels.update({"team": "data"})
    run.parameters.update({"n": 3})
    for name, value in fields.items():
        setattr(run, name, value)
    return run
