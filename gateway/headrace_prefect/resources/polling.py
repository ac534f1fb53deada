"""Workers and serving processes of Prefect, which ask for runs from time to time."""

from __future__ import annotations

import datetime
import hashlib

from headrace import errors
from headrace.api.v1 import flow_run_pb2, work_pool_pb2
from headrace_prefect import lists
from headrace_prefect.answers import Answer, Refusal, no_content, ok
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Field, Fields, at_least, identifiers, integer, string, strings
from headrace_prefect.filters import deployments as filters
from headrace_prefect.request import Request
from headrace_prefect.resources.routes import Route
from headrace_prefect.resources.work_pools import load_pool
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.deployments import WORKER_LABELS
from headrace_prefect.shapes.flow_runs import flow_run_text
from headrace_prefect.shapes.work_pools import HEARTBEATS_MISSED, worker_json

HEARTBEAT_SECONDS = 30
"""How often workers give a sign of life that do not say it."""
SERVING_SECONDS = 60
"""A process that serves deployments is taken to be gone after this time without a poll."""

_POOL_RUNS: Fields = {
    "work_queue_names": Field(strings),
    "scheduled_before": Field(fields.moment),
    "scheduled_after": Field(fields.moment),
    "limit": Field(integer),
}
_DEPLOYMENT_RUNS: Fields = {
    "deployment_ids": Field(identifiers, required=True),
    "scheduled_before": Field(fields.moment),
    "limit": Field(integer),
}
_HEARTBEAT: Fields = {
    "name": Field(string, required=True),
    "heartbeat_interval_seconds": Field(at_least(1)),
}
_WORKERS: Fields = {
    "workers": Field(filters.WORKER_FILTER),
    "limit": Field(integer),
    "offset": Field(at_least(0), default=0),
}
_FAR = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)


async def poll(
    request: Request,
    message: work_pool_pb2.PollWorkRequest,
    *,
    due_before: datetime.datetime | None,
    due_from: datetime.datetime | None = None,
) -> list[flow_run_pb2.FlowRun]:
    """Return runs that a worker of Prefect may claim; without a time all that are to come."""
    message.labels.update(WORKER_LABELS)
    message.due_before.CopyFrom(scalars.to_timestamp(due_before or _FAR))
    if due_from is not None:
        message.due_from.CopyFrom(scalars.to_timestamp(due_from))
    try:
        answer = await request.call(request.services.work_pools.PollWork, message)
    except errors.NotFound as error:
        raise Refusal(404, error.message) from None
    return list(answer.flow_runs)


async def get_scheduled_flow_runs_of_pool(request: Request) -> Answer:
    """Return runs for a worker of a pool."""
    body = request.body(_POOL_RUNS)
    runs = await poll(
        request,
        work_pool_pb2.PollWorkRequest(
            work_pool_name=request.path["name"],
            work_queue_names=body["work_queue_names"] or (),
            count=request.limit(body),
        ),
        due_before=body["scheduled_before"],
        due_from=body["scheduled_after"],
    )
    return ok(
        [
            {"work_pool_id": run.work_pool_id, "work_queue_id": run.work_queue_id, "flow_run": flow_run_text(run)}
            for run in runs
        ]
    )


async def get_scheduled_flow_runs_of_deployments(request: Request) -> Answer:
    """Return runs for a process that serves deployments."""
    body = request.body(_DEPLOYMENT_RUNS)
    ids = sorted(set(body["deployment_ids"]))
    if not ids:
        return ok([])
    # Such a process has no name; the deployments that it serves say which one it is.
    name = "runner-" + hashlib.sha256(",".join(ids).encode()).hexdigest()[:8]
    runs = await poll(
        request,
        work_pool_pb2.PollWorkRequest(
            worker_name=name,
            type="serve",
            deployment_ids=ids,
            client_version="prefect",
            silent_after=scalars.to_duration(float(SERVING_SECONDS)),
            count=request.limit(body),
        ),
        due_before=body["scheduled_before"],
    )
    return ok([flow_run_text(run) for run in runs])


async def heartbeat(request: Request, pool_name: str, name: str, interval_seconds: int | None) -> None:
    """Store a sign of life of a worker of a pool."""
    pool = await load_pool(request, pool_name)
    silent = HEARTBEATS_MISSED * (interval_seconds or HEARTBEAT_SECONDS)
    message = work_pool_pb2.PollWorkRequest(
        worker_name=name,
        work_pool_name=pool.name,
        type=pool.type,
        client_version="prefect",
        silent_after=scalars.to_duration(float(min(silent, 86_400))),
    )
    message.labels.update(WORKER_LABELS)
    await request.call(request.services.work_pools.PollWork, message)


async def worker_heartbeat(request: Request) -> Answer:
    """Take a sign of life of a worker."""
    body = request.body(_HEARTBEAT)
    await heartbeat(request, request.path["work_pool_name"], body["name"], body["heartbeat_interval_seconds"])
    return no_content()


async def read_workers(request: Request) -> Answer:
    """Return some workers of a pool."""
    body = request.body(_WORKERS)
    pool = await load_pool(request, request.path["work_pool_name"])
    found = await lists.window(
        request,
        request.services.work_pools.ListWorkers,
        work_pool_pb2.ListWorkersRequest(work_pool_name=pool.name),
        "workers",
        offset=body["offset"],
        limit=request.limit(body),
        keep=filters.worker_test(body["workers"]),
    )
    return ok([worker_json(worker, pool.work_pool_id) for worker in found])


async def delete_worker(request: Request) -> Answer:
    """Forget a worker of a pool."""
    pool = await load_pool(request, request.path["work_pool_name"])
    found = await lists.every(
        request,
        request.services.work_pools.ListWorkers,
        work_pool_pb2.ListWorkersRequest(work_pool_name=pool.name),
        "workers",
        keep=lambda worker: worker.name == request.path["name"],
    )
    if not found:
        raise Refusal(404, "Worker not found.")
    for worker in found:
        await request.call(
            request.services.work_pools.DeleteWorker, work_pool_pb2.DeleteWorkerRequest(worker_id=worker.worker_id)
        )
    return no_content()


ROUTES = (
    Route("POST", "/work_pools/{name}/get_scheduled_flow_runs", get_scheduled_flow_runs_of_pool),
    Route("POST", "/deployments/get_scheduled_flow_runs", get_scheduled_flow_runs_of_deployments),
    Route("POST", "/work_pools/{work_pool_name}/workers/heartbeat", worker_heartbeat),
    Route("POST", "/work_pools/{work_pool_name}/workers/filter", read_workers),
    Route("DELETE", "/work_pools/{work_pool_name}/workers/{name}", delete_worker),
)
