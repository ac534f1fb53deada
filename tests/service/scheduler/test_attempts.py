"""The next attempt of a run, while its worker still has the process of the one before."""

from __future__ import annotations

from headrace.api.v1 import flow_run_pb2, worker_pb2
from headrace_harness.state import CANCELLED, COMPLETED, RUNNING, SCHEDULED, a_state, now
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, connected, eventually

GIVEN_BACK = "the stream broke before the worker got the run"


async def a_run_with_a_next_attempt(
    parts: Parts, scheduler: Scheduler, worker: PlayedWorker
) -> tuple[worker_pb2.Assignment, worker_pb2.Assignment]:
    """Let a run sleep for no time at all; return both assignments. The worker goes on holding the first one."""
    await scheduler.create_pool("pool")
    deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id
    await worker.connect()
    flow_run_id = (await scheduler.run(deployment_id)).flow_run_id
    await worker.until_given(1)
    await eventually(lambda: worker.held)
    first = worker.held[flow_run_id]
    await worker.begin(parts.state, flow_run_id)
    # From now on it acknowledges nothing, so that the next attempt is on its way to it.
    worker.acknowledges = False
    await parts.state.propose(flow_run_id, a_state(SCHEDULED, "Sleeping", scheduled_at=now()), first.attempt.token)
    _, second = await worker.until_given(2)
    assert second.attempt.token != first.attempt.token
    assert second.attempt.number == 2
    return first, second


async def messages_of(parts: Parts, flow_run_id: str) -> list[str]:
    """Return what is said of the states that a run went through."""
    request = flow_run_pb2.ListFlowRunStatesRequest(flow_run_id=flow_run_id, page_size=200)
    return [state.message for state in (await parts.state.runs.ListFlowRunStates(request)).states]


async def test_a_next_attempt_that_never_arrived_is_given_anew_when_its_worker_is_back(
    parts: Parts, scheduler: Scheduler
) -> None:
    worker = PlayedWorker(scheduler, pool="pool", capacity=2)
    first, second = await a_run_with_a_next_attempt(parts, scheduler, worker)
    flow_run_id = first.flow_run.flow_run_id
    await worker.break_off()
    # Its process of the first attempt still ends.
    assert worker.held == {flow_run_id: first}
    welcome = await worker.connect()
    assert not welcome.confirmed_flow_run_ids
    *_, third = await worker.until_given(3)
    assert third.attempt.token not in (first.attempt.token, second.attempt.token)
    # Not by a lease that ran out.
    assert [said for said in await messages_of(parts, flow_run_id) if said.endswith(GIVEN_BACK)]
    await worker.break_off()


async def test_a_stream_in_place_of_another_tells_which_attempt_arrived(parts: Parts, scheduler: Scheduler) -> None:
    worker = PlayedWorker(scheduler, pool="pool", capacity=2)
    first, _ = await a_run_with_a_next_attempt(parts, scheduler, worker)
    flow_run_id = first.flow_run.flow_run_id
    again = PlayedWorker(scheduler, pool="pool", capacity=2, worker_id=worker.worker_id)
    again.held[flow_run_id] = first
    async with connected(again):
        await again.until_given(1)
        assert [said for said in await messages_of(parts, flow_run_id) if said.endswith(GIVEN_BACK)]
    await worker.break_off()


async def test_the_late_result_of_an_attempt_takes_nothing_from_the_next_one(
    parts: Parts, scheduler: Scheduler
) -> None:
    worker = PlayedWorker(scheduler, pool="pool", capacity=2)
    first, second = await a_run_with_a_next_attempt(parts, scheduler, worker)
    flow_run_id = first.flow_run.flow_run_id
    await worker.finish(flow_run_id, exit_code=0)
    await eventually(lambda: worker.said["result_stored"])
    (stored,) = worker.said["result_stored"]
    assert (stored.flow_run_id, stored.attempt_token) == (flow_run_id, first.attempt.token)
    assert (await parts.state.get_run(flow_run_id)).attempt == 2
    # The worker has the next one; it is cancelled like any other.
    worker.held[flow_run_id] = second
    await worker.begin(parts.state, flow_run_id)
    await worker.beat()
    await parts.state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=flow_run_id))
    await eventually(lambda: worker.said["cancel"])
    assert worker.said["cancel"][0].attempt_token == second.attempt.token
    await worker.finish(flow_run_id, worker_pb2.WORKER_OUTCOME_CANCELLED)
    await eventually(lambda: len(worker.said["result_stored"]) == 2)
    assert (await parts.state.get_run(flow_run_id)).state.type == CANCELLED
    await worker.break_off()


async def test_an_attempt_that_is_lost_is_named(parts: Parts, scheduler: Scheduler) -> None:
    worker = PlayedWorker(scheduler, pool="pool")
    await scheduler.create_pool("pool")
    deployment_id = (await scheduler.apply(pool="pool")).deployment.deployment_id
    async with connected(worker):
        flow_run_id = (await scheduler.run(deployment_id)).flow_run_id
        await worker.until_given(1)
        await eventually(lambda: worker.held)
        token = worker.held[flow_run_id].attempt.token
        await parts.state.propose(flow_run_id, a_state(RUNNING), token)
        await parts.state.propose(flow_run_id, a_state(COMPLETED), token)
        await eventually(lambda: worker.said["lost"])
        (lost,) = worker.said["lost"]
        assert (lost.flow_run_id, lost.attempt_token, lost.state.type) == (flow_run_id, token, COMPLETED)
