"""Limits of keys: of runs of a deployment that have the same key no more run at once than it says."""

from __future__ import annotations

import asyncio
import collections

import pytest

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import explanation_pb2, explanation_pb2_grpc
from headrace_harness.state import CANCELLED, COMPLETED, SCHEDULED, a_state
from service.scheduler.parts import Parts, PlayedWorker, as_python, connected, eventually, struct

RUNS = 36


async def deployed(parts: Parts, **concurrency: object) -> str:
    """Return a deployment whose runs have a key, in the pool `pool`, which is made."""
    await parts.scheduler.create_pool()
    wanted = pb.DeploymentConcurrency(key="{{ customer }}", **concurrency)  # type: ignore[arg-type]
    return (await parts.scheduler.apply(pool="pool", concurrency=wanted)).deployment.deployment_id


def customer_of(flow_run: object) -> int:
    return int(as_python(flow_run.parameters)["customer"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [None, 4])
async def test_no_more_runs_of_a_key_run_at_once_whoever_takes_them(parts: Parts, limit: int | None) -> None:
    deployment_id = await deployed(parts, key_limit=2, limit=limit)
    workers = [PlayedWorker(parts.scheduler, pool="pool", capacity=10) for _ in range(2)]
    most: collections.Counter[int] = collections.Counter()
    most_together = 0
    leaving: set[str] = set()
    ended: list[str] = []
    async with connected(workers[0]), connected(workers[1]):
        for number in range(RUNS):
            await parts.scheduler.run(deployment_id, parameters=struct(customer=number % 3))

        async def work(worker: PlayedWorker) -> None:
            nonlocal most_together
            while len(ended) < RUNS:
                for flow_run_id, assignment in list(worker.held.items()):
                    await worker.begin(parts.state, flow_run_id)
                    # Each of these has its slot: it gives it back when it completes, and no sooner.
                    held = [one.flow_run for each in workers for key, one in each.held.items() if key not in leaving]
                    for customer, count in collections.Counter(map(customer_of, held)).items():
                        most[customer] = max(most[customer], count)
                    most_together = max(most_together, len(held))
                    leaving.add(flow_run_id)
                    await parts.state.propose(flow_run_id, a_state(COMPLETED), assignment.attempt.token)
                    await worker.finish(flow_run_id)
                    ended.append(flow_run_id)
                await asyncio.sleep(0.005)

        async with asyncio.timeout(120):
            await asyncio.gather(*map(work, workers))
    assert len(set(ended)) == RUNS
    assert set(most) == {0, 1, 2}
    assert max(most.values()) <= 2
    assert 2 <= most_together <= (limit or 6)
    assert len(await parts.runs(deployment_ids=[deployment_id], state_types=[COMPLETED])) == RUNS


async def test_more_of_a_key_is_cancelled_where_that_is_the_strategy(parts: Parts) -> None:
    deployment_id = await deployed(parts, key_limit=1, strategy=pb.CONCURRENCY_STRATEGY_CANCEL_NEW)
    async with connected(PlayedWorker(parts.scheduler, pool="pool", capacity=10)) as worker:
        first = await parts.scheduler.run(deployment_id, parameters=struct(customer=1))
        await worker.until_given(1)
        more = await parts.scheduler.run(deployment_id, parameters=struct(customer=1))
        other = await parts.scheduler.run(deployment_id, parameters=struct(customer=2))
        await worker.until_given(2)

        async def is_cancelled() -> bool:
            return (await parts.state.get_run(more.flow_run_id)).state.type == CANCELLED

        await eventually(is_cancelled)
        assert [one.flow_run.flow_run_id for one in worker.given] == [first.flow_run_id, other.flow_run_id]


async def test_the_oldest_of_a_key_gives_way_where_that_is_the_strategy(parts: Parts) -> None:
    deployment_id = await deployed(parts, key_limit=1, strategy=pb.CONCURRENCY_STRATEGY_CANCEL_RUNNING)
    async with connected(PlayedWorker(parts.scheduler, pool="pool", capacity=10)) as worker:
        oldest = await parts.scheduler.run(deployment_id, parameters=struct(customer=1))
        await worker.until_given(1)
        await worker.begin(parts.state, oldest.flow_run_id)
        newest = await parts.scheduler.run(deployment_id, parameters=struct(customer=1))
        await eventually(lambda: [one.flow_run_id for one in worker.said["cancel"]] == [oldest.flow_run_id])
        token = worker.held[oldest.flow_run_id].attempt.token
        await parts.state.propose(oldest.flow_run_id, a_state(CANCELLED), token)
        await worker.finish(oldest.flow_run_id)
        await worker.until_given(2)
        assert worker.given[1].flow_run.flow_run_id == newest.flow_run_id


async def test_a_run_that_waits_for_its_key_says_so_and_a_higher_limit_lets_it_go(parts: Parts) -> None:
    deployment_id = await deployed(parts, key_limit=1)
    async with connected(PlayedWorker(parts.scheduler, pool="pool", capacity=10)) as worker:
        await parts.scheduler.run(deployment_id, parameters=struct(customer=7))
        await worker.until_given(1)
        waiting = await parts.scheduler.run(deployment_id, parameters=struct(customer=7))
        stub = explanation_pb2_grpc.ExplanationServiceStub(parts.scheduler.channel)
        request = explanation_pb2.ExplainFlowRunRequest(flow_run_id=waiting.flow_run_id)

        async def is_explained() -> bool:
            return "for the key 7" in (await stub.ExplainFlowRun(request)).summary

        await eventually(is_explained)
        assert (await parts.state.get_run(waiting.flow_run_id)).state.type == SCHEDULED
        wider = pb.DeploymentConcurrency(key="{{ customer }}", key_limit=2)
        await parts.scheduler.apply(pool="pool", concurrency=wider)
        # The limit of a key is told anew with the next run of it.
        await parts.scheduler.run(deployment_id, parameters=struct(customer=7))
        await worker.until_given(2)
        assert worker.given[1].flow_run.flow_run_id == waiting.flow_run_id
