"""What a server has recorded, read through its public API, and waiting for it to become so."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import timestamp_pb2

from headrace.api.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    flow_run_pb2,
    flow_run_pb2_grpc,
    log_pb2,
    log_pb2_grpc,
    state_pb2,
    task_run_pb2,
    task_run_pb2_grpc,
)
from headrace_harness.stack import Stack

FINAL = {
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_CRASHED,
    state_pb2.STATE_TYPE_FAILED,
}
END_SECONDS = 60.0
_PAUSE_SECONDS = 0.1
_AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


def is_final(run: flow_run_pb2.FlowRun) -> bool:
    """Return whether a run is over."""
    return run.state.type in FINAL


class Observer:
    """Reads a server.

    Args:
        stack: Clients of the server.
    """

    def __init__(self, stack: Stack) -> None:
        self.flow_run_stub = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
        self._task_runs = stack.stub(task_run_pb2_grpc.TaskRunServiceStub)
        self._logs = stack.stub(log_pb2_grpc.LogServiceStub)
        self._since = timestamp_pb2.Timestamp()
        self._since.GetCurrentTime()
        self._artifacts = stack.stub(artifact_pb2_grpc.ArtifactServiceStub)

    async def flow_run(self, flow_run_id: str) -> flow_run_pb2.FlowRun:
        """Return a flow run."""
        request = flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id)
        run: flow_run_pb2.FlowRun = (await self.flow_run_stub.GetFlowRun(request)).flow_run
        return run

    async def flow_runs(self, **chosen: Any) -> list[flow_run_pb2.FlowRun]:
        """Return the flow runs of a `FlowRunFilter`, oldest first."""
        found: list[flow_run_pb2.FlowRun] = []
        request = flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(**chosen), page_size=200)
        while True:
            page = await self.flow_run_stub.ListFlowRuns(request)
            found += page.flow_runs
            if not page.next_page_token:
                return sorted(found, key=lambda run: run.flow_run_id)
            request.page_token = page.next_page_token

    async def runs_of(self, flow_name: str) -> list[flow_run_pb2.FlowRun]:
        """Return the runs of a flow that were made since this observer was, oldest first."""
        return await self.flow_runs(flow_names=[flow_name], created=state_pb2.TimeRange(**{"from": self._since}))

    async def flow_states(self, flow_run_id: str) -> list[str]:
        """Return the names of the states that a flow run went through.

        Late is left out: it says that nobody took the run for a while, which is how it goes on a slow machine.
        """
        return [state.name for state in await self.flow_state_history(flow_run_id) if state.name != "Late"]

    async def flow_state_history(self, flow_run_id: str) -> list[state_pb2.State]:
        """Return the states that a flow run went through, oldest first."""
        request = flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=flow_run_id, page_size=200)
        return list((await self.flow_run_stub.ListFlowRunStates(request)).states)

    async def task_runs(self, flow_run_id: str) -> list[task_run_pb2.TaskRun]:
        """Return the task runs of a flow run, oldest first."""
        found: list[task_run_pb2.TaskRun] = []
        request = task_run_pb2.ListTaskRunsRequest(
            filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id]),
            sort=task_run_pb2.TASK_RUN_SORT_ID_ASC,
            page_size=200,
        )
        while True:
            page = await self._task_runs.ListTaskRuns(request)
            found += page.task_runs
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def task_states(self, task_run_id: str) -> list[str]:
        """Return the names of the states that a task run went through."""
        request = task_run_pb2.ListTaskRunStatesRequest(task_run_id=task_run_id, page_size=200)
        return [state.name for state in (await self._task_runs.ListTaskRunStates(request)).states]

    async def logs(self, flow_run_id: str, **chosen: Any) -> list[log_pb2.LogRecord]:
        """Return the log of a flow run, oldest first; `chosen` are further fields of a `LogFilter`."""
        found: list[log_pb2.LogRecord] = []
        request = log_pb2.ListLogsRequest(
            filter=log_pb2.LogFilter(flow_run_ids=[flow_run_id], **chosen),
            sort=log_pb2.LOG_SORT_OCCURRED_ASC,
            page_size=1000,
        )
        while True:
            page = await self._logs.ListLogs(request)
            found += page.logs
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def artifacts(self, flow_run_id: str) -> dict[str, artifact_pb2.Artifact]:
        """Return the artifacts of a flow run by key."""
        request = artifact_pb2.ListArtifactsRequest(filter=artifact_pb2.ArtifactFilter(flow_run_ids=[flow_run_id]))
        return {artifact.key: artifact for artifact in (await self._artifacts.ListArtifacts(request)).artifacts}

    async def until(
        self, flow_run_id: str, reached: Callable[[flow_run_pb2.FlowRun], bool], seconds: float = END_SECONDS
    ) -> flow_run_pb2.FlowRun:
        """Return a flow run once `reached(run)` is true. Servers may come and go meanwhile.

        Raises:
            AssertionError: It took longer than `seconds`.
        """
        last: flow_run_pb2.FlowRun = flow_run_pb2.FlowRun()
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=flow_run_id, without_task_runs=True)
                        async for change in self.flow_run_stub.WatchFlowRun(request, timeout=seconds):
                            if change.HasField("flow_run"):
                                last = change.flow_run
                                if reached(last):
                                    return last
                    except grpc.aio.AioRpcError as error:
                        if error.code() not in _AWAY:
                            raise
                    # The server is away, or has nothing more to say of a run that is over.
                    await asyncio.sleep(_PAUSE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not within {seconds:g} s; it is {last.state.name}: {last.state.message}") from None

    async def ended(self, flow_run_id: str, seconds: float = END_SECONDS) -> flow_run_pb2.FlowRun:
        """Return a flow run once it is over; see `until`."""
        return await self.until(flow_run_id, is_final, seconds)

    async def first_run_of(self, flow_name: str, seconds: float = END_SECONDS) -> flow_run_pb2.FlowRun:
        """Return the first run of a flow once there is one."""
        return (await self.some_runs_of(flow_name, 1, seconds))[0]

    async def some_runs_of(
        self,
        flow_name: str,
        count: int,
        seconds: float = END_SECONDS,
        counts: Callable[[flow_run_pb2.FlowRun], bool] = lambda _run: True,
    ) -> list[flow_run_pb2.FlowRun]:
        """Return the runs of a flow for which `counts(run)` is true, once there are at least `count`.

        Raises:
            TimeoutError: It took longer than `seconds`.
        """
        async with asyncio.timeout(seconds):
            while True:
                found = [run for run in await self.runs_of(flow_name) if counts(run)]
                if len(found) >= count:
                    return found
                await asyncio.sleep(_PAUSE_SECONDS)


def counted(task_runs: list[task_run_pb2.TaskRun]) -> Counter[tuple[str, str]]:
    """Return how many task runs there are by task and state."""
    return Counter((run.name.rpartition("-")[0], run.state.name) for run in task_runs)
