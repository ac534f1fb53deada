"""How runs share what is scarce: strategies of deployments, by key too; priorities of queues, strict and weighted."""

from __future__ import annotations

import collections

import pytest

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import flow_run_pb2, work_pool_pb2, worker_pb2
from headrace_harness.state import CANCELLED, CANCELLING, SCHEDULED
from service.scheduler.parts import Parts, PlayedWorker, connected, eventually, struct


async def kind_of(parts: Parts, flow_run_id: str) -> int:
    """Return the type of the state of a run."""
    found = await parts.state.runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id))
    return int(found.flow_run.state.type)


async def limited(parts: Parts, strategy: pb.ConcurrencyStrategy.ValueType) -> str:
    """Return a deployment that runs once per customer."""
    await parts.scheduler.create_pool()
    concurrency = pb.DeploymentConcurrency(key="{{ customer }}", strategy=strategy)
    applied = await parts.scheduler.apply(pool="pool", concurrency=concurrency)
    return applied.deployment.deployment_id


async def test_a_new_run_of_a_key_is_cancelled_where_the_strategy_says_so(parts: Parts) -> None:
    deployment_id = await limited(parts, pb.CONCURRENCY_STRATEGY_CANCEL_NEW)
    async with connected(PlayedWorker(parts.scheduler, pool="pool")) as worker:
        await parts.scheduler.run(deployment_id, parameters=struct(customer="a"))
        await worker.until_given(1)
        second = await parts.scheduler.run(deployment_id, parameters=struct(customer="a"))
        other = await parts.scheduler.run(deployment_id, parameters=struct(customer="b"))
        await worker.until_given(2)
        assert worker.given[1].flow_run.flow_run_id == other.flow_run_id

        async def is_cancelled() -> bool:
            return await kind_of(parts, second.flow_run_id) == CANCELLED

        await eventually(is_cancelled, "the new run is cancelled")


async def test_the_running_run_of_the_same_key_gives_way_where_the_strategy_says_so(parts: Parts) -> None:
    deployment_id = await limited(parts, pb.CONCURRENCY_STRATEGY_CANCEL_RUNNING)
    async with connected(PlayedWorker(parts.scheduler, pool="pool")) as worker:
        untouched = await parts.scheduler.run(deployment_id, parameters=struct(customer="b"))
        await worker.until_given(1)
        first = await parts.scheduler.run(deployment_id, parameters=struct(customer="a"))
        await worker.until_given(2)
        for run in (untouched, first):
            await worker.begin(parts.state, run.flow_run_id)
        second = await parts.scheduler.run(deployment_id, parameters=struct(customer="a"))
        await eventually(lambda: worker.said["cancel"], "the running run is asked to stop")
        assert [said.flow_run_id for said in worker.said["cancel"]] == [first.flow_run_id]
        assert await kind_of(parts, first.flow_run_id) == CANCELLING
        assert await kind_of(parts, second.flow_run_id) == SCHEDULED
        await worker.finish(first.flow_run_id, worker_pb2.WORKER_OUTCOME_CANCELLED)
        await worker.until_given(3)
        assert worker.given[2].flow_run.flow_run_id == second.flow_run_id


@pytest.mark.parametrize(
    ("policy", "of_the_lower"),
    [(work_pool_pb2.QUEUE_POLICY_STRICT, 0), (work_pool_pb2.QUEUE_POLICY_WEIGHTED, 5)],
)
async def test_a_lower_queue_waits_for_the_higher_one_only_by_option(
    parts: Parts, policy: work_pool_pb2.QueuePolicy.ValueType, of_the_lower: int
) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool(queue_policy=policy)
    await scheduler.pools.CreateWorkQueue(
        work_pool_pb2.CreateWorkQueueRequest(
            work_pool_name="pool", work_queue=work_pool_pb2.WorkQueue(name="lower", priority=2, weight=1)
        )
    )
    await scheduler.pools.UpdateWorkQueue(
        work_pool_pb2.UpdateWorkQueueRequest(
            work_pool_name="pool", work_queue=work_pool_pb2.WorkQueue(name="default", weight=3)
        )
    )
    deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id
    runs = [pb.BulkRun() for _ in range(40)]
    await scheduler.deployments.RunDeploymentInBulk(
        pb.RunDeploymentInBulkRequest(deployment_id=deployment_id, runs=runs)
    )
    for _ in range(10):
        await scheduler.run(deployment_id, work_queue_name="lower")
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=20)) as worker:
        await worker.until_given(20)
    given = collections.Counter(one.flow_run.work_queue_name for one in worker.given)
    assert given["lower"] == of_the_lower
