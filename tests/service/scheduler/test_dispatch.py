"""From a trigger to an assignment on a worker's stream, and everything that can happen on the way."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
import uuid
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace.api.v1 import deployment_pb2, flow_run_pb2, work_pool_pb2, worker_pb2
from headrace.ids import uuid7
from headrace.internal.v1 import state_pb2 as internal
from headrace_harness import waiting
from headrace_harness.state import CANCELLED, CANCELLING, COMPLETED, CRASHED, PENDING, RUNNING, SCHEDULED, a_state
from headrace_scheduler.usecases.dispatch.hub import Hub
from headrace_scheduler.usecases.dispatch.session import ACKNOWLEDGE_SECONDS
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, as_python, connected, eventually, struct


async def a_deployment(scheduler: Scheduler, pool: str = "pool", **fields: Any) -> str:
    """Create a deployment in a pool, which is created if need be; return its id."""
    existing = await scheduler.pools.ListWorkPools(work_pool_pb2.ListWorkPoolsRequest())
    if pool not in {found.name for found in existing.work_pools}:
        await scheduler.create_pool(pool)
    applied = await scheduler.apply(pool=pool, **fields)
    return applied.deployment.deployment_id


async def test_a_run_reaches_an_idle_worker_with_all_it_needs(parts: Parts, scheduler: Scheduler) -> None:
    content = deployment_pb2.DeploymentContent(
        job_variables=struct(env={"A": "deployment", "B": "deployment"}), parameters=struct(day="monday")
    )
    deployment_id = await a_deployment(scheduler, content=content)
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        run = await scheduler.run(deployment_id, job_variables=struct(env={"B": "run"}), parameters=struct(n=5))
        (assignment,) = await worker.until_given(1)
        assert assignment.flow_run.flow_run_id == run.flow_run_id
        assert assignment.flow_run.state.type == PENDING
        assert dict(assignment.flow_run.parameters) == {"day": "monday", "n": 5}
        assert assignment.attempt.number == 1
        assert assignment.content.entrypoint == "flows.py:etl"
        assert as_python(assignment.job_configuration)["env"] == {"A": "deployment", "B": "run"}
        assert assignment.job_configuration["stream_output"] is True
        stored = await parts.state.get_run(run.flow_run_id)
        assert stored.worker_name == f"worker-{worker.worker_id[-4:]}"


async def test_an_idle_worker_gets_a_triggered_run_without_a_poll(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = await a_deployment(scheduler)
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=100)) as worker:
        # Signals alone: each run that none is given for would wait for longer than this test.
        monkeypatch.setattr(Hub, "poll_due", nothing)
        for number in range(30):
            await scheduler.run(deployment_id)
            await worker.until_given(number + 1)


async def nothing(_hub: Hub) -> None:
    """Stand in for what a test goes without."""


async def test_a_run_is_started_when_it_is_due_and_not_before(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        request = deployment_pb2.RunDeploymentRequest(deployment_id=deployment_id)
        request.scheduled_at.GetCurrentTime()
        request.scheduled_at.seconds += 2
        due = request.scheduled_at.seconds + request.scheduled_at.nanos / 1e9
        await scheduler.deployments.RunDeployment(request)
        await worker.until_given(1)
        assert time.time() >= due


async def test_results_are_stored_and_confirmed(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=4)) as worker:
        ids = [(await scheduler.run(deployment_id)).flow_run_id for _ in range(4)]
        await worker.until_given(4)
        completed, crashed, cancelled, returned = ids
        for flow_run_id in (completed, crashed, cancelled):
            await worker.begin(parts.state, flow_run_id)
        await parts.state.propose(completed, a_state(COMPLETED), worker.held[completed].attempt.token)
        await worker.finish(completed)
        await worker.finish(crashed, worker_pb2.WORKER_OUTCOME_ENDED, exit_code=-9)
        await worker.finish(cancelled, worker_pb2.WORKER_OUTCOME_CANCELLED)
        # It takes nothing more, else it would get the returned run again.
        await worker.retire()
        await worker.finish(returned, worker_pb2.WORKER_OUTCOME_RETURNED)
        await eventually(lambda: len(worker.said["result_stored"]) == 4)
        assert (await parts.state.get_run(completed)).state.type == COMPLETED
        assert (await parts.state.get_run(cancelled)).state.type == CANCELLED
        assert (await parts.state.get_run(returned)).state.type == SCHEDULED
        # The process was killed: the run crashed, and by the default policy is tried again.
        assert "Crashed" in await parts.state.state_names(crashed)
        messages = [
            state.message
            for state in (
                await parts.state.runs.ListFlowRunStates(flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=crashed))
            ).states
        ]
        assert any("was killed by signal 9" in message for message in messages)


async def test_capacity_is_never_exceeded_and_no_run_is_left_behind(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    capacities = (1, 3, 5)
    workers = [PlayedWorker(scheduler, pool="pool", capacity=capacity) for capacity in capacities]
    for worker in workers:
        await worker.connect()
    total = 60
    ids = {(await scheduler.run(deployment_id)).flow_run_id for _ in range(total)}

    async def work(worker: PlayedWorker) -> None:
        while sum(len(one.given) for one in workers) < total or worker.held:
            for flow_run_id in list(worker.held):
                token = worker.held[flow_run_id].attempt.token
                await worker.begin(parts.state, flow_run_id)
                await parts.state.propose(flow_run_id, a_state(COMPLETED), token)
                await worker.finish(flow_run_id)
            await asyncio.sleep(0.005)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(work, workers))
    given = collections.Counter(one.flow_run.flow_run_id for worker in workers for one in worker.given)
    assert set(given) == ids
    assert set(given.values()) == {1}
    assert all(worker.most_held <= worker.capacity for worker in workers)
    assert all(worker.given for worker in workers)
    for worker in workers:
        await worker.break_off()


async def test_runs_go_to_the_least_loaded_worker(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    async with (
        connected(PlayedWorker(scheduler, pool="pool", capacity=4)) as first,
        connected(PlayedWorker(scheduler, pool="pool", capacity=4)) as second,
    ):
        for number in range(6):
            await scheduler.run(deployment_id)
            await eventually(lambda: len(first.given) + len(second.given) > number)  # noqa: B023
        assert (len(first.given), len(second.given)) == (3, 3)


async def test_an_assignment_that_is_not_acknowledged_goes_to_another_worker(
    parts: Parts, scheduler: Scheduler
) -> None:
    deployment_id = await a_deployment(scheduler)
    deaf = PlayedWorker(scheduler, pool="pool", capacity=1, acknowledges=False)
    async with connected(deaf):
        run = await scheduler.run(deployment_id)
        (lost,) = await deaf.until_given(1)
        async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
            (assignment,) = await worker.until_given(1)
            assert assignment.flow_run.flow_run_id == run.flow_run_id
            assert assignment.attempt.token != lost.attempt.token
            assert [said.flow_run_id for said in deaf.said["lost"]] == [run.flow_run_id]
            waited = worker.given_at[run.flow_run_id] - deaf.given_at[run.flow_run_id]
            assert waited >= ACKNOWLEDGE_SECONDS - 1
            # Nobody can go on with the attempt that was lost.
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await parts.state.propose(run.flow_run_id, a_state(RUNNING), lost.attempt.token)
            assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_no_run_is_lost_when_the_stream_breaks_before_it_is_acknowledged(
    parts: Parts, scheduler: Scheduler
) -> None:
    deployment_id = await a_deployment(scheduler)
    deaf = PlayedWorker(scheduler, pool="pool", capacity=2, acknowledges=False)
    await deaf.connect()
    ids = {(await scheduler.run(deployment_id)).flow_run_id for _ in range(2)}
    await deaf.until_given(2)
    await deaf.break_off()
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        given = await worker.until_given(2)
        assert {one.flow_run.flow_run_id for one in given} == ids


async def test_a_worker_that_comes_back_goes_on_with_what_it_holds(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    worker = PlayedWorker(scheduler, pool="pool", capacity=2)
    await worker.connect()
    kept, lost = [(await scheduler.run(deployment_id)).flow_run_id for _ in range(2)]
    await worker.until_given(2)
    await eventually(lambda: len(worker.held) == 2)
    token = worker.held[kept].attempt.token
    await worker.begin(parts.state, kept)
    await worker.break_off()
    # Meanwhile somebody ends one of them by force.
    await parts.state.propose(lost, a_state(CANCELLED), force=True)
    welcome = await worker.connect()
    assert list(welcome.confirmed_flow_run_ids) == [kept]
    await eventually(lambda: [said.flow_run_id for said in worker.said["lost"]] == [lost])
    assert await _has_status(scheduler, worker, work_pool_pb2.WORKER_STATUS_ONLINE)
    await parts.state.propose(kept, a_state(COMPLETED), token)
    await worker.finish(kept)
    await eventually(lambda: worker.said["result_stored"])
    assert (await parts.state.get_run(kept)).state.type == COMPLETED
    await worker.break_off()


async def test_heartbeats_keep_a_run_alive_and_silence_lets_it_go(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    worker = PlayedWorker(scheduler, pool="pool", capacity=1)
    await worker.connect()
    run = await scheduler.run(deployment_id)
    await worker.until_given(1)
    await worker.begin(parts.state, run.flow_run_id)
    await eventually(lambda: len(worker.said["renewed"]) >= 2)
    worker.stop_beating()
    error = await worker.until_ended()
    assert error is not None
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    await eventually(lambda: _has_status(scheduler, worker, work_pool_pb2.WORKER_STATUS_OFFLINE))
    # Its run is not taken away before the lease has expired.
    assert (await parts.state.get_run(run.flow_run_id)).state.type == RUNNING


async def _has_status(scheduler: Scheduler, worker: PlayedWorker, status: int) -> bool:
    found = await scheduler.worker(worker.worker_id)
    return found is not None and found.status == status


async def test_a_cancelled_run_is_stopped_at_once(
    parts: Parts, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment_id = await a_deployment(scheduler)
    # What the renewal of leases would find out by and by does not help here.
    monkeypatch.setattr(Hub, "renew_leases", nothing)
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=100)) as worker:

        async def is_told() -> bool:
            return bool(worker.said["cancel"])

        async def is_told_of_one() -> bool:
            """Cancel a run; that of one before the outbox was followed nobody hears."""
            before = len(worker.given)
            started = await scheduler.run(deployment_id)
            await worker.until_given(before + 1)
            await worker.begin(parts.state, started.flow_run_id)
            await parts.state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=started.flow_run_id))
            with contextlib.suppress(TimeoutError):
                await waiting.eventually(is_told, 2)
            return await is_told()

        await eventually(is_told_of_one)
        cancel = worker.said["cancel"][0]
        run = await parts.state.get_run(cancel.flow_run_id)
        assert cancel.attempt_token == worker.held[run.flow_run_id].attempt.token
        assert (await parts.state.get_run(run.flow_run_id)).state.type == CANCELLING
        await worker.finish(run.flow_run_id, worker_pb2.WORKER_OUTCOME_CANCELLED)
        await eventually(lambda: worker.said["result_stored"])
        assert (await parts.state.get_run(run.flow_run_id)).state.type == CANCELLED


async def test_a_drained_worker_gets_nothing_new(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    async with connected(PlayedWorker(scheduler, pool="pool")) as drained:
        await scheduler.pools.DrainWorker(work_pool_pb2.DrainWorkerRequest(worker_id=drained.worker_id))
        await eventually(lambda: drained.said["drain"])
        await eventually(lambda: _has_status(scheduler, drained, work_pool_pb2.WORKER_STATUS_DRAINING))
        await scheduler.run(deployment_id)
        async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
            await worker.until_given(1)
        assert not drained.given
        await drained.say_goodbye()
        await eventually(lambda: _has_status(scheduler, drained, work_pool_pb2.WORKER_STATUS_OFFLINE))


async def test_a_paused_worker_gets_nothing_new_until_it_is_resumed(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    paused = PlayedWorker(scheduler, pool="pool")
    async with connected(paused):
        before = await scheduler.run(deployment_id)
        await paused.until_given(1)
        request = work_pool_pb2.PauseWorkerRequest(worker_id=paused.worker_id, reason="the disk is full")
        answer = await scheduler.pools.PauseWorker(request)
        assert answer.worker.pause_reason == "the disk is full"
        await eventually(lambda: [said.reason for said in paused.said["pause"]] == ["the disk is full"])
        await eventually(lambda: _has_status(scheduler, paused, work_pool_pb2.WORKER_STATUS_PAUSED))
        await scheduler.run(deployment_id)
        async with connected(PlayedWorker(scheduler, pool="pool")) as other:
            await other.until_given(1)
        # What it had goes on.
        assert [one.flow_run.flow_run_id for one in paused.given] == [before.flow_run_id]
        assert before.flow_run_id in paused.held


async def test_a_worker_is_still_paused_when_it_connects_anew(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    worker = PlayedWorker(scheduler, pool="pool")
    async with connected(worker):
        await scheduler.pools.PauseWorker(work_pool_pb2.PauseWorkerRequest(worker_id=worker.worker_id))
        await eventually(lambda: worker.said["pause"])
        assert worker.said["pause"][0].reason.startswith("asked for by")
        await worker.break_off()
        assert (await worker.connect()).paused
        assert await _has_status(scheduler, worker, work_pool_pb2.WORKER_STATUS_PAUSED)
        run = await scheduler.run(deployment_id)
        async with connected(PlayedWorker(scheduler, pool="pool", capacity=1)) as other:
            await other.until_given(1)
        waiting = await scheduler.run(deployment_id)
        assert not worker.given
        await scheduler.pools.ResumeWorker(work_pool_pb2.ResumeWorkerRequest(worker_id=worker.worker_id))
        await worker.until_given(1)
        assert worker.said["resume"]
        assert worker.given[0].flow_run.flow_run_id in (run.flow_run_id, waiting.flow_run_id)
        await eventually(lambda: _has_status(scheduler, worker, work_pool_pb2.WORKER_STATUS_ONLINE))
        await worker.break_off()
        assert not (await worker.connect()).paused


async def test_a_process_that_serves_deployments_gets_their_runs_only(parts: Parts, scheduler: Scheduler) -> None:
    served = (await scheduler.apply("served")).deployment.deployment_id
    other = (await scheduler.apply("other")).deployment.deployment_id
    async with connected(PlayedWorker(scheduler, deployment_ids=(served,), type="serve")) as worker:
        assert (await scheduler.get(served)).status == deployment_pb2.DEPLOYMENT_STATUS_READY
        assert (await scheduler.get(other)).status == deployment_pb2.DEPLOYMENT_STATUS_NOT_READY
        unserved = await scheduler.run(other)
        run = await scheduler.run(served)
        (assignment,) = await worker.until_given(1)
        assert assignment.flow_run.flow_run_id == run.flow_run_id
        assert (await parts.state.get_run(unserved.flow_run_id)).state.type == SCHEDULED


async def test_a_worker_takes_from_its_queues_only(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)
    queue = work_pool_pb2.WorkQueue(name="fast")
    await scheduler.pools.CreateWorkQueue(work_pool_pb2.CreateWorkQueueRequest(work_pool_name="pool", work_queue=queue))
    async with connected(PlayedWorker(scheduler, pool="pool", work_queue_names=["fast"])) as worker:
        slow = await scheduler.run(deployment_id)
        fast = await scheduler.run(deployment_id, work_queue_name="fast")
        (assignment,) = await worker.until_given(1)
        assert assignment.flow_run.flow_run_id == fast.flow_run_id
        assert (await parts.state.get_run(slow.flow_run_id)).state.type == SCHEDULED


async def test_a_paused_pool_hands_nothing_out(parts: Parts, scheduler: Scheduler) -> None:
    deployment_id = await a_deployment(scheduler)

    async def pause(paused: bool) -> work_pool_pb2.WorkPool:
        response = await scheduler.pools.UpdateWorkPool(
            work_pool_pb2.UpdateWorkPoolRequest(
                work_pool=work_pool_pb2.WorkPool(name="pool", paused=paused), update_mask=FieldMask(paths=["paused"])
            )
        )
        return response.work_pool  # type: ignore[no-any-return]

    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        assert (await pause(True)).status == work_pool_pb2.WORK_POOL_STATUS_PAUSED
        await eventually(lambda: worker.said["work_pool"] and worker.said["work_pool"][-1].paused)
        await scheduler.run(deployment_id)
        await asyncio.sleep(1.5)
        assert not worker.given
        assert (await pause(False)).status == work_pool_pb2.WORK_POOL_STATUS_READY
        await worker.until_given(1)


async def test_limits_of_pool_queue_and_deployment_hold(parts: Parts, scheduler: Scheduler) -> None:
    await scheduler.create_pool("pool", concurrency_limit=3)
    concurrency = deployment_pb2.DeploymentConcurrency(limit=1)
    narrow = (await scheduler.apply("narrow", pool="pool", concurrency=concurrency)).deployment.deployment_id
    wide = (await scheduler.apply("wide", pool="pool")).deployment.deployment_id
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=10)) as worker:
        for _ in range(3):
            await scheduler.run(narrow)
        for _ in range(3):
            await scheduler.run(wide)
        await worker.until_given(3)
        await asyncio.sleep(1.2)
        # The blocked runs of the narrow deployment hide none of the other's.
        assert collections.Counter(one.flow_run.deployment_id for one in worker.given) == {narrow: 1, wide: 2}
        pool = await scheduler.pools.GetWorkPool(work_pool_pb2.GetWorkPoolRequest(work_pool_name="pool"))
        assert pool.work_pool.active_slots == 3
        first = next(iter(worker.held))
        await worker.begin(parts.state, first)
        await parts.state.propose(first, a_state(COMPLETED), worker.held[first].attempt.token)
        await worker.finish(first)
        await worker.until_given(4)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"work_pool_name": "missing"}, grpc.StatusCode.NOT_FOUND),
        ({"work_pool_name": "pool", "type": "docker"}, grpc.StatusCode.FAILED_PRECONDITION),
        ({"work_pool_name": "pool", "work_queue_names": ["missing"]}, grpc.StatusCode.NOT_FOUND),
        ({"work_pool_name": "", "deployment_ids": []}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"work_pool_name": "pool", "capacity": 0}, grpc.StatusCode.INVALID_ARGUMENT),
        ({"work_pool_name": "pool", "worker_id": "x"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_worker_that_does_not_fit_is_told_why(
    scheduler: Scheduler, fields: dict[str, Any], code: grpc.StatusCode
) -> None:
    await scheduler.create_pool("pool")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await PlayedWorker(scheduler, **fields).connect()
    assert caught.value.code() is code


async def test_a_worker_may_create_its_pool(scheduler: Scheduler) -> None:
    worker = PlayedWorker(scheduler, pool="new", create_pool=True)
    welcome = await worker.connect()
    assert welcome.work_pool.name == "new"
    assert welcome.work_pool.type == "process"
    assert welcome.work_pool.status == work_pool_pb2.WORK_POOL_STATUS_READY
    await worker.break_off()


async def test_the_newest_stream_of_a_worker_wins(scheduler: Scheduler) -> None:
    await scheduler.create_pool("pool")
    worker_id = str(uuid7())
    first = PlayedWorker(scheduler, pool="pool", worker_id=worker_id)
    await first.connect()
    async with connected(PlayedWorker(scheduler, pool="pool", worker_id=worker_id)):
        error = await first.until_ended()
        assert error is not None
        assert error.code() == grpc.StatusCode.ABORTED


async def test_a_run_of_a_deleted_deployment_is_not_left_hanging(parts: Parts, scheduler: Scheduler) -> None:
    """A run that was made while its deployment was deleted cannot be started by anybody."""
    deployment_id = await a_deployment(scheduler)
    run = await scheduler.run(deployment_id)
    orphan = await scheduler.get(deployment_id)
    pool = (await scheduler.pools.GetWorkPool(work_pool_pb2.GetWorkPoolRequest(work_pool_name="pool"))).work_pool
    await scheduler.deployments.DeleteDeployment(deployment_pb2.DeleteDeploymentRequest(deployment_id=deployment_id))
    await eventually(lambda: _is_in(parts, run.flow_run_id, CANCELLED))
    stray = str(uuid7())
    await make_stray_run(parts, stray, orphan, pool)
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        await eventually(lambda: _is_in(parts, stray, CRASHED))
        assert not worker.given


async def _is_in(parts: Parts, flow_run_id: str, state_type: int) -> bool:
    return (await parts.state.get_run(flow_run_id)).state.type == state_type


async def make_stray_run(
    parts: Parts, flow_run_id: str, deployment: deployment_pb2.Deployment, pool: work_pool_pb2.WorkPool
) -> None:
    """Have the state service make a run of a deployment as the scheduler would, and not try it again."""
    run = internal.ScheduledRun(
        flow_run_id=flow_run_id,
        flow_id=deployment.flow_id,
        deployment_id=deployment.deployment_id,
        deployment_version_id=deployment.current_version_id,
        work_pool_id=pool.work_pool_id,
        work_pool_name=pool.name,
        work_queue_id=pool.default_queue_id,
        work_queue_name="default",
        retry_policy=flow_run_pb2.RetryPolicy(infrastructure_retries=0),
    )
    await parts.create_runs([run])


async def test_an_unknown_run_is_let_go(parts: Parts, scheduler: Scheduler) -> None:
    await scheduler.create_pool("pool")
    worker = PlayedWorker(scheduler, pool="pool")
    unknown = str(uuid7())
    worker.held[unknown] = worker_pb2.Assignment()
    worker.held[unknown].attempt.token = str(uuid.uuid4())
    welcome = await worker.connect()
    assert not welcome.confirmed_flow_run_ids
    await eventually(lambda: [said.flow_run_id for said in worker.said["lost"]] == [unknown])
    await worker.break_off()
