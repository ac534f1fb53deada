"""`/ui`: figures of the pages of Prefect's own dashboard, and the check of forms."""

from __future__ import annotations

import asyncio
import datetime
from collections import Counter
from typing import Any

import jsonschema
from google.protobuf.timestamp_pb2 import Timestamp
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from headrace import errors
from headrace.api.v1 import deployment_pb2, flow_run_pb2, run_insight_pb2, state_pb2, task_run_pb2, workspace_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, not_found, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field
from headrace_prefect.filters.joins import JOINED, flow_run_filter, task_run_filter
from headrace_prefect.filters.runs import FLOW_RUN_SORTS
from headrace_prefect.request import Request
from headrace_prefect.resources.hydration import hydrated
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.flow_runs import flow_run_json
from headrace_prefect.shapes.task_runs import task_run_json

_BUCKETS = 20
_MOST_IDS = 200
_MOST_RUNS = 1000
_TOGETHER = 10
_STATE = "STATE_TYPE_"
_STATES = [name.removeprefix(_STATE) for name, number in state_pb2.StateType.items() if number]
_FINAL = [
    state_pb2.STATE_TYPE_COMPLETED,
    state_pb2.STATE_TYPE_CANCELLED,
    state_pb2.STATE_TYPE_FAILED,
    state_pb2.STATE_TYPE_CRASHED,
]
_FAILED = frozenset({state_pb2.STATE_TYPE_FAILED, state_pb2.STATE_TYPE_CRASHED})
_MOST_ERRORS = 100
# A schema refers to itself only; nothing is fetched.
_NO_REFERENCES: Registry[Any] = Registry()

_FLOW_IDS = {"flow_ids": Field(fields.list_of(fields.identifier, _MOST_IDS), required=True)}
_RUN_IDS = {"flow_run_ids": Field(fields.list_of(fields.identifier, _MOST_IDS), required=True)}
_HISTORY = {
    **JOINED,
    "sort": Field(fields.one_of(FLOW_RUN_SORTS), default="EXPECTED_START_TIME_DESC"),
    "limit": Field(fields.within(0, _MOST_RUNS), default=_MOST_RUNS),
    "offset": Field(fields.at_least(0), default=0),
}


async def read_ui_flow_run_history(request: Request) -> Answer:
    """Return when flow runs started, and how long they took."""
    body = request.body(_HISTORY)
    asked = flow_run_pb2.ListFlowRunsRequest(
        filter=await flow_run_filter(request, body), sort=FLOW_RUN_SORTS[body["sort"]]
    )
    method = request.services.flow_runs.ListFlowRuns
    found = await lists.window(request, method, asked, "flow_runs", offset=body["offset"], limit=body["limit"])
    points = []
    for run in map(flow_run_json, found):
        points.append(
            {
                "id": run["id"],
                "state_type": run["state_type"],
                "timestamp": run["start_time"] or run["expected_start_time"] or run["created"],
                "duration": run["estimated_run_time"],
                "lateness": run["estimated_start_time_delta"],
            }
        )
    return ok(points)


async def count_task_runs_by_flow_run(request: Request) -> Answer:
    """Count the task runs of flow runs."""
    run_ids = request.body(_RUN_IDS)["flow_run_ids"]

    async def count(flow_run_id: str) -> int:
        chosen = task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id], has_child_flow_run=False)
        return sum((await _counts(request, chosen)).values())

    counts: dict[str, int] = {}
    for start in range(0, len(run_ids), _TOGETHER):
        some = run_ids[start : start + _TOGETHER]
        counts.update(zip(some, await asyncio.gather(*map(count, some)), strict=True))
    return ok(counts)


async def count_deployments_by_flow(request: Request) -> Answer:
    """Count the deployments of flows."""
    flow_ids = request.body(_FLOW_IDS)["flow_ids"]
    counts = Counter[str]()
    if flow_ids:
        asked = deployment_pb2.ListDeploymentsRequest(filter=deployment_pb2.DeploymentFilter(flow_ids=flow_ids))
        method = request.services.deployments.ListDeployments
        counts.update([each.flow_id async for each in lists.walk(request, method, asked, "deployments")])
    return ok({flow_id: counts[flow_id] for flow_id in flow_ids})


async def read_next_runs_by_flow(request: Request) -> Answer:
    """Return the next flow run of each flow."""
    flow_ids = request.body(_FLOW_IDS)["flow_ids"]
    following: dict[str, Any] = dict.fromkeys(flow_ids)
    if flow_ids:
        asked = run_insight_pb2.GetLastFlowRunsRequest(flow_ids=flow_ids, run_count=1)
        answer = await request.call(request.services.insight.GetLastFlowRuns, asked)
        for owner in answer.owners:
            if owner.HasField("next"):
                following[owner.flow_id] = _next(owner.next, owner.flow_id)
    return ok(following)


def _next(point: run_insight_pb2.FlowRunPoint, flow_id: str) -> dict[str, Any]:
    return {
        "id": point.flow_run_id,
        "flow_id": flow_id,
        "name": point.name,
        "state_name": point.state_name,
        "state_type": state_pb2.StateType.Name(point.state_type).removeprefix(_STATE),
        "next_scheduled_start_time": scalars.moment(point, "at"),
    }


async def read_dashboard_task_run_counts(request: Request) -> Answer:
    """Count the task runs that ended well and badly, over time."""
    body = request.body({**JOINED, "task_runs": Field(JOINED["task_runs"].kind, required=True)})
    started: state_pb2.TimeRange = body["task_runs"].started
    begin_at: Timestamp = getattr(started, "from")
    if not started.HasField("from"):
        raise Refusal(422, "task_runs.start_time.after_ is required")
    now = datetime.datetime.now(datetime.UTC)
    begin = begin_at.ToDatetime(datetime.UTC).replace(second=0, microsecond=0)
    end = started.until.ToDatetime(datetime.UTC) if started.HasField("until") else now
    end = max(end.replace(second=59, microsecond=999_999), begin + datetime.timedelta(minutes=1))
    chosen = task_run_pb2.TaskRunFilter()
    chosen.CopyFrom(await task_run_filter(request, body))
    chosen.state_types.extend(_FINAL)
    span = state_pb2.TimeRange(until=scalars.to_timestamp(end))
    getattr(span, "from").CopyFrom(scalars.to_timestamp(begin))
    answer = await request.call(
        request.services.insight.GetTaskRunHistogram,
        run_insight_pb2.GetTaskRunHistogramRequest(
            filter=chosen, span=span, moment=run_insight_pb2.RUN_MOMENT_STARTED, bucket_count=_BUCKETS
        ),
    )
    counts = [{"completed": 0, "failed": 0} for _ in range(_BUCKETS)]
    for place, bucket in enumerate(answer.buckets[:_BUCKETS]):
        for each in bucket.counts:
            if each.type in _FINAL:
                counts[place]["failed" if each.type in _FAILED else "completed"] += each.count
    return ok(counts)


async def read_task_run_counts_by_state(request: Request) -> Answer:
    """Count task runs by the type of their state."""
    chosen = await task_run_filter(request, request.body(JOINED))
    counts = await _counts(request, chosen)
    return ok({state: counts[state] for state in _STATES})


async def read_ui_task_run(request: Request) -> Answer:
    """Return a task run with the name of its flow run."""
    try:
        asked = task_run_pb2.GetTaskRunRequest(task_run_id=request.path["id"])
        task_run = (await request.call(request.services.task_runs.GetTaskRun, asked)).task_run
    except errors.NotFound:
        raise not_found("Task") from None
    name = None
    if task_run.flow_run_id:
        run_asked = flow_run_pb2.GetFlowRunRequest(flow_run_id=task_run.flow_run_id)
        try:
            name = (await request.call(request.services.flow_runs.GetFlowRun, run_asked)).flow_run.name
        except errors.NotFound:
            name = None
    return ok({**task_run_json(task_run), "flow_run_name": name})


async def validate_schema_values(request: Request) -> Answer:
    """Say whether values fit a schema, and where they do not; to those who say who they are."""
    await request.call(request.services.workspaces.GetCaller, workspace_pb2.GetCallerRequest())
    body = request.body(
        {"schema": Field(fields.json_object, required=True), "values": Field(fields.json_object, required=True)}
    )
    faults = faults_of(body["schema"], await hydrated(request, body["values"]))
    return ok({"errors": faults, "valid": not faults})


def faults_of(schema: dict[str, Any], values: dict[str, Any]) -> list[Any]:
    """Return where values do not fit a schema, under the fields and places where that is.

    Raises:
        Refusal: The schema is none (422).
    """
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Refusal(422, f"Invalid schema: {error.message}") from None
    validator = jsonschema.Draft202012Validator(schema, registry=_NO_REFERENCES)
    try:
        found = list(validator.iter_errors(values))[:_MOST_ERRORS]
    except RecursionError:
        told = "Invalid schema: Unable to validate schema with circular references."
        raise Refusal(422, told) from None
    except Unresolvable as error:
        raise Refusal(422, f"Invalid schema: {error}") from None
    faults: list[Any] = []
    for fault in found:
        _place(faults, fault)
    return faults


def _place(told: list[Any], error: ValidationError) -> None:
    """Put an error under the fields and places that lead to it."""
    path = list(error.relative_path)
    if error.validator == "required":
        # It is told of the field that is missing, not of the object without it.
        path.append(error.message.partition(" ")[0].strip("'"))
    for part in path:
        word = "index" if isinstance(part, int) else "property"
        entry = next((each for each in told if isinstance(each, dict) and each.get(word) == part), None)
        if entry is None:
            entry = {word: part, "errors": []}
            told.append(entry)
        told = entry["errors"]
    told.append(error.message)


async def _counts(request: Request, chosen: task_run_pb2.TaskRunFilter) -> Counter[str]:
    answer = await request.call(
        request.services.task_runs.CountTaskRuns, task_run_pb2.CountTaskRunsRequest(filter=chosen)
    )
    counts = Counter[str]()
    for each in answer.counts:
        counts[state_pb2.StateType.Name(each.type).removeprefix(_STATE)] += each.count
    return counts


ROUTES = (
    Route("POST", "/ui/flow_runs/history", read_ui_flow_run_history, only_asks=True),
    Route("POST", "/ui/flow_runs/count-task-runs", count_task_runs_by_flow_run, only_asks=True),
    Route("POST", "/ui/flows/count-deployments", count_deployments_by_flow, only_asks=True),
    Route("POST", "/ui/flows/next-runs", read_next_runs_by_flow, only_asks=True),
    Route("POST", "/ui/task_runs/dashboard/counts", read_dashboard_task_run_counts, only_asks=True),
    Route("POST", "/ui/task_runs/count", read_task_run_counts_by_state, only_asks=True),
    Route("GET", "/ui/task_runs/{id:uuid}", read_ui_task_run),
    Route("POST", "/ui/schemas/validate", validate_schema_values),
)
