"""Played services for tests of the gateway: they remember how they were asked, and fail as they are told."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

from google.api import httpbody_pb2

from headrace import errors
from headrace.api.v1 import (
    concurrency_pb2,
    concurrency_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    state_pb2,
    system_pb2,
    system_pb2_grpc,
    variable_pb2,
    variable_pb2_grpc,
    workspace_pb2,
    workspace_pb2_grpc,
)
from headrace_chassis.caller import current_caller
from headrace_chassis.calls import current_call
from headrace_harness.gateway import RunningGateway, play, running_gateway

RUN = "019ab000-0000-7000-8000-000000000001"
OTHER_RUN = "019ab000-0000-7000-8000-000000000002"
"""Its stream ends with an error."""
MISSING_RUN = "019ab000-0000-7000-8000-00000000dead"


class FlowRuns(flow_run_pb2_grpc.FlowRunServiceServicer):
    """Has every flow run but one, and remembers how it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.singles: list[str] = []
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.workspaces: list[str] = []
        self.changes: asyncio.Queue[Any] = asyncio.Queue()
        self.stream_ended = asyncio.Event()

    def _note(self, request: Any) -> None:
        self.requests.append(request)
        self.metadata.append(dict(current_call().metadata))
        self.workspaces.append(str(current_caller().workspace_id))

    async def GetFlowRun(self, request: flow_run_pb2.GetFlowRunRequest, context: Any) -> Any:
        self._note(request)
        self.singles.append(request.flow_run_id)
        if request.flow_run_id == MISSING_RUN:
            raise errors.NotFound("there is no such flow run", reason="FLOW_RUN_NOT_FOUND", metadata={"a": "b"})
        return flow_run_pb2.GetFlowRunResponse(flow_run=flow_run_pb2.FlowRun(flow_run_id=request.flow_run_id))

    async def BatchGetFlowRuns(self, request: flow_run_pb2.BatchGetFlowRunsRequest, context: Any) -> Any:
        self._note(request)
        self.batches.append(list(request.flow_run_ids))
        found = [flow_run_pb2.FlowRun(flow_run_id=key) for key in request.flow_run_ids if key != MISSING_RUN]
        return flow_run_pb2.BatchGetFlowRunsResponse(flow_runs=found)

    async def ListFlowRuns(self, request: flow_run_pb2.ListFlowRunsRequest, context: Any) -> Any:
        self._note(request)
        return flow_run_pb2.ListFlowRunsResponse(next_page_token=request.page_token)

    async def UpdateFlowRun(self, request: flow_run_pb2.UpdateFlowRunRequest, context: Any) -> Any:
        self._note(request)
        return flow_run_pb2.UpdateFlowRunResponse(flow_run=request.flow_run)

    async def CancelFlowRun(self, request: flow_run_pb2.CancelFlowRunRequest, context: Any) -> Any:
        self._note(request)
        accepted = state_pb2.Verdict.Accepted(state=state_pb2.State(type=state_pb2.STATE_TYPE_CANCELLING))
        return flow_run_pb2.CancelFlowRunResponse(verdict=state_pb2.Verdict(accepted=accepted))

    async def WatchFlowRun(self, request: flow_run_pb2.WatchFlowRunRequest, context: Any) -> AsyncIterator[Any]:
        if request.flow_run_id == MISSING_RUN:
            raise errors.NotFound("there is no such flow run", reason="FLOW_RUN_NOT_FOUND")
        yield flow_run_pb2.WatchFlowRunResponse(flow_run=flow_run_pb2.FlowRun(flow_run_id=request.flow_run_id))
        yield flow_run_pb2.WatchFlowRunResponse(caught_up=True)
        if request.flow_run_id == OTHER_RUN:
            raise errors.FailedPrecondition("the run was deleted", reason="FLOW_RUN_DELETED")

    async def FollowFlowRuns(self, request: flow_run_pb2.FollowFlowRunsRequest, context: Any) -> AsyncIterator[Any]:
        self._note(request)
        try:
            while True:
                yield await self.changes.get()
        finally:
            self.stream_ended.set()


class Limits(concurrency_pb2_grpc.ConcurrencyServiceServicer):
    """Answers with what it was asked for."""

    async def GetConcurrencyLimit(self, request: Any, context: Any) -> Any:
        return concurrency_pb2.GetConcurrencyLimitResponse(limit=concurrency_pb2.ConcurrencyLimit(name=request.name))


class Variables(variable_pb2_grpc.VariableServiceServicer):
    """Fails as it is told by the name."""

    async def GetVariable(self, request: variable_pb2.GetVariableRequest, context: Any) -> Any:
        match request.name:
            case "busy":
                raise errors.ResourceExhausted("later", retry_after_seconds=1.5)
            case "broken":
                raise ZeroDivisionError("a secret that is not to be told")
            case "unknown-caller":
                raise errors.Unauthenticated("who are you?")
            case _:
                raise errors.NotFound(f"no variable {request.name}")

    async def SetVariable(self, request: variable_pb2.SetVariableRequest, context: Any) -> Any:
        variable = variable_pb2.Variable(name=request.name, value=request.value, tags=request.tags)
        return variable_pb2.SetVariableResponse(variable=variable)


class Logs(log_pb2_grpc.LogServiceServicer):
    """Streams as many records as the filter's text says, and counts those that were taken."""

    def __init__(self) -> None:
        self.sent = 0

    async def AppendLogs(self, request: log_pb2.AppendLogsRequest, context: Any) -> Any:
        return log_pb2.AppendLogsResponse(stored=len(request.records))

    async def FollowLogs(self, request: log_pb2.FollowLogsRequest, context: Any) -> AsyncIterator[Any]:
        for index in range(int(request.filter.text)):
            yield log_pb2.FollowLogsResponse(
                logs=[log_pb2.LogRecord(message=f"{index} " + "x" * 10_000)], follow_token=str(index)
            )
            self.sent += 1

    async def DownloadLogs(self, request: log_pb2.DownloadLogsRequest, context: Any) -> AsyncIterator[Any]:
        """Send as many parts as the filter's text says, and break off where it says `and break off`."""
        count, _, rest = request.filter.text.partition(" ")
        if not count:
            raise errors.InvalidArgument.of_field("filter", "must say how many")
        await context.send_initial_metadata((("content-disposition", 'attachment; filename="parts.txt"'),))
        for index in range(int(count)):
            yield httpbody_pb2.HttpBody(content_type="text/plain", data=f"part {index}\n".encode())
        if rest:
            raise errors.Unavailable("the rest is not there")


class Workspaces(workspace_pb2_grpc.WorkspaceServiceServicer):
    """Has every workspace."""

    async def GetWorkspace(self, request: workspace_pb2.GetWorkspaceRequest, context: Any) -> Any:
        return workspace_pb2.GetWorkspaceResponse(workspace=workspace_pb2.Workspace(handle=request.workspace))


class System(system_pb2_grpc.SystemServiceServicer):
    """The least that there is to tell."""

    async def GetSystem(self, request: system_pb2.GetSystemRequest, context: Any) -> Any:
        return system_pb2.GetSystemResponse(version="0.0.0", capabilities=["state"])


@dataclasses.dataclass(frozen=True, slots=True)
class Front:
    """A running gateway, and the played services that tests look at."""

    running: RunningGateway
    flow_runs: FlowRuns
    logs: Logs


@contextlib.asynccontextmanager
async def running_front(**settings: Any) -> AsyncIterator[Front]:
    """Lend a gateway in front of the services of this module."""
    flow_runs, logs = play(FlowRuns), play(Logs)
    others = (play(Limits), play(Variables), play(Workspaces), play(System))
    async with running_gateway([flow_runs, logs, *others], **settings) as running:
        yield Front(running, flow_runs, logs)
