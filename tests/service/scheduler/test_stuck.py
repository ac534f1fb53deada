"""What is stuck or lost comes loose: slow starts, deleted queues, retries after losses, cancellations at each stage."""

from __future__ import annotations

import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import flow_run_pb2, state_pb2, work_pool_pb2
from headrace_harness.state import CANCELLED, CANCELLING, CRASHED
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, connected, eventually, struct


async def deployed(scheduler: Scheduler, *, content: pb.DeploymentContent | None = None, **pool: object) -> str:
    """Return a deployment in a new pool `pool`."""
    await scheduler.create_pool(**pool)  # type: ignore[arg-type]
    return (await scheduler.apply(pool="pool", content=content)).deployment.deployment_id


async def state_of(parts: Parts, flow_run_id: str) -> state_pb2.State:
    """Return the state of a run."""
    found = await parts.state.runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id))
    state: state_pb2.State = found.flow_run.state
    return state


async def cancel(parts: Parts, flow_run_id: str) -> state_pb2.StateType.ValueType:
    """Ask a run to stop; return the type of the state that it has then."""
    response = await parts.state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=flow_run_id))
    kind: state_pb2.StateType.ValueType = response.flow_run.state.type
    return kind


async def test_infrastructure_that_does_not_start_in_time_crashes_and_the_run_goes_to_another_worker(
    parts: Parts,
) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler, start_timeout=Duration(seconds=3))
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=1)) as slow:
        run = await scheduler.run(deployment_id)
        await slow.until_given(1)
        async with connected(PlayedWorker(scheduler, pool="pool", capacity=1)) as quick:
            await quick.until_given(1)
            assert quick.given[0].flow_run.flow_run_id == run.flow_run_id
            await quick.begin(parts.state, run.flow_run_id)
            await eventually(lambda: slow.said["lost"], "the slow worker is told")
    response = await parts.state.runs.ListFlowRunStates(
        flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=run.flow_run_id)
    )
    crashes = [state for state in response.states if state.type == CRASHED]
    assert [state.details.reason for state in crashes] == ["START_TIMED_OUT"]
    assert "did not start within 3 s" in crashes[0].message


async def test_runs_of_a_deleted_queue_move_to_the_default_queue(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    queue = work_pool_pb2.WorkQueue(name="other", priority=2, concurrency_limit=0)
    await scheduler.pools.CreateWorkQueue(work_pool_pb2.CreateWorkQueueRequest(work_pool_name="pool", work_queue=queue))
    run = await scheduler.run(deployment_id, work_queue_name="other")
    later = Timestamp()
    later.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    coming = await scheduler.run(deployment_id, work_queue_name="other", scheduled_at=later)
    await scheduler.pools.DeleteWorkQueue(
        work_pool_pb2.DeleteWorkQueueRequest(work_pool_name="pool", work_queue_name="other")
    )
    async with connected(PlayedWorker(scheduler, pool="pool")) as worker:
        await worker.until_given(1)
        assert worker.given[0].flow_run.flow_run_id == run.flow_run_id
        assert worker.given[0].flow_run.work_queue_name == "default"
    moved = {one.flow_run_id: one.work_queue_name for one in await parts.runs(deployment_ids=[deployment_id])}
    assert moved == {run.flow_run_id: "default", coming.flow_run_id: "default"}


async def test_a_policy_with_retries_alone_keeps_those_after_losses_and_minus_one_takes_them(parts: Parts) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    granted = []
    for number, policy in enumerate(
        (
            None,
            flow_run_pb2.RetryPolicy(retries=2),
            flow_run_pb2.RetryPolicy(infrastructure_retries=1),
            flow_run_pb2.RetryPolicy(retries=2, infrastructure_retries=-1),
        )
    ):
        applied = await scheduler.apply(f"d{number}", content=pb.DeploymentContent(retry_policy=policy))
        run = await scheduler.run(applied.deployment.deployment_id)
        granted.append((run.retry_policy.retries, run.retry_policy.infrastructure_retries))
    assert granted == [(0, 3), (2, 3), (0, 1), (2, 0)]


async def test_a_run_goes_only_to_a_worker_with_its_labels_and_holds_no_other_up(parts: Parts) -> None:
    scheduler = parts.scheduler
    wants = pb.DeploymentContent(worker_labels=struct(gpu="a100"))
    labelled = await deployed(scheduler, content=wants)
    plain = (await scheduler.apply("plain", pool="pool")).deployment.deployment_id
    asking = await scheduler.run(labelled)
    other = await scheduler.run(plain)
    async with connected(PlayedWorker(scheduler, pool="pool")) as unlabelled:
        await unlabelled.until_given(1)
        assert [one.flow_run.flow_run_id for one in unlabelled.given] == [other.flow_run_id]
        labels = struct(gpu="a100", zone="b")
        async with connected(PlayedWorker(scheduler, pool="pool", labels=labels)) as fitting:
            await fitting.until_given(1)
            assert fitting.given[0].flow_run.flow_run_id == asking.flow_run_id
        assert len(unlabelled.given) == 1


async def test_a_cancellation_works_at_each_stage_of_a_run(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    at = Timestamp()
    at.FromDatetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    scheduled = await scheduler.run(deployment_id, scheduled_at=at)
    assert await cancel(parts, scheduled.flow_run_id) == CANCELLED
    worker = PlayedWorker(scheduler, pool="pool")
    async with connected(worker):
        # Claimed and not started; its subflow, which waits in the queue, goes at once.
        pending = await scheduler.run(deployment_id)
        await worker.until_given(1)
        child = await scheduler.run(deployment_id, parent_flow_run_id=pending.flow_run_id, scheduled_at=at)
        assert await cancel(parts, pending.flow_run_id) == CANCELLING
        await eventually(lambda: worker.said["cancel"], "the worker is told of the claimed run")
        assert (await state_of(parts, child.flow_run_id)).type == CANCELLED
        running = await scheduler.run(deployment_id)
        await worker.until_given(2)
        await worker.begin(parts.state, running.flow_run_id)
    # The worker is gone: nobody can be told, and the lease runs out.
    assert await cancel(parts, running.flow_run_id) == CANCELLING

    async def is_over() -> bool:
        return (await state_of(parts, running.flow_run_id)).type == CANCELLED

    await eventually(is_over, "the orphan is cancelled")
