"""`/work_pools` and their queues."""

from __future__ import annotations

import math
from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2, work_pool_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, made, no_content, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields, at_least, boolean, integer, nested, string
from headrace_prefect.filters import deployments as filters
from headrace_prefect.request import Request
from headrace_prefect.resources import queue_order
from headrace_prefect.resources.routes import Route
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.schemas import opened_template
from headrace_prefect.shapes.work_pools import RESERVED, holder_json, pool_json
from headrace_prefect.shapes.work_pools import queue_json as _queue_json

_STORAGE: Fields = {
    "bundle_upload_step": Field(fields.json_object),
    "bundle_execution_step": Field(fields.json_object),
    "default_result_storage_block_id": Field(fields.identifier),
}
_CHANGE: Fields = {
    "description": Field(string),
    "is_paused": Field(boolean),
    "base_job_template": Field(fields.json_object),
    "concurrency_limit": Field(at_least(0)),
    "storage_configuration": Field(nested(_STORAGE)),
}
_CREATE: Fields = {
    **_CHANGE,
    "name": Field(fields.name, required=True),
    "type": Field(string, default="prefect-agent"),
}
_QUEUE_CHANGE: Fields = {
    "name": Field(fields.name),
    "description": Field(string),
    "is_paused": Field(boolean),
    "concurrency_limit": Field(at_least(0)),
    "priority": Field(at_least(1)),
}
_QUEUE_CREATE: Fields = {**_QUEUE_CHANGE, "name": Field(fields.name, required=True)}
_WINDOW: Fields = {"limit": Field(integer), "offset": Field(at_least(0), default=0)}
_STATUS: Fields = {
    "page": Field(at_least(1), default=1),
    "limit": Field(integer),
    "flow_run_limit": Field(at_least(0), default=10),
}

AGENT_POOL = "default-agent-pool"
"""The pool of queues that are made without one."""
_TAKING_SLOTS = (state_pb2.STATE_TYPE_PENDING, state_pb2.STATE_TYPE_RUNNING)
_EMPTY_TEMPLATE: dict[str, Any] = {"job_configuration": {}, "variables": {"type": "object", "properties": {}}}


async def load_pool(request: Request, name: str) -> work_pool_pb2.WorkPool:
    """Return a work pool.

    Raises:
        Refusal: There is none (404).
    """
    try:
        answer = await request.call(
            request.services.work_pools.GetWorkPool, work_pool_pb2.GetWorkPoolRequest(work_pool_name=name)
        )
    except errors.NotFound:
        raise Refusal(404, f'Work pool "{name}" not found.') from None
    return answer.work_pool


async def load_queue(request: Request, pool_name: str, name: str) -> work_pool_pb2.WorkQueue:
    """Return a queue of a work pool.

    Raises:
        Refusal: There is no such pool or queue (404).
    """
    await load_pool(request, pool_name)
    for queue in await filters.queues_of(request, pool_name):
        if queue.name == name:
            return queue
    raise Refusal(404, f"Work pool queue '{pool_name}/{name}' not found.")


async def ensure_queue(request: Request, pool_name: str, name: str) -> None:
    """Make a queue of a work pool that does not exist."""
    try:
        await request.call(
            request.services.work_pools.CreateWorkQueue,
            work_pool_pb2.CreateWorkQueueRequest(
                work_pool_name=pool_name, work_queue=work_pool_pb2.WorkQueue(name=name)
            ),
        )
    except errors.AlreadyExists:
        return


async def workers_of(request: Request, pool_name: str) -> list[work_pool_pb2.Worker]:
    """Return the workers of a pool."""
    return await lists.every(
        request,
        request.services.work_pools.ListWorkers,
        work_pool_pb2.ListWorkersRequest(work_pool_name=pool_name),
        "workers",
    )


async def queue_json(request: Request, queue: work_pool_pb2.WorkQueue) -> dict[str, Any]:
    """Return a queue as Prefect's client sees it."""
    return _queue_json(queue, await workers_of(request, queue.work_pool_name))


async def create_work_pool(request: Request) -> Answer:
    """Create a work pool."""
    body = request.body(_CREATE)
    _refuse_reserved(body["name"], "Work pools starting with 'Prefect' are reserved for internal use.")
    pool = _pool(body, body["name"])
    pool.type = body["type"]
    if not pool.base_job_template.fields:
        pool.base_job_template.CopyFrom(scalars.to_struct(opened_template(_EMPTY_TEMPLATE)))
    try:
        answer = await request.call(
            request.services.work_pools.CreateWorkPool, work_pool_pb2.CreateWorkPoolRequest(work_pool=pool)
        )
    except errors.AlreadyExists:
        raise Refusal(409, "A work pool with this name already exists.") from None
    return made(pool_json(answer.work_pool))


def _refuse_reserved(name: str, detail: str) -> None:
    if name.lower().startswith(RESERVED):
        raise Refusal(403, detail)


def _pool(body: fields.Body, name: str) -> work_pool_pb2.WorkPool:
    storage = body["storage_configuration"]
    return work_pool_pb2.WorkPool(
        name=name,
        description=body["description"] or "",
        base_job_template=scalars.to_struct(opened_template(body["base_job_template"] or {})),
        paused=bool(body["is_paused"]),
        concurrency_limit=body["concurrency_limit"],
        storage_configuration=scalars.to_struct({key: item for key, item in storage.items() if item is not None})
        if storage is not None
        else None,
    )


async def read_work_pool(request: Request) -> Answer:
    """Return a work pool."""
    return ok(pool_json(await load_pool(request, request.path["name"])))


async def read_work_pools(request: Request) -> Answer:
    """Return some work pools."""
    body = request.body({"work_pools": Field(filters.POOL_FILTER), **_WINDOW})
    found = await filters.pools(request, body["work_pools"])
    return ok([pool_json(pool) for pool in found[body["offset"] :][: request.limit(body)]])


async def count_work_pools(request: Request) -> Answer:
    """Count some work pools."""
    body = request.body({"work_pools": Field(filters.POOL_FILTER)})
    return ok(len(await filters.pools(request, body["work_pools"])))


async def update_work_pool(request: Request) -> Answer:
    """Change a work pool."""
    body = request.body(_CHANGE)
    name = request.path["name"]
    if body.given - {"is_paused", "concurrency_limit"}:
        _refuse_reserved(
            name,
            "Work pools starting with 'Prefect' are reserved for internal use "
            "and can only be updated to set concurrency limits or pause.",
        )
    await load_pool(request, name)
    paths = ["paused" if field == "is_paused" else field for field in sorted(body.given)]
    # What is null is left as it is, but for the limit, which is taken away, and the description.
    nullable = ("concurrency_limit", "description")
    paths = [path for path in paths if path in nullable or body["is_paused" if path == "paused" else path] is not None]
    if paths:
        message = work_pool_pb2.UpdateWorkPoolRequest(work_pool=_pool(body, name))
        message.update_mask.paths.extend(paths)
        await request.call(request.services.work_pools.UpdateWorkPool, message)
    return no_content()


async def delete_work_pool(request: Request) -> Answer:
    """Delete a work pool."""
    name = request.path["name"]
    _refuse_reserved(name, "Work pools starting with 'Prefect' are reserved for internal use and can not be deleted.")
    await load_pool(request, name)
    await request.call(
        request.services.work_pools.DeleteWorkPool, work_pool_pb2.DeleteWorkPoolRequest(work_pool_name=name)
    )
    return no_content()


async def read_work_pool_concurrency_status(request: Request) -> Answer:
    """Tell who takes the slots of a work pool, queue by queue."""
    body = request.body(_STATUS)
    limit, page = request.limit(body), body["page"]
    pool = await load_pool(request, request.path["name"])
    queues = await filters.queues_of(request, pool.name)
    told = []
    for queue in queues[(page - 1) * limit : page * limit]:
        holders = await slot_holders(request, queue.work_queue_id, 0, body["flow_run_limit"])
        active = await count_holders(request, work_queue_id=queue.work_queue_id)
        told.append(
            {
                "queue_id": queue.work_queue_id,
                "queue_name": queue.name,
                "active_slots": active,
                "concurrency_limit": queue.concurrency_limit if queue.HasField("concurrency_limit") else None,
                "flow_runs": [holder_json(run) for run in holders],
                "flow_run_count": active,
            }
        )
    return ok(
        {
            "active_slots": await count_holders(request, work_pool_id=pool.work_pool_id),
            "concurrency_limit": pool.concurrency_limit if pool.HasField("concurrency_limit") else None,
            "queues": told,
            "count": len(queues),
            "limit": limit,
            "pages": math.ceil(len(queues) / limit) if limit else 0,
            "page": page,
        }
    )


async def slot_holders(request: Request, queue_id: str, offset: int, limit: int) -> list[flow_run_pb2.FlowRun]:
    """Return runs that take a slot of a queue, those first that started first."""
    return await lists.window(
        request,
        request.services.flow_runs.ListFlowRuns,
        flow_run_pb2.ListFlowRunsRequest(
            filter=flow_run_pb2.FlowRunFilter(work_queue_ids=[queue_id], state_types=_TAKING_SLOTS),
            sort=flow_run_pb2.FLOW_RUN_SORT_STARTED_ASC,
        ),
        "flow_runs",
        offset=offset,
        limit=limit,
    )


async def count_holders(request: Request, *, work_pool_id: str = "", work_queue_id: str = "") -> int:
    """Return how many runs take a slot of a pool or queue."""
    chosen = flow_run_pb2.FlowRunFilter(
        work_pool_ids=[work_pool_id] if work_pool_id else [],
        work_queue_ids=[work_queue_id] if work_queue_id else [],
        state_types=_TAKING_SLOTS,
    )
    answer = await request.call(
        request.services.flow_runs.CountFlowRuns, flow_run_pb2.CountFlowRunsRequest(filter=chosen)
    )
    return sum(count.count for count in answer.counts)


async def create_work_pool_queue(request: Request) -> Answer:
    """Add a queue to a work pool."""
    await load_pool(request, request.path["work_pool_name"])
    return await add_queue(request, request.path["work_pool_name"])


async def add_queue(request: Request, pool_name: str) -> Answer:
    """Add the queue of the request's body to a pool."""
    body = request.body(_QUEUE_CREATE)
    queue = work_pool_pb2.WorkQueue(
        name=body["name"],
        description=body["description"] or "",
        paused=bool(body["is_paused"]),
        concurrency_limit=body["concurrency_limit"],
        priority=body["priority"] or 0,
    )
    try:
        answer = await request.call(
            request.services.work_pools.CreateWorkQueue,
            work_pool_pb2.CreateWorkQueueRequest(work_pool_name=pool_name, work_queue=queue),
        )
    except errors.AlreadyExists:
        raise Refusal(409, f"A work queue with this name already exists in work pool {pool_name!r}.") from None
    if body["priority"]:
        await queue_order.make_room(request, answer.work_queue)
    return made(await queue_json(request, answer.work_queue))


async def read_work_pool_queue(request: Request) -> Answer:
    """Return a queue of a work pool."""
    return ok(
        await queue_json(request, await load_queue(request, request.path["work_pool_name"], request.path["name"]))
    )


async def read_work_pool_queues(request: Request) -> Answer:
    """Return some queues of a work pool."""
    body = request.body({"work_queues": Field(filters.QUEUE_FILTER), **_WINDOW})
    pool = await load_pool(request, request.path["work_pool_name"])
    found = await filters.queues_of(request, pool.name, body["work_queues"])
    workers = await workers_of(request, pool.name)
    return ok([_queue_json(queue, workers) for queue in found[body["offset"] :][: request.limit(body)]])


async def update_work_pool_queue(request: Request) -> Answer:
    """Change a queue of a work pool."""
    return await change_queue(request, await load_queue(request, request.path["work_pool_name"], request.path["name"]))


async def change_queue(request: Request, queue: work_pool_pb2.WorkQueue) -> Answer:
    """Change a queue as the request's body says."""
    body = request.body(_QUEUE_CHANGE)
    if body["name"] is not None and body["name"] != queue.name:
        raise Refusal(409, "A work queue keeps its name; create another one instead.")
    nullable = ("concurrency_limit", "description")
    given = [name for name in sorted(body.given - {"name"}) if name in nullable or body[name] is not None]
    if not given:
        return no_content()
    message = work_pool_pb2.UpdateWorkQueueRequest(
        work_pool_name=queue.work_pool_name,
        work_queue=work_pool_pb2.WorkQueue(
            name=queue.name,
            description=body["description"] or "",
            paused=bool(body["is_paused"]),
            concurrency_limit=body["concurrency_limit"],
            priority=body["priority"] or 0,
        ),
    )
    message.update_mask.paths.extend("paused" if name == "is_paused" else name for name in given)
    answer = await request.call(request.services.work_pools.UpdateWorkQueue, message)
    if body["priority"]:
        await queue_order.make_room(request, answer.work_queue)
    return no_content()


async def delete_work_pool_queue(request: Request) -> Answer:
    """Delete a queue of a work pool."""
    return await drop_queue(request, await load_queue(request, request.path["work_pool_name"], request.path["name"]))


async def drop_queue(request: Request, queue: work_pool_pb2.WorkQueue) -> Answer:
    """Delete a queue."""
    await request.call(
        request.services.work_pools.DeleteWorkQueue,
        work_pool_pb2.DeleteWorkQueueRequest(work_pool_name=queue.work_pool_name, work_queue_name=queue.name),
    )
    return no_content()


ROUTES = (
    Route("POST", "/work_pools/", create_work_pool),
    Route("GET", "/work_pools/{name}", read_work_pool),
    Route("POST", "/work_pools/filter", read_work_pools, only_asks=True),
    Route("POST", "/work_pools/count", count_work_pools, only_asks=True),
    Route("PATCH", "/work_pools/{name}", update_work_pool),
    Route("DELETE", "/work_pools/{name}", delete_work_pool),
    Route("POST", "/work_pools/{name}/concurrency_status", read_work_pool_concurrency_status),
    Route("POST", "/work_pools/{work_pool_name}/queues", create_work_pool_queue),
    Route("GET", "/work_pools/{work_pool_name}/queues/{name}", read_work_pool_queue),
    Route("POST", "/work_pools/{work_pool_name}/queues/filter", read_work_pool_queues, only_asks=True),
    Route("PATCH", "/work_pools/{work_pool_name}/queues/{name}", update_work_pool_queue),
    Route("DELETE", "/work_pools/{work_pool_name}/queues/{name}", delete_work_pool_queue),
)
