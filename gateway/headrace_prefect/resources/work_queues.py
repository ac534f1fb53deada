"""`/work_queues`: queues by their ids, whatever their pool."""

from __future__ import annotations

import math

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, work_pool_pb2
from headrace_prefect.answers import Answer, not_found, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields, at_least, integer
from headrace_prefect.filters import deployments as filters
from headrace_prefect.request import Request
from headrace_prefect.resources import work_pools
from headrace_prefect.resources.polling import poll
from headrace_prefect.resources.routes import Route
from headrace_prefect.resources.work_pools import AGENT_POOL, queue_json, workers_of
from headrace_prefect.shapes import work_pools as shapes
from headrace_prefect.shapes.flow_runs import flow_run_text

_POLICY = {"maximum_late_runs": 0, "maximum_seconds_since_last_polled": 60}
_FILTERED: Fields = {
    "work_queues": Field(filters.QUEUE_FILTER),
    "limit": Field(integer),
    "offset": Field(at_least(0), default=0),
}
_GET_RUNS: Fields = {"limit": Field(integer), "scheduled_before": Field(fields.moment)}
_PAGE: Fields = {"page": Field(at_least(1), default=1), "limit": Field(integer)}


async def _load(request: Request) -> work_pool_pb2.WorkQueue:
    try:
        answer = await request.call(
            request.services.work_pools.GetWorkQueue,
            work_pool_pb2.GetWorkQueueRequest(work_queue_id=request.path["id"]),
        )
    except errors.NotFound:
        raise not_found("work queue") from None
    return answer.work_queue


async def create_work_queue(request: Request) -> Answer:
    """Create a queue in the pool of queues that are made without one."""
    await _ensure_agent_pool(request)
    return await work_pools.add_queue(request, AGENT_POOL)


async def _ensure_agent_pool(request: Request) -> None:
    pool = work_pool_pb2.WorkPool(name=AGENT_POOL, type="prefect-agent")
    pool.base_job_template.update({"job_configuration": {}, "variables": {"type": "object", "properties": {}}})
    try:
        await request.call(
            request.services.work_pools.CreateWorkPool, work_pool_pb2.CreateWorkPoolRequest(work_pool=pool)
        )
    except errors.AlreadyExists:
        return


async def update_work_queue(request: Request) -> Answer:
    """Change a queue."""
    return await work_pools.change_queue(request, await _load(request))


async def read_work_queue(request: Request) -> Answer:
    """Return a queue."""
    return ok(await queue_json(request, await _load(request)))


async def read_work_queue_by_name(request: Request) -> Answer:
    """Return a queue of the pool of queues that are made without one."""
    try:
        found = await filters.queues_of(request, AGENT_POOL)
    except errors.NotFound:
        found = []
    for queue in found:
        if queue.name == request.path["name"]:
            return ok(await queue_json(request, queue))
    raise not_found("work queue")


async def read_work_queues(request: Request) -> Answer:
    """Return some queues of all pools."""
    body = request.body(_FILTERED)
    found = await filters.queues(request, body["work_queues"])
    return ok([await queue_json(request, queue) for queue in found[body["offset"] :][: request.limit(body)]])


async def delete_work_queue(request: Request) -> Answer:
    """Delete a queue."""
    return await work_pools.drop_queue(request, await _load(request))


async def read_work_queue_runs(request: Request) -> Answer:
    """Return runs that wait in a queue."""
    body = request.body(_GET_RUNS)
    queue = await _load(request)
    runs = await poll(
        request,
        work_pool_pb2.PollWorkRequest(
            work_pool_name=queue.work_pool_name, work_queue_names=[queue.name], count=request.limit(body)
        ),
        due_before=body["scheduled_before"],
    )
    return ok([flow_run_text(run) for run in runs])


async def read_work_queue_status(request: Request) -> Answer:
    """Tell whether a queue is looked after."""
    queue = await _load(request)
    polled = shapes.last_polled(queue, await workers_of(request, queue.work_pool_name))
    chosen = flow_run_pb2.FlowRunFilter(
        work_queue_ids=[queue.work_queue_id], state_types=[state_pb2.STATE_TYPE_SCHEDULED], state_names=["Late"]
    )
    counted = await request.call(
        request.services.flow_runs.CountFlowRuns, flow_run_pb2.CountFlowRunsRequest(filter=chosen)
    )
    late = sum(count.count for count in counted.counts)
    is_ready = queue.status == work_pool_pb2.WORK_POOL_STATUS_READY
    return ok(
        {
            "healthy": is_ready and not late,
            "late_runs_count": late,
            "last_polled": polled,
            "health_check_policy": _POLICY,
        }
    )


async def read_work_queue_concurrency_status(request: Request) -> Answer:
    """Tell who takes the slots of a queue."""
    body = request.body(_PAGE)
    limit, page = request.limit(body), body["page"]
    queue = await _load(request)
    count = await work_pools.count_holders(request, work_queue_id=queue.work_queue_id)
    holders = await work_pools.slot_holders(request, queue.work_queue_id, (page - 1) * limit, limit)
    return ok(
        {
            "active_slots": count,
            "concurrency_limit": queue.concurrency_limit if queue.HasField("concurrency_limit") else None,
            "flow_runs": [shapes.holder_json(run) for run in holders],
            "count": count,
            "limit": limit,
            "pages": math.ceil(count / limit) if limit else 0,
            "page": page,
        }
    )


ROUTES = (
    Route("POST", "/work_queues/", create_work_queue),
    Route("PATCH", "/work_queues/{id:uuid}", update_work_queue),
    Route("GET", "/work_queues/name/{name}", read_work_queue_by_name),
    Route("GET", "/work_queues/{id:uuid}", read_work_queue),
    Route("POST", "/work_queues/{id:uuid}/get_runs", read_work_queue_runs),
    Route("POST", "/work_queues/filter", read_work_queues, only_asks=True),
    Route("DELETE", "/work_queues/{id:uuid}", delete_work_queue),
    Route("POST", "/work_queues/{id:uuid}/concurrency_status", read_work_queue_concurrency_status),
    Route("GET", "/work_queues/{id:uuid}/status", read_work_queue_status),
)
