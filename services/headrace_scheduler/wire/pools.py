"""Work pools, queues and workers to the wire."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import work_pool_pb2 as pb
from headrace_scheduler.rules.deployment import Status
from headrace_scheduler.rules.work_pool import QueuePolicy, Worker, WorkerStatus, WorkPool, WorkQueue
from headrace_scheduler.rules.worker_stream import Poll
from headrace_scheduler.wire import values

_SILENT_SECONDS = 60.0
"""How long a polling worker is taken to be there that does not say it."""

_STATUSES = {
    Status.READY: pb.WORK_POOL_STATUS_READY,
    Status.NOT_READY: pb.WORK_POOL_STATUS_NOT_READY,
    Status.PAUSED: pb.WORK_POOL_STATUS_PAUSED,
}
_POLICIES = {
    pb.QUEUE_POLICY_UNSPECIFIED: QueuePolicy.WEIGHTED,
    pb.QUEUE_POLICY_WEIGHTED: QueuePolicy.WEIGHTED,
    pb.QUEUE_POLICY_STRICT: QueuePolicy.STRICT,
}


def to_policy(number: pb.QueuePolicy.ValueType) -> QueuePolicy:
    """Return how queues share workers."""
    return _POLICIES.get(number, QueuePolicy.WEIGHTED)


def to_poll(request: pb.PollWorkRequest, workspace_id: uuid.UUID) -> Poll:
    """Return what a polling worker says and asks for.

    Raises:
        errors.InvalidArgument: It names both a pool and deployments, or a value is not what its field is for.
    """
    deployment_ids = values.to_ids(request.deployment_ids, "deployment_ids")
    if bool(request.work_pool_name) == bool(deployment_ids):
        raise errors.InvalidArgument.of_field("work_pool_name", "give either this or deployment_ids")
    silent_seconds = values.to_seconds(request, "silent_after")
    # Its id and the times are made where it is stored.
    worker = Worker(
        worker_id=uuid.UUID(int=0),
        workspace_id=workspace_id,
        name=request.worker_name,
        work_pool_id=None,
        work_pool_name=request.work_pool_name,
        work_queue_names=tuple(request.work_queue_names),
        deployment_ids=deployment_ids,
        type=request.type,
        status=WorkerStatus.ONLINE,
        capacity=0,
        flow_run_ids=(),
        labels=values.to_object(request.labels, "labels"),
        client_version=request.client_version,
        host="",
        started_at=values.EPOCH,
        last_heartbeat_at=values.EPOCH,
    )
    return Poll(
        worker,
        silent_seconds if silent_seconds is not None else _SILENT_SECONDS,
        request.count,
        values.to_time(request, "due_from"),
        values.to_time(request, "due_before"),
    )


def to_worker_status(number: pb.WorkerStatus.ValueType) -> WorkerStatus | None:
    """Return a worker's status, None if none is named."""
    name = pb.WorkerStatus.Name(number).removeprefix("WORKER_STATUS_")
    return WorkerStatus(name) if name in WorkerStatus.__members__ else None


def from_pool(pool: WorkPool, active_slots: int = 0) -> pb.WorkPool:
    """Return a pool as a message."""
    return pb.WorkPool(
        work_pool_id=str(pool.work_pool_id),
        name=pool.name,
        description=pool.description,
        type=pool.type,
        base_job_template=values.from_object(pool.base_job_template),
        paused=pool.paused,
        concurrency_limit=pool.concurrency_limit,
        active_slots=active_slots,
        status=_STATUSES[pool.status],
        default_queue_id=str(pool.default_queue_id),
        queue_policy=pb.QueuePolicy.Value(f"QUEUE_POLICY_{pool.queue_policy}"),
        start_timeout=values.from_seconds(pool.start_timeout_seconds),
        storage_configuration=values.from_object(pool.storage_configuration),
        created_at=values.from_time(pool.created_at),
        updated_at=values.from_time(pool.updated_at),
    )


def from_queue(queue: WorkQueue, active_slots: int = 0) -> pb.WorkQueue:
    """Return a queue as a message."""
    return pb.WorkQueue(
        work_queue_id=str(queue.work_queue_id),
        work_pool_id=str(queue.work_pool_id),
        work_pool_name=queue.work_pool_name,
        name=queue.name,
        description=queue.description,
        priority=queue.priority,
        weight=queue.weight,
        paused=queue.paused,
        concurrency_limit=queue.concurrency_limit,
        active_slots=active_slots,
        status=_STATUSES[queue.status],
        created_at=values.from_time(queue.created_at),
        updated_at=values.from_time(queue.updated_at),
    )


def from_worker(worker: Worker) -> pb.Worker:
    """Return a worker as a message."""
    return pb.Worker(
        worker_id=str(worker.worker_id),
        name=worker.name,
        work_pool_name=worker.work_pool_name,
        deployment_ids=[str(deployment_id) for deployment_id in worker.deployment_ids],
        type=worker.type,
        status=pb.WorkerStatus.Value(f"WORKER_STATUS_{worker.status}"),
        capacity=worker.capacity,
        flow_run_ids=[str(flow_run_id) for flow_run_id in worker.flow_run_ids],
        labels=values.from_object(worker.labels),
        client_version=worker.client_version,
        host=worker.host,
        started_at=values.from_time(worker.started_at),
        last_heartbeat_at=values.from_time(worker.last_heartbeat_at),
        work_queue_names=worker.work_queue_names,
        pause_reason=worker.pause_reason,
    )
