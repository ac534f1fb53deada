"""`TaskRunService`."""

from __future__ import annotations

import datetime
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import task_run_pb2, task_run_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_state.repository.flow_runs import FlowRunReads
from headrace_state.repository.task_runs import TaskRunReads
from headrace_state.rules.filters import is_narrow
from headrace_state.rules.states import StateType
from headrace_state.servicers.masks import masked
from headrace_state.servicers.own_runs import OwnRuns
from headrace_state.wire import filters, states, task_runs, values

Context = grpc.aio.ServicerContext[Any, Any]

_SORTED_IN_MEMORY = (
    task_run_pb2.TASK_RUN_SORT_NAME_ASC,
    task_run_pb2.TASK_RUN_SORT_NAME_DESC,
    task_run_pb2.TASK_RUN_SORT_RUN_TIME_DESC,
)
"""Orders without an index, which would cost each recorded task run more than they are worth."""

_CHANGEABLE = ("name", "tags", "labels")
_PAYLOADS = "PERMISSION_RUN_PAYLOADS_VIEW"


class TaskRunServicer(task_run_pb2_grpc.TaskRunServiceServicer):
    """Shows task runs, and changes what people may change of them."""

    def __init__(self, reads: TaskRunReads, history: FlowRunReads, own: OwnRuns) -> None:
        self._own = own
        self._reads = reads
        self._history = history

    async def GetTaskRun(
        self, request: task_run_pb2.GetTaskRunRequest, context: Context
    ) -> task_run_pb2.GetTaskRunResponse:
        """Return one task run."""
        caller = current_caller()
        task_run_id = values.to_id(request.task_run_id, "task_run_id")
        row = await self._reads.load(caller.workspace_id, task_run_id)
        if row is None:
            raise errors.NotFound(f"there is no task run {task_run_id}")
        return task_run_pb2.GetTaskRunResponse(task_run=task_runs.task_run(row, with_result=caller.may(_PAYLOADS)))

    async def ListTaskRuns(
        self, request: task_run_pb2.ListTaskRunsRequest, context: Context
    ) -> task_run_pb2.ListTaskRunsResponse:
        """Return a page of task runs."""
        caller = current_caller()
        if request.sort not in task_run_pb2.TaskRunSort.values():
            raise errors.InvalidArgument.of_field("sort", "must be an order of task runs")
        sort = task_run_pb2.TaskRunSort.ValueType(request.sort or task_run_pb2.TASK_RUN_SORT_ID_DESC)
        order = task_run_pb2.TaskRunSort.Name(sort).removeprefix("TASK_RUN_SORT_")
        page = asked_page(request, caller.workspace_id, request.filter, order)
        chosen = filters.to_task_run_filter(request.filter)
        if request.sort in _SORTED_IN_MEMORY and not is_narrow(chosen):
            raise errors.InvalidArgument.of_field(
                "sort", "needs a filter by flow runs, task runs or cache keys, or by a time since when"
            )
        rows, key = await self._reads.list_page(caller.workspace_id, chosen, order, page.after, page.size)
        with_result = caller.may(_PAYLOADS)
        return task_run_pb2.ListTaskRunsResponse(
            task_runs=[task_runs.task_run(row, with_result=with_result) for row in rows],
            next_page_token=page.next_token(key),
        )

    async def CountTaskRuns(
        self, request: task_run_pb2.CountTaskRunsRequest, context: Context
    ) -> task_run_pb2.CountTaskRunsResponse:
        """Count task runs by state type, up to a bound."""
        chosen = filters.to_task_run_filter(request.filter)
        counts, capped = await self._reads.count(current_caller().workspace_id, chosen)
        return task_run_pb2.CountTaskRunsResponse(
            counts=[
                task_run_pb2.TaskStateCount(type=states.type_number(name), count=counts[name])
                for name in sorted(counts)
            ],
            capped=capped,
        )

    async def ListTaskRunStates(
        self, request: task_run_pb2.ListTaskRunStatesRequest, context: Context
    ) -> task_run_pb2.ListTaskRunStatesResponse:
        """Return a page of the states that a task run went through, oldest first."""
        caller = current_caller()
        task_run_id = values.to_id(request.task_run_id, "task_run_id")
        if await self._reads.load(caller.workspace_id, task_run_id) is None:
            raise errors.NotFound(f"there is no task run {task_run_id}")
        page = asked_page(request, caller.workspace_id, request.task_run_id)
        after = page.behind(int, datetime.datetime)
        rows = await self._history.list_states(caller.workspace_id, task_run_id, after, page.lookahead)
        shown, token = page.split(rows, lambda row: (row["version"], row["occurred_at"]))
        with_result = caller.may(_PAYLOADS)
        return task_run_pb2.ListTaskRunStatesResponse(
            states=[states.from_transition_row(row, with_result=with_result) for row in shown],
            next_page_token=token,
        )

    async def GetTaskRunState(
        self, request: task_run_pb2.GetTaskRunStateRequest, context: Context
    ) -> task_run_pb2.GetTaskRunStateResponse:
        """Return one state that a task run went through."""
        caller = current_caller()
        state_id = values.to_id(request.state_id, "state_id")
        row = await self._history.load_state(caller.workspace_id, state_id, of_flow_run=False)
        if row is None:
            raise errors.NotFound(f"there is no state {state_id} of a task run")
        return task_run_pb2.GetTaskRunStateResponse(
            state=states.from_transition_row(row, with_result=caller.may(_PAYLOADS)),
            task_run_id=str(row["run_id"]),
            flow_run_id=values.from_id(row["flow_run_id"]),
        )

    async def UpdateTaskRun(
        self, request: task_run_pb2.UpdateTaskRunRequest, context: Context
    ) -> task_run_pb2.UpdateTaskRunResponse:
        """Change the named fields of a task run."""
        caller = current_caller()
        task_run_id = values.to_id(request.task_run.task_run_id, "task_run.task_run_id")
        fields = masked(request.task_run, request.update_mask, _CHANGEABLE)
        columns = task_runs.to_changes(request.task_run, fields)
        if caller.is_run:
            before = await self._reads.load(caller.workspace_id, task_run_id)
            await self._own.require(caller, before["flow_run_id"] if before is not None else None)
        row = await self._reads.update(caller.workspace_id, task_run_id, columns)
        if row is None:
            raise errors.NotFound(f"there is no task run {task_run_id}")
        return task_run_pb2.UpdateTaskRunResponse(task_run=task_runs.task_run(row, with_result=caller.may(_PAYLOADS)))

    async def DeleteTaskRun(
        self, request: task_run_pb2.DeleteTaskRunRequest, context: Context
    ) -> task_run_pb2.DeleteTaskRunResponse:
        """Delete a task run that is not RUNNING, with its history."""
        task_run_id = values.to_id(request.task_run_id, "task_run_id")
        before = await self._reads.delete(current_caller().workspace_id, task_run_id)
        if before is None:
            raise errors.NotFound(f"there is no task run {task_run_id}")
        if before == StateType.RUNNING:
            raise errors.FailedPrecondition("the task run is RUNNING", reason="TASK_RUN_RUNNING")
        return task_run_pb2.DeleteTaskRunResponse()
