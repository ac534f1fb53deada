"""Task runs.

Prefect's client tells of task runs by events; only what stands for a subflow, and what is to be executed in the
background, is created here. A state that is proposed here is recorded as one that its process tells.
"""

from __future__ import annotations

import datetime
from typing import Any

from headrace import errors
from headrace.api.v1 import background_task_pb2, state_pb2, task_run_pb2
from headrace.ids import uuid7
from headrace_prefect import recording
from headrace_prefect.answers import Answer, Refusal, made, no_content, not_found, ok
from headrace_prefect.bodies import fields, runs
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.bodies.transitions import TASK_RUN, attempt_of, to_spec, version_of
from headrace_prefect.filters.joins import JOINED, task_run_filter
from headrace_prefect.paging import paginated, window
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes.scalars import to_timestamp
from headrace_prefect.shapes.states import decided, state_json
from headrace_prefect.shapes.task_runs import task_run_text

_CREATE: Fields = {
    **TASK_RUN,
    "id": Field(fields.identifier),
    "flow_run_id": Field(fields.identifier),
    "task_key": Field(fields.string, required=True),
    "dynamic_key": Field(fields.string, required=True),
    "state": Field(runs.state),
}
_SORTS = {
    "ID_DESC": task_run_pb2.TASK_RUN_SORT_ID_DESC,
    "EXPECTED_START_TIME_ASC": task_run_pb2.TASK_RUN_SORT_ID_ASC,
    "EXPECTED_START_TIME_DESC": task_run_pb2.TASK_RUN_SORT_ID_DESC,
    "NAME_ASC": task_run_pb2.TASK_RUN_SORT_NAME_ASC,
    "NAME_DESC": task_run_pb2.TASK_RUN_SORT_NAME_DESC,
    "NEXT_SCHEDULED_START_TIME_ASC": task_run_pb2.TASK_RUN_SORT_ID_ASC,
    "END_TIME_DESC": task_run_pb2.TASK_RUN_SORT_ENDED_DESC,
}
_LIST: Fields = {
    **JOINED,
    "sort": Field(fields.one_of(_SORTS), default="ID_DESC"),
    "limit": Field(fields.integer),
    "offset": Field(fields.at_least(0), default=0),
    "page": Field(fields.at_least(1), default=1),
}
_SET: Fields = {"state": Field(runs.state, required=True), "force": Field(fields.boolean, default=False)}
_FINAL = frozenset({"CANCELLED", "COMPLETED", "FAILED", "CRASHED"})
_PAGE = 200


async def create_task_run(request: Request) -> Answer:
    """Create a task run, or find the one of the same call of the task."""
    body = request.body(_CREATE)
    flow_run_id = body["flow_run_id"] or ""
    found = await _find(request, body) if flow_run_id else None
    if found is not None:
        return made(task_run_text(found), False)
    task_run_id = body["id"] or str(uuid7())
    state = runs.to_state(body["state"] if body["state"] is not None else runs.PENDING)
    if not flow_run_id and state.type == state_pb2.STATE_TYPE_SCHEDULED and state.details.deferred:
        await _queue(request, task_run_id, body, state)
    else:
        await _enter(request, flow_run_id, task_run_id, state, to_spec(body, state.details.child_flow_run_id), 0)
    return made(task_run_text(await load(request, task_run_id)))


async def _find(request: Request, body: Body) -> task_run_pb2.TaskRun | None:
    chosen = task_run_pb2.TaskRunFilter(
        flow_run_ids=[body["flow_run_id"]], task_keys=[body["task_key"]], dynamic_keys=[body["dynamic_key"]]
    )
    asked = task_run_pb2.ListTaskRunsRequest(filter=chosen, page_size=1)
    page = await request.call(request.services.task_runs.ListTaskRuns, asked)
    return page.task_runs[0] if page.task_runs else None


async def _queue(request: Request, task_run_id: str, body: Body, state: state_pb2.State) -> None:
    details = state_pb2.StateDetails()
    details.CopyFrom(state.details)
    task = background_task_pb2.NewBackgroundTask(task_run_id=task_run_id, spec=to_spec(body), state_details=details)
    if details.HasField("scheduled_at"):
        task.scheduled_at.CopyFrom(details.scheduled_at)
    asked = background_task_pb2.CreateBackgroundTasksRequest(tasks=[task])
    await request.call(request.services.background_tasks.CreateBackgroundTasks, asked)


async def _enter(
    request: Request,
    flow_run_id: str,
    task_run_id: str,
    state: state_pb2.State,
    spec: task_run_pb2.TaskRunSpec | None,
    run_count: int,
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    state.state_id = state.state_id or str(uuid7())
    state.occurred_at.CopyFrom(to_timestamp(now))
    state.version = version_of(now)
    transition = task_run_pb2.TaskRunTransition(task_run_id=task_run_id, state=state, spec=spec, run_count=run_count)

    async def call(message: task_run_pb2.RecordTransitionsRequest) -> task_run_pb2.RecordTransitionsResponse:
        return await request.call(request.services.record.RecordTransitions, message)

    if await recording.record(call, [(attempt_of(flow_run_id, task_run_id), transition)]):
        raise Refusal(409, "The flow run is not one that clients of Prefect execute, or it is gone.")


async def set_task_run_state(request: Request) -> Answer:
    """Take the state that a task run enters."""
    body = request.body(_SET)
    run = await load(request, request.path["id"])
    current = state_pb2.StateType.Name(run.state.type).removeprefix("STATE_TYPE_")
    wanted = body["state"]["type"]
    if current in _FINAL and wanted not in ("SCHEDULED", "PENDING", "RUNNING") and not body["force"]:
        told = state_json(run.state, flow_run_id=run.flow_run_id, task_run_id=run.task_run_id)
        return ok(decided("ABORT", told, f"The task run is {run.state.name}, which is final."))
    state = runs.to_state(body["state"])
    runs_now = run.run_count + (1 if state.type == state_pb2.STATE_TYPE_RUNNING else 0)
    await _enter(request, run.flow_run_id, run.task_run_id, state, None, runs_now)
    after = await load(request, run.task_run_id)
    told = state_json(after.state, flow_run_id=run.flow_run_id, task_run_id=run.task_run_id)
    return ok(decided("ACCEPT", told), 201)


async def read_task_run(request: Request) -> Answer:
    """Return a task run."""
    return ok(task_run_text(await load(request, request.path["id"])))


async def update_task_run(request: Request) -> Answer:
    """Change the name of a task run."""
    name = request.body({"name": Field(fields.string)})["name"]
    if not name:
        await load(request, request.path["id"])
        return no_content()
    changed = task_run_pb2.TaskRun(task_run_id=request.path["id"], name=name)
    try:
        await request.call(
            request.services.task_runs.UpdateTaskRun, task_run_pb2.UpdateTaskRunRequest(task_run=changed)
        )
    except errors.NotFound:
        raise not_found("Task run") from None
    return no_content()


async def delete_task_run(request: Request) -> Answer:
    """Delete a task run."""
    asked = task_run_pb2.DeleteTaskRunRequest(task_run_id=request.path["id"])
    try:
        await request.call(request.services.task_runs.DeleteTaskRun, asked)
    except errors.NotFound:
        raise not_found("Task") from None
    return no_content()


async def read_task_run_state(request: Request) -> Answer:
    """Return one state of a task run."""
    asked = task_run_pb2.GetTaskRunStateRequest(state_id=request.path["id"])
    try:
        found = await request.call(request.services.task_runs.GetTaskRunState, asked)
    except errors.NotFound:
        raise not_found("Flow run state") from None
    return ok(state_json(found.state, flow_run_id=found.flow_run_id, task_run_id=found.task_run_id))


async def load(request: Request, task_run_id: str) -> task_run_pb2.TaskRun:
    """Return a task run.

    Raises:
        Refusal: There is none (404).
    """
    asked = task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)
    try:
        return (await request.call(request.services.task_runs.GetTaskRun, asked)).task_run
    except errors.NotFound:
        raise not_found("Task") from None


async def filter_task_runs(request: Request) -> Answer:
    """Return the task runs that filters choose."""
    body = request.body(_LIST)
    limit = request.limit(body)
    return ok([task_run_text(run) for run in await _list(request, body, body["offset"], limit)])


async def paginate_task_runs(request: Request) -> Answer:
    """Return a page of the task runs that filters choose, and how many there are."""
    body = request.body(_LIST)
    limit = request.limit(body)
    found = await _list(request, body, (body["page"] - 1) * limit, limit)
    return ok(paginated([task_run_text(run) for run in found], await _count(request, body), limit, body["page"]))


async def count_task_runs(request: Request) -> Answer:
    """Return how many task runs filters choose."""
    return ok(await _count(request, request.body(JOINED)))


async def read_task_run_states(request: Request) -> Answer:
    """Return the states that a task run went through, oldest first."""
    table = {"task_run_id": Field(fields.identifier, required=True)}
    task_run_id = fields.parse(table, request.query, "query")["task_run_id"]
    asked = task_run_pb2.ListTaskRunStatesRequest(task_run_id=task_run_id, page_size=_PAGE)
    states: list[Any] = []
    while True:
        try:
            page = await request.call(request.services.task_runs.ListTaskRunStates, asked)
        except errors.NotFound:
            return ok([])
        states += [state_json(state, task_run_id=task_run_id) for state in page.states]
        if not page.next_page_token:
            return ok(states)
        asked.page_token = page.next_page_token


async def _list(request: Request, body: Body, offset: int, limit: int) -> list[task_run_pb2.TaskRun]:
    asked = task_run_pb2.ListTaskRunsRequest(filter=await task_run_filter(request, body), sort=_SORTS[body["sort"]])

    async def ask(size: int, token: str) -> tuple[list[Any], str]:
        asked.page_size, asked.page_token = size, token
        page = await request.call(request.services.task_runs.ListTaskRuns, asked)
        return list(page.task_runs), page.next_page_token

    return await window(ask, offset, limit)


async def _count(request: Request, body: Body) -> int:
    asked = task_run_pb2.CountTaskRunsRequest(filter=await task_run_filter(request, body))
    counted = await request.call(request.services.task_runs.CountTaskRuns, asked)
    return sum(each.count for each in counted.counts)


ROUTES = (
    Route("POST", "/task_runs/", create_task_run),
    Route("GET", "/task_runs/{id:uuid}", read_task_run),
    Route("PATCH", "/task_runs/{id:uuid}", update_task_run),
    Route("DELETE", "/task_runs/{id:uuid}", delete_task_run),
    Route("POST", "/task_runs/{id:uuid}/set_state", set_task_run_state),
    Route("POST", "/task_runs/filter", filter_task_runs, only_asks=True),
    Route("POST", "/task_runs/paginate", paginate_task_runs, only_asks=True),
    Route("POST", "/task_runs/count", count_task_runs, only_asks=True),
    Route("GET", "/task_run_states/", read_task_run_states),
    Route("GET", "/task_run_states/{id:uuid}", read_task_run_state),
)
