"""Workers: on their streams, silent, gone; what others are told of that."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace_scheduler.repository.storage import Beat, Heard, StatusChange, Unit
from headrace_scheduler.repository.wakeups import WORKERS
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus, WorkPool
from headrace_scheduler.rules.worker_stream import Hello
from headrace_scheduler.usecases import pools
from headrace_scheduler.usecases.workbench import Actor, Workbench

SILENT_SECONDS = 6.0
"""A worker that was not heard of for so long is OFFLINE."""
FORGOTTEN_SECONDS = 7 * 86_400.0
"""A worker that was not heard of for so long is no longer listed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Welcome:
    """A worker that may take runs."""

    worker: Worker
    pool: WorkPool | None


async def connect_worker(bench: Workbench, actor: Actor, hello: Hello, connection_id: uuid.UUID) -> Welcome:
    """Store that a worker stands on a new stream.

    Raises:
        errors.NotFound: Its pool does not exist and is not to be created.
        errors.FailedPrecondition: The pool is for workers of another type.
        errors.AlreadyExists: The id belongs to a worker of another workspace.
    """

    async def work(unit: Unit) -> tuple[Welcome, list[Errand]]:
        pool, errands = await _find_pool(unit, actor, hello)
        online_before = await unit.workers.count_online(pool.work_pool_id) if pool is not None else 0
        worker = dataclasses.replace(hello.worker, work_pool_id=pool.work_pool_id if pool is not None else None)
        stored, status_before = await unit.workers.connect(worker, connection_id)
        if stored.status is not status_before:
            await unit.tell(Change(ChangeKind.STATUS, stored))
        if pool is not None:
            fresh = await unit.pools.load_by_id(pool.work_pool_id)
            pool = fresh or pool
            if online_before == 0 and stored.status is WorkerStatus.ONLINE:
                await unit.tell(Change(ChangeKind.STATUS, pool))
        return Welcome(stored, pool), errands

    welcome, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return welcome


async def _find_pool(unit: Unit, actor: Actor, hello: Hello) -> tuple[WorkPool | None, list[Errand]]:
    name, type_ = hello.worker.work_pool_name, hello.worker.type
    if not name:
        return None, []
    pool = await unit.pools.load(actor.workspace_id, name)
    errands: list[Errand] = []
    if pool is None and hello.create_pool:
        created = await pools.find_or_create_pool(
            unit, actor.workspace_id, pools.GivenPool(name=name, type=type_ or "process")
        )
        if created is not None:
            pool, errands = created
        else:
            # Another worker was faster.
            pool = await unit.pools.load(actor.workspace_id, name)
    if pool is None:
        raise errors.NotFound(
            f"there is no work pool {name!r}; create it, or start the worker so that it creates it",
            reason="WORK_POOL_NOT_FOUND",
        )
    if type_ and type_ != pool.type:
        raise errors.FailedPrecondition(
            f"the work pool {name!r} is for workers of the type {pool.type!r}, not {type_!r}",
            reason="WORKER_TYPE_MISMATCH",
        )
    known = {queue.name for queue in await unit.pools.list_queues(pool.work_pool_id)}
    unknown = [queue for queue in hello.worker.work_queue_names if queue not in known]
    if unknown:
        raise errors.NotFound(
            f"the work pool {name!r} has no queue {', '.join(map(repr, unknown))}", reason="WORK_QUEUE_NOT_FOUND"
        )
    return pool, errands


async def beat_workers(bench: Workbench, beats: Sequence[Beat]) -> list[Heard]:
    """Store signs of life of workers; return what their streams have to know."""

    async def work(unit: Unit) -> list[Heard]:
        heard, changed = await unit.workers.beat(beats)
        await _tell(unit, changed)
        return heard

    return await bench.store.run(work)


async def disconnect_worker(bench: Workbench, worker_id: uuid.UUID, connection_id: uuid.UUID) -> None:
    """Make a worker OFFLINE that has said goodbye, unless it stands on another stream."""

    async def work(unit: Unit) -> None:
        gone = await unit.workers.disconnect(worker_id, connection_id)
        if gone is not None:
            await _tell(unit, [gone])

    await bench.store.run(work)


async def expire_workers(bench: Workbench) -> int:
    """Make workers OFFLINE that are silent; return how many. Their runs stay theirs until the leases expire."""

    async def work(unit: Unit) -> int:
        gone = await unit.workers.expire(SILENT_SECONDS)
        await _tell(unit, gone)
        return len(gone)

    return await bench.store.run(work)


async def forget_workers(bench: Workbench) -> int:
    """Stop listing workers that are gone for long; return how many."""
    return await bench.store.run(lambda unit: unit.workers.forget(FORGOTTEN_SECONDS))


async def drain_worker(bench: Workbench, actor: Actor, worker_id: uuid.UUID) -> Worker:
    """Ask a worker to finish what it runs and to take nothing new, on whichever server its stream stands.

    Raises:
        errors.NotFound: There is no such worker.
    """

    async def work(unit: Unit) -> Worker:
        return _found(
            unit, worker_id, await unit.workers.request_drain(actor.workspace_id, worker_id, _asked_by(actor))
        )

    return await bench.store.run(work)


async def pause_worker(bench: Workbench, actor: Actor, worker_id: uuid.UUID, reason: str) -> Worker:
    """Ask a worker to take nothing new until it is resumed, also after it has connected anew.

    Args:
        bench: What to work with.
        actor: Who asks.
        worker_id: Which one.
        reason: Why, for people; empty says who asked.

    Raises:
        errors.NotFound: There is no such worker.
    """

    async def work(unit: Unit) -> Worker:
        asked = reason.strip() or _asked_by(actor)
        return _found(unit, worker_id, await unit.workers.request_pause(actor.workspace_id, worker_id, asked))

    return await bench.store.run(work)


async def resume_worker(bench: Workbench, actor: Actor, worker_id: uuid.UUID) -> Worker:
    """Let a worker take runs again.

    Raises:
        errors.NotFound: There is no such worker.
    """

    async def work(unit: Unit) -> Worker:
        return _found(unit, worker_id, await unit.workers.request_pause(actor.workspace_id, worker_id, None))

    return await bench.store.run(work)


def _asked_by(actor: Actor) -> str:
    return f"asked for by {actor.creator.display_name or 'somebody'}"


def _found(unit: Unit, worker_id: uuid.UUID, worker: Worker | None) -> Worker:
    if worker is None:
        raise errors.NotFound(f"there is no worker {worker_id}", reason="WORKER_NOT_FOUND")
    unit.wake(WORKERS)
    return worker


async def _tell(unit: Unit, changed: Sequence[StatusChange]) -> None:
    """Tell of workers whose status changed, and of pools that so got their first or lost their last one."""
    came: dict[uuid.UUID, int] = {}
    left: dict[uuid.UUID, int] = {}
    for change in changed:
        worker = change.worker
        await unit.tell(Change(ChangeKind.STATUS, worker))
        if worker.work_pool_id is not None:
            is_online, was_online = worker.status is WorkerStatus.ONLINE, change.before is WorkerStatus.ONLINE
            came[worker.work_pool_id] = came.get(worker.work_pool_id, 0) + (is_online and not was_online)
            left[worker.work_pool_id] = left.get(worker.work_pool_id, 0) + (was_online and not is_online)
    for pool_id in came:
        online = await unit.workers.count_online(pool_id)
        if (came[pool_id] and online == came[pool_id]) or (left[pool_id] and online == 0):
            pool = await unit.pools.load_by_id(pool_id)
            if pool is not None:
                await unit.tell(Change(ChangeKind.STATUS, pool))
