"""Work pools, queues and workers as they are kept and listed."""

from __future__ import annotations

from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import concurrency_pb2, concurrency_pb2_grpc
from headrace.api.v1 import work_pool_pb2 as pb
from headrace_scheduler.rules.default_templates import default_template
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, as_python, connected, eventually, struct
from service.scheduler.test_deployments import refused, violations


async def update(scheduler: Scheduler, paths: list[str], **fields: Any) -> pb.WorkPool:
    response = await scheduler.pools.UpdateWorkPool(
        pb.UpdateWorkPoolRequest(work_pool=pb.WorkPool(**fields), update_mask=FieldMask(paths=paths))
    )
    return response.work_pool  # type: ignore[no-any-return]


async def create_queue(scheduler: Scheduler, **fields: Any) -> pb.WorkQueue:
    response = await scheduler.pools.CreateWorkQueue(
        pb.CreateWorkQueueRequest(work_pool_name="pool", work_queue=pb.WorkQueue(**fields))
    )
    return response.work_queue  # type: ignore[no-any-return]


async def test_a_pool_comes_with_a_default_queue_and_template(scheduler: Scheduler) -> None:
    pool = await scheduler.create_pool()
    assert as_python(pool.base_job_template) == default_template("process")
    assert pool.status == pb.WORK_POOL_STATUS_NOT_READY
    queues = (await scheduler.pools.ListWorkQueues(pb.ListWorkQueuesRequest(work_pool_name="pool"))).work_queues
    assert [(queue.name, queue.work_queue_id) for queue in queues] == [("default", pool.default_queue_id)]
    assert isinstance(await refused(scheduler.create_pool()), errors.AlreadyExists)
    assert list(await violations(scheduler.create_pool("a/b"))) == ["work_pool.name"]
    assert list(await violations(scheduler.create_pool("typeless", type=""))) == ["work_pool.type"]
    wrong = struct(job_configuration={"image": "{{ image }}"}, variables={})
    assert list(await violations(scheduler.create_pool("wrong", base_job_template=wrong))) == [
        "work_pool.base_job_template.job_configuration"
    ]


async def test_named_fields_of_a_pool_are_changed(scheduler: Scheduler) -> None:
    pool = await scheduler.create_pool("pool", description="old", concurrency_limit=5)
    queue = await create_queue(scheduler, name="other")
    changed = await update(scheduler, ["description", "concurrency_limit"], name="pool", description="new")
    assert changed.description == "new"
    assert not changed.HasField("concurrency_limit")
    assert changed.type == pool.type
    changed = await update(scheduler, [], name="pool", queue_policy=pb.QUEUE_POLICY_STRICT)
    assert changed.queue_policy == pb.QUEUE_POLICY_STRICT
    changed = await update(scheduler, ["default_queue_id"], name="pool", default_queue_id=queue.work_queue_id)
    assert changed.default_queue_id == queue.work_queue_id
    elsewhere = update(scheduler, ["default_queue_id"], name="pool", default_queue_id=pool.work_pool_id)
    assert list(await violations(elsewhere)) == ["work_pool.default_queue_id"]
    assert list(await violations(update(scheduler, ["type"], name="pool", type="docker"))) == ["update_mask.paths[0]"]
    assert isinstance(await refused(update(scheduler, ["paused"], name="missing", paused=True)), errors.NotFound)


async def test_limits_are_told_to_the_state_service(parts: Parts, scheduler: Scheduler) -> None:
    limits = concurrency_pb2_grpc.ConcurrencyServiceStub(parts.state_channel)

    async def limit(name: str) -> int | None:
        response = await limits.ListConcurrencyLimits(concurrency_pb2.ListConcurrencyLimitsRequest(name_contains=name))
        return next((found.limit for found in response.limits if found.name == name), None)

    pool = await scheduler.create_pool("pool", concurrency_limit=5)
    name = f"work-pool:{pool.work_pool_id}"
    assert await limit(name) == 5
    await update(scheduler, ["concurrency_limit"], name="pool", concurrency_limit=0)
    assert await limit(name) == 0
    await update(scheduler, ["concurrency_limit"], name="pool")
    assert await limit(name) is None
    queue = await create_queue(scheduler, name="fast", concurrency_limit=2)
    assert await limit(f"work-queue:{queue.work_queue_id}") == 2
    await scheduler.pools.DeleteWorkQueue(pb.DeleteWorkQueueRequest(work_pool_name="pool", work_queue_name="fast"))
    assert await limit(f"work-queue:{queue.work_queue_id}") is None


async def test_queues_are_created_changed_listed_by_priority_and_deleted(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    last = await create_queue(scheduler, name="last")
    assert last.priority == 2
    await create_queue(scheduler, name="urgent", priority=1, weight=7, concurrency_limit=3, description="d")
    assert isinstance(await refused(create_queue(scheduler, name="urgent")), errors.AlreadyExists)
    assert list(await violations(create_queue(scheduler, name=""))) == ["work_queue.name"]

    async def names(page_size: int = 0) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            response = await scheduler.pools.ListWorkQueues(
                pb.ListWorkQueuesRequest(work_pool_name="pool", page_size=page_size, page_token=token)
            )
            found += [queue.name for queue in response.work_queues]
            token = response.next_page_token
            if not token:
                return found

    assert await names() == await names(1) == ["default", "urgent", "last"]
    changed = await scheduler.pools.UpdateWorkQueue(
        pb.UpdateWorkQueueRequest(
            work_pool_name="pool",
            work_queue=pb.WorkQueue(name="last", priority=1, paused=True),
            update_mask=FieldMask(paths=["priority", "paused"]),
        )
    )
    assert (changed.work_queue.priority, changed.work_queue.status) == (1, pb.WORK_POOL_STATUS_PAUSED)
    assert await names() == ["default", "last", "urgent"]
    default = scheduler.pools.DeleteWorkQueue(
        pb.DeleteWorkQueueRequest(work_pool_name="pool", work_queue_name="default")
    )
    assert isinstance(await refused(default), errors.FailedPrecondition)


async def test_pools_and_queues_are_ready_while_a_worker_is_online(scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    await create_queue(scheduler, name="other")
    deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id

    async def statuses() -> tuple[int, dict[str, int], int]:
        pool = (await scheduler.pools.GetWorkPool(pb.GetWorkPoolRequest(work_pool_name="pool"))).work_pool
        queues = (await scheduler.pools.ListWorkQueues(pb.ListWorkQueuesRequest(work_pool_name="pool"))).work_queues
        return pool.status, {queue.name: queue.status for queue in queues}, (await scheduler.get(deployment_id)).status

    ready, not_ready = pb.WORK_POOL_STATUS_READY, pb.WORK_POOL_STATUS_NOT_READY
    assert await statuses() == (not_ready, {"default": not_ready, "other": not_ready}, 2)
    worker = PlayedWorker(scheduler, pool="pool", work_queue_names=["default"], labels=struct(gpu=True), host="h")
    async with connected(worker):
        assert await statuses() == (ready, {"default": ready, "other": not_ready}, 1)
        listed = await scheduler.worker(worker.worker_id)
        assert listed is not None
        assert (listed.status, listed.capacity, listed.host) == (pb.WORKER_STATUS_ONLINE, 5, "h")
        assert list(listed.work_queue_names) == ["default"]
        await worker.retire()
        await worker.say_goodbye()

    async def is_over() -> bool:
        return await statuses() == (not_ready, {"default": not_ready, "other": not_ready}, 2)

    await eventually(is_over)
    online = await scheduler.pools.ListWorkers(pb.ListWorkersRequest(statuses=[pb.WORKER_STATUS_ONLINE]))
    assert not online.workers
    of_pool = await scheduler.pools.ListWorkers(pb.ListWorkersRequest(work_pool_name="pool"))
    assert [found.worker_id for found in of_pool.workers] == [worker.worker_id]


async def test_pools_are_listed_by_type_and_name(scheduler: Scheduler) -> None:
    for name, type_ in (("alpha", "process"), ("beta", "docker"), ("gamma", "process")):
        await scheduler.create_pool(name, type=type_)

    async def names(**fields: Any) -> list[str]:
        response = await scheduler.pools.ListWorkPools(pb.ListWorkPoolsRequest(**fields))
        return [pool.name for pool in response.work_pools]

    assert await names() == ["alpha", "beta", "gamma"]
    assert await names(types=["process"]) == ["alpha", "gamma"]
    assert await names(name_contains="ET") == ["beta"]
    page = await scheduler.pools.ListWorkPools(pb.ListWorkPoolsRequest(page_size=2))
    assert await names(page_token=page.next_page_token, page_size=2) == ["gamma"]


async def test_the_worker_that_is_asked_for_must_exist(scheduler: Scheduler) -> None:
    missing = "01a20498-8976-7741-907b-34e258ac4c69"
    for call in (
        scheduler.pools.PauseWorker(pb.PauseWorkerRequest(worker_id=missing)),
        scheduler.pools.ResumeWorker(pb.ResumeWorkerRequest(worker_id=missing)),
    ):
        assert (await refused(call)).reason == "WORKER_NOT_FOUND"
    error = await refused(scheduler.pools.DrainWorker(pb.DrainWorkerRequest(worker_id=missing)))
    assert isinstance(error, errors.NotFound)
