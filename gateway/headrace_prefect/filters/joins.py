"""Filters of several kinds of things beside each other, as one filter of the things that are listed.

Prefect's lists take a filter for each of `flows`, `flow_runs`, `task_runs`, `deployments`, `work_pools` and
`work_pool_queues`, and bring what stands in relation to things of all of them. A filter of another kind of thing
becomes the ids of what passes it, up to a bound; most become a field of the listed things' own filter without asking.
"""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import deployment_pb2, flow_pb2, flow_run_pb2, task_run_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Invalid
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.filters import deployments
from headrace_prefect.filters.operators import NOBODY, all_of, negated
from headrace_prefect.filters.runs import FLOW_RUNS, FLOWS, TASK_RUNS
from headrace_prefect.request import Request

MOST_IDS = 1_000
"""So many things of another kind may pass a filter."""

_FLOW = flow_pb2.FlowFilter
_RUN = flow_run_pb2.FlowRunFilter
_TASK = task_run_pb2.TaskRunFilter

_DEPLOYED = fields.nested({"is_null_": Field(fields.boolean)})


def _flows(value: Any) -> tuple[flow_pb2.FlowFilter, bool | None]:
    """Take a filter of flows; of their deployments only whether there are some."""
    message = FLOWS(value)
    deployed = value.get("deployment")
    is_null = _DEPLOYED(deployed)["is_null_"] if deployed is not None else None
    return message, None if is_null is None else not is_null


JOINED: Fields = {
    "flows": Field(_flows),
    "flow_runs": Field(FLOW_RUNS),
    "task_runs": Field(TASK_RUNS),
    **deployments.JOINED,
    # The name that histories have for queues.
    "work_queues": Field(deployments.QUEUE_FILTER),
}
"""The filters of a list."""


async def flow_run_filter(request: Request, body: Body) -> flow_run_pb2.FlowRunFilter:
    """Return the filter of flow runs that the filters of a body make together.

    Raises:
        Invalid: More things of another kind pass a filter than can be asked for.
    """
    parts: list[flow_run_pb2.FlowRunFilter] = [body["flow_runs"]] if body["flow_runs"] is not None else []
    if body["flows"] is not None:
        message, deployed = body["flows"]
        only = _only(message)
        if deployed is None and only == {"flow_ids"}:
            parts.append(_RUN(flow_ids=message.flow_ids))
        elif deployed is None and only == {"names"}:
            parts.append(_RUN(flow_names=message.names))
        elif only or deployed is not None:
            parts.append(_RUN(flow_ids=_some(await flow_ids(request, body))))
    if body["task_runs"] is not None and _only(body["task_runs"]):
        parts.append(_RUN(flow_run_ids=_some(await _runs_of_tasks(request, body["task_runs"]))))
    if asks(body["deployments"]):
        parts.append(_RUN(deployment_ids=_some(await deployments.deployment_ids(request, body["deployments"]))))
    if asks(body["work_pools"]):
        parts.append(_RUN(work_pool_ids=_some(await deployments.pool_ids(request, body["work_pools"]))))
    for queues in (body["work_pool_queues"], body["work_queues"]):
        if asks(queues):
            parts.append(_RUN(work_queue_ids=_some(await deployments.queue_ids(request, queues))))
    whole: flow_run_pb2.FlowRunFilter = all_of(_RUN, parts)
    return whole


async def task_run_filter(request: Request, body: Body) -> task_run_pb2.TaskRunFilter:
    """Return the filter of task runs that the filters of a body make together.

    Raises:
        Invalid: More things of another kind pass a filter than can be asked for.
    """
    parts: list[task_run_pb2.TaskRunFilter] = [body["task_runs"]] if body["task_runs"] is not None else []
    runs = body["flow_runs"]
    if runs is not None and _only(runs):
        if _only(runs) == {"flow_run_ids"}:
            parts.append(_TASK(flow_run_ids=runs.flow_run_ids))
        else:
            parts.append(_TASK(flow_run_ids=_some(await _ids_of_runs(request, runs))))
    if body["flows"] is not None:
        message, deployed = body["flows"]
        only = _only(message)
        if deployed is None and only == {"flow_ids"}:
            parts.append(_TASK(flow_ids=message.flow_ids))
        elif only or deployed is not None:
            parts.append(_TASK(flow_ids=_some(await flow_ids(request, body))))
    if asks(body["deployments"]):
        parts.append(_TASK(deployment_ids=_some(await deployments.deployment_ids(request, body["deployments"]))))
    whole: task_run_pb2.TaskRunFilter = all_of(_TASK, parts)
    return whole


async def flow_filter(request: Request, body: Body) -> flow_pb2.FlowFilter:
    """Return the filter of flows that the filters of a body make together.

    Raises:
        Invalid: More things of another kind pass a filter than can be asked for.
    """
    parts: list[flow_pb2.FlowFilter] = []
    if body["flows"] is not None:
        message, deployed = body["flows"]
        parts.append(message)
        if deployed is not None:
            owners = _FLOW(flow_ids=_some(await _flows_of_deployments(request, None)))
            parts.append(owners if deployed else negated(_FLOW, owners))
    runs = await flow_run_filter(request, Body({**body, "flows": None, "deployments": None}))
    if _only(runs):
        parts.append(_FLOW(flow_ids=_some(await _flows_of_runs(request, runs))))
    if asks(body["deployments"]):
        parts.append(_FLOW(flow_ids=_some(await _flows_of_deployments(request, body["deployments"]))))
    whole: flow_pb2.FlowFilter = all_of(_FLOW, parts)
    return whole


async def flow_ids(request: Request, body: Body) -> list[str]:
    """Return the ids of the flows that the filter of flows of a body chooses."""
    alone = Body(dict.fromkeys(JOINED) | {"flows": body["flows"]})
    asked = flow_pb2.ListFlowsRequest(filter=await flow_filter(request, alone))
    flows = await _every(request, request.services.flows.ListFlows, asked, "flows")
    return [flow.flow_id for flow in flows]


async def _ids_of_runs(request: Request, chosen: flow_run_pb2.FlowRunFilter) -> list[str]:
    return [run.flow_run_id for run in await runs_of(request, chosen)]


async def _flows_of_runs(request: Request, chosen: flow_run_pb2.FlowRunFilter) -> list[str]:
    return list(dict.fromkeys(run.flow_id for run in await runs_of(request, chosen)))


async def runs_of(request: Request, chosen: flow_run_pb2.FlowRunFilter) -> list[Any]:
    """Return the flow runs that a filter chooses."""
    asked = flow_run_pb2.ListFlowRunsRequest(filter=chosen)
    return await _every(request, request.services.flow_runs.ListFlowRuns, asked, "flow_runs")


async def _runs_of_tasks(request: Request, chosen: task_run_pb2.TaskRunFilter) -> list[str]:
    asked = task_run_pb2.ListTaskRunsRequest(filter=chosen)
    runs = await _every(request, request.services.task_runs.ListTaskRuns, asked, "task_runs")
    return list(dict.fromkeys(run.flow_run_id for run in runs if run.flow_run_id))


async def _flows_of_deployments(request: Request, chosen: Body | None) -> list[str]:
    asked = deployment_pb2.ListDeploymentsRequest(filter=deployments.narrowed(chosen))
    method = request.services.deployments.ListDeployments
    keep = deployments.deployment_test(chosen)
    found = [each for each in await _every(request, method, asked, "deployments") if keep is None or keep(each)]
    return list(dict.fromkeys(deployment.flow_id for deployment in found))


async def _every(request: Request, method: Any, asked: Any, field: str) -> list[Any]:
    found = await lists.window(request, method, asked, field, offset=0, limit=MOST_IDS + 1)
    if len(found) > MOST_IDS:
        raise Invalid.of(field, msg=f"more than {MOST_IDS} {field} pass this filter; narrow it", word="too_long")
    return found


def asks(chosen: Body | None) -> bool:
    """Return whether a filter has any criteria."""
    return chosen is not None and any(value is not None for name, value in chosen.items() if name != "operator")


def _only(message: Any) -> set[str]:
    return {field.name for field, _ in message.ListFields()}


def _some(ids: list[str]) -> list[str]:
    return ids or [NOBODY]
