"""Flow runs: making, changing and finding them."""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace.ids import uuid7
from headrace_prefect.answers import Answer, Refusal, made, no_content, not_found, ok
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import fields, runs
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.filters.joins import JOINED, flow_run_filter
from headrace_prefect.filters.runs import FLOW_RUN_SORTS, FLOW_RUNS
from headrace_prefect.paging import paginated, window
from headrace_prefect.request import Request
from headrace_prefect.resources import subflows
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes.deployments import WORKER_LABELS
from headrace_prefect.shapes.flow_runs import flow_run_json, flow_run_text
from headrace_prefect.shapes.scalars import of_struct, to_struct

_CREATE: Fields = {
    "flow_id": Field(fields.identifier, required=True),
    "name": Field(fields.string),
    "state": Field(runs.state),
    "flow_version": Field(fields.string),
    "parameters": Field(fields.json_object, default=dict),
    "context": Field(fields.json_object, default=dict),
    "parent_task_run_id": Field(fields.identifier),
    "empirical_policy": Field(fields.nested(runs.FLOW_RUN_POLICY)),
    "tags": Field(fields.strings, default=list),
    "labels": Field(fields.json_object),
    "idempotency_key": Field(fields.string),
    "work_pool_name": Field(fields.string),
    "work_queue_name": Field(fields.string),
    "job_variables": Field(fields.json_object),
    "deployment_id": Field(fields.identifier),
}
_UPDATE: Fields = {
    "name": Field(fields.string),
    "flow_version": Field(fields.string),
    "parameters": Field(fields.json_object),
    "empirical_policy": Field(fields.nested(runs.FLOW_RUN_POLICY)),
    "tags": Field(fields.strings),
    "infrastructure_pid": Field(fields.string),
    "job_variables": Field(fields.json_object),
}
_COLUMNS = {
    "name": "name",
    "parameters": "parameters",
    "empirical_policy": "retry_policy",
    "tags": "tags",
    "infrastructure_pid": "infrastructure_id",
    "job_variables": "job_variables",
    "flow_version": "flow_version",
}
_LIST: Fields = {
    **JOINED,
    "sort": Field(fields.one_of(FLOW_RUN_SORTS), default="ID_DESC"),
    "limit": Field(fields.integer),
    "offset": Field(fields.at_least(0), default=0),
    "page": Field(fields.at_least(1), default=1),
}
MOST_AT_ONCE = 50
"""Runs that one call changes or deletes."""
BULK: Fields = {
    "flow_runs": Field(FLOW_RUNS),
    "limit": Field(fields.within(1, MOST_AT_ONCE), default=MOST_AT_ONCE),
}


async def create_flow_run(request: Request) -> Answer:
    """Create a flow run, or find the one with the idempotency key."""
    body = request.body(_CREATE)
    asked = flow_run_pb2.CreateFlowRunRequest(
        flow_id=body["flow_id"],
        name=(body["name"] or "")[:255],
        state=runs.to_state(body["state"] if body["state"] is not None else runs.PENDING),
        parameters=to_struct(body["parameters"]),
        context=to_struct(body["context"]),
        tags=body["tags"],
        labels=to_struct(body["labels"]),
        flow_version=body["flow_version"] or "",
        retry_policy=runs.to_flow_run_policy(body["empirical_policy"]),
        idempotency_key=body["idempotency_key"] or "",
        parent_task_run_id=body["parent_task_run_id"] or "",
        job_variables=to_struct(body["job_variables"]),
    )
    if body["work_pool_name"]:
        # Without a deployment, only workers of Prefect know how to load it.
        asked.work_pool_name, asked.work_queue_name = body["work_pool_name"], body["work_queue_name"] or ""
        asked.worker_labels.CopyFrom(to_struct(WORKER_LABELS))
    asked.flow_run_id = str(uuid7())
    asked.own_token = attempt_token_of(asked.flow_run_id)
    # Of a state's id a repeated call is known by; here it is the run's.
    asked.state.ClearField("state_id")
    stand_in = None
    if body["parent_task_run_id"]:
        stand_in = await subflows.load_stand_in(request, body["parent_task_run_id"])
        asked.parent_flow_run_id = stand_in.flow_run_id if stand_in is not None else ""
    response = await request.call(request.services.flow_runs.CreateFlowRun, asked)
    if stand_in is not None and stand_in.flow_run_id:
        await subflows.begin(request, stand_in, response.flow_run)
    return made(flow_run_json(response.flow_run), response.created)


async def read_flow_run(request: Request) -> Answer:
    """Return a flow run."""
    return ok(flow_run_text(await load(request)))


async def update_flow_run(request: Request) -> Answer:
    """Change fields of a flow run beside its state."""
    body = request.body(_UPDATE)
    given = [name for name in _COLUMNS if body[name] is not None]
    if "job_variables" in given:
        run = await load(request)
        if run.state.type != runs.STATE_TYPES["SCHEDULED"]:
            raise Refusal(400, f"Job variables for a flow run in state {run.state.name} cannot be updated")
        if not run.deployment_id:
            raise Refusal(400, "A deployment for the flow run could not be found")
    changed = flow_run_pb2.FlowRun(
        flow_run_id=request.path["id"],
        name=body["name"] or "",
        parameters=to_struct(body["parameters"]),
        retry_policy=runs.to_flow_run_policy(body["empirical_policy"]),
        tags=body["tags"] or [],
        infrastructure_id=body["infrastructure_pid"] or "",
        job_variables=to_struct(body["job_variables"]),
        flow_version=body["flow_version"] or "",
    )
    await update(request, changed, [_COLUMNS[name] for name in given])
    return no_content()


async def update_flow_run_labels(request: Request) -> Answer:
    """Add labels to a flow run, or change them."""
    sent = {"labels": request.json if request.json is not None else {}}
    added = fields.parse({"labels": Field(fields.json_object)}, sent)["labels"]
    run = await load(request)
    labels = to_struct({**of_struct(run.labels), **added})
    await update(request, flow_run_pb2.FlowRun(flow_run_id=run.flow_run_id, labels=labels), ["labels"])
    return no_content()


async def delete_flow_run(request: Request) -> Answer:
    """Delete a flow run with what belongs to it."""
    try:
        await _delete(request, request.path["id"])
    except errors.NotFound:
        raise not_found("Flow run") from None
    return no_content()


async def _delete(request: Request, flow_run_id: str) -> None:
    """Delete a flow run; one that a client of Prefect holds is cancelled before, as nobody else would end it."""
    asked = flow_run_pb2.DeleteFlowRunRequest(flow_run_id=flow_run_id)
    try:
        await request.call(request.services.flow_runs.DeleteFlowRun, asked)
    except errors.FailedPrecondition:
        cancelled = state_pb2.State(type=state_pb2.STATE_TYPE_CANCELLED, message="The run is deleted.")
        await request.call(
            request.services.flow_runs.ProposeFlowRunState,
            flow_run_pb2.ProposeFlowRunStateRequest(
                flow_run_id=flow_run_id, state=cancelled, own_token=attempt_token_of(flow_run_id)
            ),
        )
        await request.call(request.services.flow_runs.DeleteFlowRun, asked)


async def bulk_delete_flow_runs(request: Request) -> Answer:
    """Delete the first flow runs that a filter chooses."""
    body = request.body(BULK)
    deleted = []
    for run in await chosen_runs(request, body):
        try:
            await _delete(request, run.flow_run_id)
        except (errors.NotFound, errors.FailedPrecondition):
            continue
        deleted.append(run.flow_run_id)
    return ok({"deleted": deleted})


async def filter_flow_runs(request: Request) -> Answer:
    """Return the flow runs that filters choose."""
    body = request.body(_LIST)
    limit = request.limit(body)
    return ok([flow_run_text(run) for run in await _list(request, body, body["offset"], limit)])


async def paginate_flow_runs(request: Request) -> Answer:
    """Return a page of the flow runs that filters choose, and how many there are."""
    body = request.body(_LIST)
    limit = request.limit(body)
    found = await _list(request, body, (body["page"] - 1) * limit, limit)
    count = await count_runs(request, await flow_run_filter(request, body))
    return ok(paginated([flow_run_text(run) for run in found], count, limit, body["page"]))


async def count_flow_runs(request: Request) -> Answer:
    """Return how many flow runs filters choose."""
    return ok(await count_runs(request, await flow_run_filter(request, request.body(JOINED))))


async def count_runs(request: Request, chosen: flow_run_pb2.FlowRunFilter) -> int:
    """Return how many flow runs pass a filter, as far as the server counts."""
    asked = flow_run_pb2.CountFlowRunsRequest(filter=chosen)
    counted = await request.call(request.services.flow_runs.CountFlowRuns, asked)
    return sum(each.count for each in counted.counts)


async def load(request: Request) -> flow_run_pb2.FlowRun:
    """Return the flow run that the address names.

    Raises:
        Refusal: There is none (404).
    """
    asked = flow_run_pb2.GetFlowRunRequest(flow_run_id=request.path["id"])
    try:
        return await request.flow_run(asked)
    except errors.NotFound:
        raise not_found("Flow run") from None


async def update(request: Request, changed: flow_run_pb2.FlowRun, paths: list[str]) -> None:
    """Change fields of a flow run.

    Raises:
        Refusal: There is no such flow run (404).
    """
    if not paths:
        await load(request)
        return
    asked = flow_run_pb2.UpdateFlowRunRequest(flow_run=changed)
    asked.update_mask.paths.extend(paths)
    try:
        await request.call(request.services.flow_runs.UpdateFlowRun, asked)
    except errors.NotFound:
        raise not_found("Flow run") from None


async def chosen_runs(request: Request, body: Body) -> list[flow_run_pb2.FlowRun]:
    """Return the first runs that the filter of a bulk operation chooses."""
    asked = flow_run_pb2.ListFlowRunsRequest(filter=body["flow_runs"], page_size=body["limit"])
    return list((await request.call(request.services.flow_runs.ListFlowRuns, asked)).flow_runs)


async def _list(request: Request, body: Body, offset: int, limit: int) -> list[flow_run_pb2.FlowRun]:
    asked = flow_run_pb2.ListFlowRunsRequest(
        filter=await flow_run_filter(request, body), sort=FLOW_RUN_SORTS[body["sort"]]
    )

    async def ask(size: int, token: str) -> tuple[list[Any], str]:
        asked.page_size, asked.page_token = size, token
        page = await request.call(request.services.flow_runs.ListFlowRuns, asked)
        return list(page.flow_runs), page.next_page_token

    return await window(ask, offset, limit)


ROUTES = (
    Route("POST", "/flow_runs/", create_flow_run),
    Route("GET", "/flow_runs/{id:uuid}", read_flow_run),
    Route("PATCH", "/flow_runs/{id:uuid}", update_flow_run),
    Route("PATCH", "/flow_runs/{id:uuid}/labels", update_flow_run_labels),
    Route("DELETE", "/flow_runs/{id:uuid}", delete_flow_run),
    Route("POST", "/flow_runs/bulk_delete", bulk_delete_flow_runs),
    Route("POST", "/flow_runs/filter", filter_flow_runs, only_asks=True),
    Route("POST", "/flow_runs/paginate", paginate_flow_runs, only_asks=True),
    Route("POST", "/flow_runs/count", count_flow_runs, only_asks=True),
)
