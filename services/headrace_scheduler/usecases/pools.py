"""Work pools and their queues: created, changed, deleted."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.repository.wakeups import DUE, WORKERS
from headrace_scheduler.rules import errands as errand_rules
from headrace_scheduler.rules import job_template
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.default_templates import default_template
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.work_pool import DEFAULT_QUEUE, QueuePolicy, WorkPool, WorkQueue, check_name
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing


@dataclasses.dataclass(frozen=True, slots=True)
class GivenPool:
    """A work pool as a user gives it."""

    name: str
    type: str
    description: str = ""
    base_job_template: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Empty takes the default of the type."""
    paused: bool = False
    concurrency_limit: int | None = None
    queue_policy: QueuePolicy = QueuePolicy.WEIGHTED
    start_timeout_seconds: float | None = None
    storage_configuration: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class GivenQueue:
    """A work queue as a user gives it."""

    name: str
    description: str = ""
    priority: int = 0
    """0 comes after all others."""
    weight: int = 0
    paused: bool = False
    concurrency_limit: int | None = None


async def create_pool(bench: Workbench, actor: Actor, given: GivenPool) -> WorkPool:
    """Create a pool with a default queue.

    Raises:
        errors.InvalidArgument: Something of it is wrong.
        errors.AlreadyExists: There is a pool with this name.
    """
    with refusing("work_pool"):
        _check_pool(given.name, given.type)

    async def work(unit: Unit) -> tuple[WorkPool, list[Errand]]:
        found = await find_or_create_pool(unit, actor.workspace_id, given)
        if found is None:
            raise errors.AlreadyExists(f"there is a work pool {given.name!r} already", reason="WORK_POOL_EXISTS")
        return found

    pool, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return pool


async def find_or_create_pool(
    unit: Unit, workspace_id: uuid.UUID, given: GivenPool
) -> tuple[WorkPool, list[Errand]] | None:
    """Create a pool; None if its name is taken.

    Raises:
        errors.InvalidArgument: Its template is wrong.
    """
    template = given.base_job_template or default_template(given.type)
    with refusing("work_pool"):
        job_template.check_template(template)
    now = await unit.now()
    pool = WorkPool(
        work_pool_id=uuid7(),
        workspace_id=workspace_id,
        name=given.name,
        description=given.description,
        type=given.type,
        base_job_template=template,
        paused=given.paused,
        concurrency_limit=given.concurrency_limit,
        default_queue_id=uuid7(),
        queue_policy=given.queue_policy,
        start_timeout_seconds=given.start_timeout_seconds,
        storage_configuration=given.storage_configuration,
        created_at=now,
        updated_at=now,
    )
    queue = WorkQueue(
        work_queue_id=pool.default_queue_id,
        workspace_id=workspace_id,
        work_pool_id=pool.work_pool_id,
        work_pool_name=pool.name,
        name=DEFAULT_QUEUE,
        description="Runs that name no queue wait here.",
        priority=1,
        weight=0,
        paused=False,
        concurrency_limit=None,
        created_at=now,
        updated_at=now,
    )
    if not await unit.pools.insert(pool):
        return None
    await unit.pools.insert_queue(queue)
    await unit.tell(Change(ChangeKind.CREATED, pool))
    await unit.tell(Change(ChangeKind.CREATED, queue))
    errands = []
    if pool.concurrency_limit is not None:
        errands.append(errand_rules.set_limit(workspace_id, "work-pool", pool.work_pool_id))
        await unit.errands.add(errands[0])
    return pool, errands


async def update_pool(
    bench: Workbench, actor: Actor, name: str, edit: Callable[[WorkPool, list[WorkQueue]], WorkPool]
) -> WorkPool:
    """Change a pool to what `edit` makes of it and its queues.

    Raises:
        errors.NotFound: There is none.
        errors.InvalidArgument: What is wanted is wrong.
    """

    async def work(unit: Unit) -> tuple[WorkPool, list[Errand]]:
        before = await load_pool(unit, actor, name, lock=True)
        after = edit(before, await unit.pools.list_queues(before.work_pool_id))
        if after == before:
            return before, []
        with refusing("work_pool"):
            job_template.check_template(after.base_job_template)
        after = dataclasses.replace(after, updated_at=await unit.now())
        await unit.pools.update(after)
        await unit.tell(Change(ChangeKind.UPDATED, after))
        # Workers are told of the change, and what was held back may go.
        unit.wake(WORKERS)
        unit.wake(DUE)
        errands = []
        if after.concurrency_limit != before.concurrency_limit:
            errands.append(errand_rules.set_limit(actor.workspace_id, "work-pool", after.work_pool_id))
            await unit.errands.add(errands[0])
        return after, errands

    _, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return await bench.store.read(lambda unit: load_pool(unit, actor, name))


async def delete_pool(bench: Workbench, actor: Actor, name: str) -> None:
    """Delete a pool with its queues.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: Deployments name it.
    """

    async def work(unit: Unit) -> list[Errand]:
        pool = await load_pool(unit, actor, name, lock=True)
        if count := await unit.pools.count_deployments(pool.work_pool_id):
            raise errors.FailedPrecondition(
                f"{count} deployments run in the work pool {name!r}; give them another pool or delete them first",
                reason="WORK_POOL_IN_USE",
            )
        queues = await unit.pools.list_queues(pool.work_pool_id)
        await unit.pools.delete(pool.work_pool_id)
        await unit.tell(Change(ChangeKind.DELETED, pool))
        unit.wake(WORKERS)
        errands = [
            errand_rules.set_limit(actor.workspace_id, "work-pool", pool.work_pool_id),
            *(errand_rules.set_limit(actor.workspace_id, "work-queue", queue.work_queue_id) for queue in queues),
        ]
        for errand in errands:
            await unit.errands.add(errand)
        return errands

    await bench.errands.settle(await bench.store.run(work))


async def create_queue(bench: Workbench, actor: Actor, pool_name: str, given: GivenQueue) -> WorkQueue:
    """Add a queue to a pool.

    Raises:
        errors.NotFound: There is no such pool.
        errors.InvalidArgument: The name is wrong.
        errors.AlreadyExists: The pool has a queue with this name.
    """
    with refusing("work_queue"):
        if (wrong := check_name(given.name, "name", "queue")) is not None:
            raise Invalid.of_field("name", wrong)

    async def work(unit: Unit) -> tuple[WorkQueue, list[Errand]]:
        pool = await load_pool(unit, actor, pool_name, lock=True)
        now = await unit.now()
        others = await unit.pools.list_queues(pool.work_pool_id)
        queue = WorkQueue(
            work_queue_id=uuid7(),
            workspace_id=actor.workspace_id,
            work_pool_id=pool.work_pool_id,
            work_pool_name=pool.name,
            name=given.name,
            description=given.description,
            priority=given.priority or max((other.priority for other in others), default=0) + 1,
            weight=given.weight,
            paused=given.paused,
            concurrency_limit=given.concurrency_limit,
            created_at=now,
            updated_at=now,
        )
        if not await unit.pools.insert_queue(queue):
            raise errors.AlreadyExists(
                f"the work pool {pool_name!r} has a queue {given.name!r} already", reason="WORK_QUEUE_EXISTS"
            )
        await unit.tell(Change(ChangeKind.CREATED, queue))
        errands = []
        if queue.concurrency_limit is not None:
            errands.append(errand_rules.set_limit(actor.workspace_id, "work-queue", queue.work_queue_id))
            await unit.errands.add(errands[0])
        return queue, errands

    queue, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return await bench.store.read(lambda unit: load_queue(unit, actor, pool_name, queue.name))


async def update_queue(
    bench: Workbench, actor: Actor, pool_name: str, queue_name: str, edit: Callable[[WorkQueue], WorkQueue]
) -> WorkQueue:
    """Change a queue to what `edit` makes of it.

    Raises:
        errors.NotFound: There is none.
    """

    async def work(unit: Unit) -> list[Errand]:
        await load_pool(unit, actor, pool_name, lock=True)
        before = await load_queue(unit, actor, pool_name, queue_name)
        after = edit(before)
        if after == before:
            return []
        after = dataclasses.replace(after, updated_at=await unit.now())
        await unit.pools.update_queue(after)
        await unit.tell(Change(ChangeKind.UPDATED, after))
        unit.wake(DUE)
        errands = []
        if after.concurrency_limit != before.concurrency_limit:
            errands.append(errand_rules.set_limit(actor.workspace_id, "work-queue", after.work_queue_id))
            await unit.errands.add(errands[0])
        return errands

    await bench.errands.settle(await bench.store.run(work))
    return await bench.store.read(lambda unit: load_queue(unit, actor, pool_name, queue_name))


def _is_default(queue: WorkQueue, pool: WorkPool) -> bool:
    return queue.work_queue_id == pool.default_queue_id


async def delete_queue(bench: Workbench, actor: Actor, pool_name: str, queue_name: str) -> None:
    """Delete a queue. Runs that wait in it move to the default queue of its pool.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: It is the default queue, or deployments name it.
    """

    async def work(unit: Unit) -> list[Errand]:
        pool = await load_pool(unit, actor, pool_name, lock=True)
        queue = await load_queue(unit, actor, pool_name, queue_name)
        if queue.work_queue_id == pool.default_queue_id:
            raise errors.FailedPrecondition(
                f"{queue_name!r} is the default queue of the work pool; make another one the default first",
                reason="WORK_QUEUE_IS_DEFAULT",
            )
        if count := await unit.pools.count_deployments(pool.work_pool_id, queue.work_queue_id):
            raise errors.FailedPrecondition(
                f"{count} deployments name the queue {queue_name!r}; give them another queue first",
                reason="WORK_QUEUE_IN_USE",
            )
        await unit.pools.delete_queue(queue.work_queue_id)
        await unit.tell(Change(ChangeKind.DELETED, queue))
        left = next(one for one in await unit.pools.list_queues(pool.work_pool_id) if _is_default(one, pool))
        errands = [
            errand_rules.move_runs(actor.workspace_id, queue.work_queue_id, left.work_queue_id, left.name),
            errand_rules.set_limit(actor.workspace_id, "work-queue", queue.work_queue_id),
        ]
        for errand in errands:
            await unit.errands.add(errand)
        return errands

    await bench.errands.settle(await bench.store.run(work))


async def load_pool(unit: Unit, actor: Actor, name: str, *, lock: bool = False) -> WorkPool:
    """Return a pool.

    Raises:
        errors.NotFound: There is none.
    """
    pool = await unit.pools.load(actor.workspace_id, name, lock=lock)
    if pool is None:
        raise errors.NotFound(f"there is no work pool {name!r}", reason="WORK_POOL_NOT_FOUND")
    return pool


async def load_queue(unit: Unit, actor: Actor, pool_name: str, queue_name: str) -> WorkQueue:
    """Return a queue.

    Raises:
        errors.NotFound: There is none.
    """
    pool = await load_pool(unit, actor, pool_name)
    queue = await unit.pools.load_queue(pool.work_pool_id, queue_name)
    if queue is None:
        raise errors.NotFound(f"the work pool {pool_name!r} has no queue {queue_name!r}", reason="WORK_QUEUE_NOT_FOUND")
    return queue


def _check_pool(name: str, type_: str) -> None:
    if (wrong := check_name(name, "name", "work pool")) is not None:
        raise Invalid.of_field("name", wrong)
    if not type_:
        raise Invalid.of_field("type", "is needed, for example process")
