"""Several schedulers at once, and what happens when parts go away."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest

from headrace.api.v1 import work_pool_pb2
from headrace.internal.v1 import changes_pb2, outbox_pb2, outbox_pb2_grpc
from headrace_chassis.neighbours import Neighbours
from headrace_harness.state import COMPLETED, RUNNING, a_state
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, connected, eventually, running_parts


@pytest.fixture
async def replicas(database_url: str) -> AsyncIterator[Parts]:
    """The state service and two schedulers."""
    async with running_parts(database_url, schedulers=2) as running:
        yield running


async def test_two_schedulers_serve_one_pool_and_no_run_is_given_twice(replicas: Parts) -> None:
    first, second = replicas.schedulers
    await first.create_pool("pool", concurrency_limit=4)
    deployment_id = (await second.apply(pool="pool")).deployment.deployment_id
    workers = [PlayedWorker(scheduler, pool="pool", capacity=3) for scheduler in (first, second, first)]
    for worker in workers:
        await worker.connect()
    total = 80
    ids = {(await replicas.schedulers[number % 2].run(deployment_id)).flow_run_id for number in range(total)}
    most_active = 0

    async def work(worker: PlayedWorker) -> None:
        nonlocal most_active
        while sum(len(one.given) for one in workers) < total or worker.held:
            most_active = max(most_active, sum(len(one.held) for one in workers))
            for flow_run_id in list(worker.held):
                await worker.begin(replicas.state, flow_run_id)
                await replicas.state.propose(flow_run_id, a_state(COMPLETED), worker.held[flow_run_id].attempt.token)
                await worker.finish(flow_run_id)
            await asyncio.sleep(0.002)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(work, workers))
    given = collections.Counter(one.flow_run.flow_run_id for worker in workers for one in worker.given)
    assert set(given) == ids
    assert set(given.values()) == {1}
    assert most_active <= 4
    assert all(worker.most_held <= worker.capacity for worker in workers)
    assert workers[1].given
    assert workers[0].given or workers[2].given
    for worker in workers:
        await worker.break_off()


async def test_a_worker_moves_to_another_scheduler_when_its_own_stops(replicas: Parts) -> None:
    first, second = replicas.schedulers
    await first.create_pool()
    deployment_id = (await first.apply(pool="pool")).deployment.deployment_id
    worker = PlayedWorker(first, pool="pool", capacity=2)
    await worker.connect()
    run = await second.run(deployment_id)
    await worker.until_given(1)
    await eventually(lambda: worker.held)
    await worker.begin(replicas.state, run.flow_run_id)
    stopping = asyncio.create_task(first.host.stop())
    error = await worker.until_ended()
    assert error is not None
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    welcome = await worker.connect(second)
    assert list(welcome.confirmed_flow_run_ids) == [run.flow_run_id]
    await stopping
    await second.run(deployment_id)
    await worker.until_given(2)
    await replicas.state.propose(run.flow_run_id, a_state(COMPLETED), worker.held[run.flow_run_id].attempt.token)
    await worker.finish(run.flow_run_id)
    await eventually(lambda: worker.said["result_stored"])
    assert await replicas.state.state_names(run.flow_run_id) == ["Scheduled", "Pending", "Running", "Completed"]
    await worker.break_off()


async def test_what_was_not_acknowledged_when_a_scheduler_stops_goes_back(replicas: Parts) -> None:
    first, second = replicas.schedulers
    await first.create_pool()
    deployment_id = (await first.apply(pool="pool")).deployment.deployment_id
    deaf = PlayedWorker(first, pool="pool", capacity=1, acknowledges=False)
    await deaf.connect()
    run = await first.run(deployment_id)
    await deaf.until_given(1)
    await first.host.stop()
    async with connected(PlayedWorker(second, pool="pool")) as worker:
        (assignment,) = await worker.until_given(1)
        assert assignment.flow_run.flow_run_id == run.flow_run_id
    with contextlib.suppress(grpc.aio.AioRpcError):
        await deaf.break_off()


async def test_a_worker_that_got_a_run_and_moved_before_acknowledging_keeps_it(replicas: Parts) -> None:
    first, second = replicas.schedulers
    await first.create_pool()
    deployment_id = (await first.apply(pool="pool")).deployment.deployment_id
    worker = PlayedWorker(first, pool="pool", capacity=1, acknowledges=False)
    await worker.connect()
    run = await first.run(deployment_id)
    (assignment,) = await worker.until_given(1)
    await worker.break_off()
    worker.held[run.flow_run_id] = assignment
    welcome = await worker.connect(second)
    assert list(welcome.confirmed_flow_run_ids) == [run.flow_run_id]
    # The scheduler that gave it decides after a while what became of it.
    await asyncio.sleep(7)
    assert not worker.said["lost"]
    await worker.begin(replicas.state, run.flow_run_id)
    assert (await replicas.state.get_run(run.flow_run_id)).state.type == RUNNING
    await worker.break_off()


async def test_a_drain_reaches_a_worker_on_another_scheduler(replicas: Parts) -> None:
    first, second = replicas.schedulers
    await first.create_pool()
    async with connected(PlayedWorker(first, pool="pool")) as worker:
        await second.pools.DrainWorker(work_pool_pb2.DrainWorkerRequest(worker_id=worker.worker_id))
        await eventually(lambda: worker.said["drain"])


async def test_workers_are_supplied_again_after_the_state_service_was_away(database_url: str) -> None:
    async with running_parts(database_url) as parts:
        scheduler = parts.scheduler
        await scheduler.create_pool()
        deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id
        async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
            await scheduler.run(deployment_id)
            await worker.until_given(1)
            await parts.stop_state()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await scheduler.run(deployment_id)
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            await asyncio.sleep(1)
            await parts.start_state()

            async def run() -> bool:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    await scheduler.run(deployment_id)
                    return True
                return False

            await eventually(run)
            await worker.until_given(2)


async def test_others_are_told_when_workers_come_and_go(parts: Parts, scheduler: Scheduler) -> None:
    await scheduler.create_pool()
    inside = Neighbours({"scheduler": f"127.0.0.1:{scheduler.host.grpc_port}"}, scheduler.host.internal_token)
    outbox = outbox_pb2_grpc.OutboxServiceStub(inside.channel("scheduler"))
    changes: list[tuple[str, int, int]] = []

    async def follow() -> None:
        request = outbox_pb2.FollowOutboxRequest(consumer="test", service="scheduler")
        async for batch in outbox.FollowOutbox(request):
            for entry in batch.entries:
                if entry.kind == "worker":
                    worker = changes_pb2.WorkerChanged.FromString(entry.payload)
                    changes.append((entry.kind, worker.change, worker.worker.status))
                elif entry.kind == "work-pool":
                    pool = changes_pb2.WorkPoolChanged.FromString(entry.payload)
                    changes.append((entry.kind, pool.change, pool.work_pool.status))

    following = asyncio.create_task(follow())
    worker = PlayedWorker(scheduler, pool="pool")
    await worker.connect()
    await worker.break_off()
    # It comes back in time, so nobody hears of it.
    await worker.connect()
    await worker.retire()
    await eventually(lambda: len(changes) == 5)
    await worker.say_goodbye()
    status, created = changes_pb2.CHANGE_KIND_STATUS, changes_pb2.CHANGE_KIND_CREATED
    ready, not_ready = work_pool_pb2.WORK_POOL_STATUS_READY, work_pool_pb2.WORK_POOL_STATUS_NOT_READY
    online, draining = work_pool_pb2.WORKER_STATUS_ONLINE, work_pool_pb2.WORKER_STATUS_DRAINING
    await eventually(lambda: len(changes) == 6)
    assert changes == [
        ("work-pool", created, not_ready),
        ("worker", status, online),
        ("work-pool", status, ready),
        ("worker", status, draining),
        ("work-pool", status, not_ready),
        ("worker", status, work_pool_pb2.WORKER_STATUS_OFFLINE),
    ]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    await inside.close()
