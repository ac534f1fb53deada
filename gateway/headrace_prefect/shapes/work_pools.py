"""Work pools, their queues and workers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from headrace.api.v1 import flow_run_pb2, work_pool_pb2
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.schemas import template_as_given
from headrace_prefect.shapes.states import type_name

HEARTBEATS_MISSED = 3
"""So many in a row are missed before a worker is taken to be gone."""
RESERVED = "prefect"
"""Names of pools that begin so are not for users, as on Prefect's server."""

_STATUSES = {
    work_pool_pb2.WORK_POOL_STATUS_READY: "READY",
    work_pool_pb2.WORK_POOL_STATUS_NOT_READY: "NOT_READY",
    work_pool_pb2.WORK_POOL_STATUS_PAUSED: "PAUSED",
}
_STORAGE = ("bundle_upload_step", "bundle_execution_step", "default_result_storage_block_id")


def pool_json(pool: work_pool_pb2.WorkPool) -> dict[str, Any]:
    """Return a work pool."""
    storage = scalars.of_struct(pool.storage_configuration)
    has_limit = pool.HasField("concurrency_limit")
    return {
        "id": pool.work_pool_id,
        "created": scalars.moment(pool, "created_at"),
        "updated": scalars.moment(pool, "updated_at"),
        "name": pool.name,
        "description": scalars.word(pool.description),
        "type": pool.type,
        "base_job_template": template_as_given(scalars.of_struct(pool.base_job_template)),
        "is_paused": pool.paused,
        "concurrency_limit": pool.concurrency_limit if has_limit else None,
        "status": _STATUSES.get(pool.status, "NOT_READY"),
        "default_queue_id": pool.default_queue_id,
        "storage_configuration": {name: storage.get(name) for name in _STORAGE},
        "active_slots": pool.active_slots if has_limit else None,
    }


def queue_json(queue: work_pool_pb2.WorkQueue, workers: Iterable[work_pool_pb2.Worker]) -> dict[str, Any]:
    """Return a work queue.

    Args:
        queue: The queue.
        workers: Those of its pool.
    """
    has_limit = queue.HasField("concurrency_limit")
    return {
        "id": queue.work_queue_id,
        "created": scalars.moment(queue, "created_at"),
        "updated": scalars.moment(queue, "updated_at"),
        "name": queue.name,
        "description": queue.description,
        "is_paused": queue.paused,
        "concurrency_limit": queue.concurrency_limit if has_limit else None,
        "priority": queue.priority,
        "work_pool_id": queue.work_pool_id,
        "filter": None,
        "last_polled": last_polled(queue, workers),
        "work_pool_name": queue.work_pool_name,
        "status": _STATUSES.get(queue.status, "NOT_READY"),
        "active_slots": queue.active_slots if has_limit else None,
    }


def last_polled(queue: work_pool_pb2.WorkQueue, workers: Iterable[work_pool_pb2.Worker]) -> str | None:
    """Return when a worker that takes from a queue was last heard of."""
    return max(
        (
            scalars.of_timestamp(worker.last_heartbeat_at)
            for worker in workers
            if not worker.work_queue_names or queue.name in worker.work_queue_names
        ),
        default=None,
    )


def worker_status(worker: work_pool_pb2.Worker) -> str:
    """Return the status of a worker."""
    return "OFFLINE" if worker.status == work_pool_pb2.WORKER_STATUS_OFFLINE else "ONLINE"


def worker_json(worker: work_pool_pb2.Worker, pool_id: str) -> dict[str, Any]:
    """Return a worker of a pool."""
    return {
        "id": worker.worker_id,
        "created": scalars.moment(worker, "started_at"),
        "updated": scalars.moment(worker, "last_heartbeat_at"),
        "name": worker.name,
        "work_pool_id": pool_id,
        "last_heartbeat_time": scalars.moment(worker, "last_heartbeat_at"),
        "heartbeat_interval_seconds": None,
        "status": worker_status(worker),
    }


def holder_json(run: flow_run_pb2.FlowRun) -> dict[str, Any]:
    """Return a flow run that takes a slot."""
    return {
        "id": run.flow_run_id,
        "name": run.name,
        "state_type": type_name(run.state.type),
        "state_name": run.state.name,
        "start_time": scalars.moment(run, "started_at"),
        "state_timestamp": scalars.moment(run.state, "occurred_at"),
        "time_in_current_state": max(0.0, time.time() - run.state.occurred_at.ToNanoseconds() / 1e9),
    }
