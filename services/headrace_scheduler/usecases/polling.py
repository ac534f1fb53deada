"""Workers that ask for runs from time to time in place of a stream."""

from __future__ import annotations

import dataclasses
import uuid

from headrace import errors
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.runs import ClaimSearch
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus, WorkPool
from headrace_scheduler.rules.worker_stream import Poll
from headrace_scheduler.usecases.pools import load_pool
from headrace_scheduler.usecases.workbench import Actor, Workbench

_WORKERS = uuid.UUID("0b2f7c9e-64a1-4f0e-9d1d-6a3f5c1e8b47")
"""Ids of polling workers are made of this and of their names."""


async def poll_work(bench: Workbench, actor: Actor, poll: Poll) -> tuple[Worker | None, list[object]]:
    """Store a sign of life of a worker; return it, and runs that it may claim.

    Raises:
        errors.NotFound: The pool or a queue does not exist.
        errors.Unavailable: The state service does not answer.
    """
    worker, search = await bench.store.run(lambda unit: _look(unit, actor, poll))
    if search is None or not search.count or (worker is not None and worker.status is not WorkerStatus.ONLINE):
        return worker, []
    return worker, await bench.state.find_claimable(actor.workspace_id, search)


async def _look(unit: Unit, actor: Actor, poll: Poll) -> tuple[Worker | None, ClaimSearch | None]:
    pool = None
    search: ClaimSearch | None = ClaimSearch(
        None, (), poll.worker.deployment_ids, poll.worker.labels, poll.count, poll.due_from, poll.due_before
    )
    if poll.worker.work_pool_name:
        pool = await load_pool(unit, actor, poll.worker.work_pool_name)
        search = await _search(unit, pool, poll)
    if not poll.worker.name:
        return None, search
    online_before = await unit.workers.count_online(pool.work_pool_id) if pool is not None else 0
    worker, before = await unit.workers.poll(_identified(poll.worker, pool), poll.silent_seconds)
    if worker.status is not before:
        await unit.tell(Change(ChangeKind.STATUS, worker))
        if pool is not None and not online_before and worker.status is WorkerStatus.ONLINE:
            fresh = await unit.pools.load_by_id(pool.work_pool_id)
            await unit.tell(Change(ChangeKind.STATUS, fresh or pool))
    return worker, search


async def _search(unit: Unit, pool: WorkPool, poll: Poll) -> ClaimSearch | None:
    queues = await unit.pools.list_queues(pool.work_pool_id)
    unknown = set(poll.worker.work_queue_names) - {queue.name for queue in queues}
    if unknown:
        names = ", ".join(repr(name) for name in sorted(unknown))
        raise errors.NotFound(f"the work pool {pool.name!r} has no queue {names}", reason="WORK_QUEUE_NOT_FOUND")
    served = [
        queue.work_queue_id
        for queue in queues
        if not queue.paused and (not poll.worker.work_queue_names or queue.name in poll.worker.work_queue_names)
    ]
    if pool.paused or not served:
        return None
    return ClaimSearch(
        pool.work_pool_id, tuple(served), (), poll.worker.labels, poll.count, poll.due_from, poll.due_before
    )


def _identified(worker: Worker, pool: WorkPool | None) -> Worker:
    place = pool.work_pool_id if pool is not None else ",".join(sorted(map(str, worker.deployment_ids)))
    worker_id = uuid.uuid5(_WORKERS, f"{worker.workspace_id}/{place}/{worker.name}")
    return dataclasses.replace(
        worker, worker_id=worker_id, work_pool_id=pool.work_pool_id if pool is not None else None
    )


async def delete_worker(bench: Workbench, actor: Actor, worker_id: uuid.UUID) -> None:
    """Forget a worker.

    Raises:
        errors.NotFound: There is no such worker.
    """

    async def work(unit: Unit) -> None:
        deleted = await unit.workers.delete(actor.workspace_id, worker_id)
        if deleted is None:
            raise errors.NotFound(f"there is no worker {worker_id}", reason="WORKER_NOT_FOUND")
        if deleted.status is not WorkerStatus.OFFLINE:
            await unit.tell(Change(ChangeKind.STATUS, dataclasses.replace(deleted, status=WorkerStatus.OFFLINE)))

    await bench.store.run(work)
