"""Who holds slots, who may not, and who loses them."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import concurrency_pb2, flow_run_pb2, task_run_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.recording import a_frame, a_transition, record
from headrace_harness.services import RunningService
from headrace_harness.slots import Slots
from headrace_harness.state import COMPLETED, CRASHED, RUNNING, StateClient, a_state, new_id, now
from headrace_state.loops.sweeps import KeyedLimitSweep
from headrace_state.queries.limits import PostgresLimits


@pytest.fixture
def slots(service: RunningService) -> Slots:
    """A client of the concurrency service."""
    return Slots(service)


def reason_of(caught: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> str:
    """Return the trailing metadata of an error as text."""
    return str(caught.value.trailing_metadata())


async def test_an_evicted_holder_learns_of_it_and_the_next_in_line_gets_the_slot(slots: Slots) -> None:
    await slots.set("db", 1)
    await slots.set("api", 1)
    lost = (await slots.acquire("db", "api")).held.lease_id
    waiting = asyncio.create_task(slots.acquire("db", wait=20))
    await slots.until_waiting("db", 1)
    evicted = await slots.evict("db", lost)
    assert (evicted.lease_id, evicted.holder_kind, evicted.holder_id, evicted.slots) == (lost, "client", "me", 1)
    assert (await waiting).HasField("held")
    assert (await slots.get("api")).active_slots == 0
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.stub.RenewSlots(concurrency_pb2.RenewSlotsRequest(lease_id=lost))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "LEASE_LOST" in reason_of(caught)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.evict("db", lost)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_an_evicted_run_goes_on_without_the_slot(slots: Slots, state: StateClient) -> None:
    pool = new_id()
    owned = [internal.OwnedLimit(name=f"work-pool:{pool}", limit=1)]
    await state.internal.SetOwnedLimits(internal.SetOwnedLimitsRequest(limits=owned))
    run = internal.ScheduledRun(flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=pool)
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    [claimed] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    [holder] = (await slots.get(f"work-pool:{pool}")).holders
    assert (await slots.evict(f"work-pool:{pool}", holder.lease_id)).holder_id == run.flow_run_id
    assert (await slots.get(f"work-pool:{pool}")).active_slots == 0
    for next_state in (RUNNING, COMPLETED):
        answer = await state.propose(run.flow_run_id, a_state(next_state), claimed.attempt.token)
        assert answer.verdict.WhichOneof("verdict") == "accepted"


async def test_a_tag_that_is_limited_to_none_refuses(slots: Slots) -> None:
    await slots.set("tag:big", 1)
    await slots.set("global", 0)
    held = await slots.acquire("tag:big")
    waiting = asyncio.create_task(slots.acquire("tag:big", "global", wait=20))
    await slots.until_waiting("tag:big", 1)
    await slots.set("tag:big", 0)
    refused = (await waiting).refused
    assert (refused.name, "is 0" in refused.reason) == ("tag:big", True)
    assert not (await slots.get("tag:big")).waiters
    assert (await slots.acquire("tag:big", "unknown")).refused.name == "tag:big"
    assert (await slots.acquire("global")).wait.name == "global"
    await slots.release(held.held.lease_id)


async def test_a_rate_is_asked_for_without_a_lease(slots: Slots, database: Database) -> None:
    await slots.set("calls", 3, slot_decay_per_second=0.001)
    await slots.set("db", 3)
    for _ in range(3):
        held = (await slots.acquire("calls", rate=True)).held
        assert (held.lease_id, list(held.names)) == ("", ["calls"])
    assert (await slots.acquire("calls", rate=True)).HasField("wait")
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from lease") == 0
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.acquire("calls", "db", rate=True)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "NOT_A_RATE_LIMIT" in reason_of(caught)


async def test_runs_of_one_key_wait_for_each_other_and_other_keys_do_not(
    slots: Slots, state: StateClient, database: Database
) -> None:
    deployment = new_id()

    def a_run(customer: str) -> internal.ScheduledRun:
        limit = internal.OwnedLimit(name=f"deployment:{deployment}:key:{customer}", limit=1)
        return internal.ScheduledRun(
            flow_run_id=new_id(),
            flow_name="f",
            scheduled_at=now(),
            deployment_id=deployment,
            keyed_limits=[limit],
        )

    async def claim() -> list[internal.ClaimedRun]:
        request = internal.ClaimRunsRequest(deployment_ids=[deployment], count=10)
        return list((await state.internal.ClaimRuns(request)).runs)

    runs = [a_run(customer) for customer in ("acme", "acme", "zenith", "acme")]
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=runs))
    order = []
    for expected in (2, 1, 1, 0):
        claimed = await claim()
        assert len(claimed) == expected
        for each in claimed:
            order.append(each.flow_run.flow_run_id)
            for next_state in (RUNNING, COMPLETED):
                await state.propose(each.flow_run.flow_run_id, a_state(next_state), each.attempt.token)
    assert order == [runs[place].flow_run_id for place in (0, 2, 1, 3)]

    sweep = KeyedLimitSweep(PostgresLimits(database, Outbox(database, Wakeups(None)), Wakeups(None)))
    waiting = a_run("acme")
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[waiting]))
    async with database.connection() as connection:
        await connection.execute("update concurrency_limit set updated_at = now() - interval '1 hour'")
        await sweep.tick()
        left = await connection.fetch("select name from concurrency_limit")
    assert [row["name"] for row in left] == [f"deployment:{deployment}:key:acme"]


@pytest.mark.parametrize("name", ["deployment:{other}:key:a", "deployment:{own}", "deployment:{own}:key:", "free"])
async def test_a_limit_of_a_key_belongs_to_the_deployment_of_the_run(state: StateClient, name: str) -> None:
    own = new_id()
    limit = internal.OwnedLimit(name=name.format(own=own, other=new_id()), limit=1)
    run = internal.ScheduledRun(
        flow_run_id=new_id(), flow_name="f", scheduled_at=now(), deployment_id=own, keyed_limits=[limit]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_what_a_process_held_is_free_once_its_worker_says_that_it_died(slots: Slots, state: StateClient) -> None:
    """Else whoever waits, the next attempt of the same run first of all, would wait for leases to run out."""
    pool = new_id()
    retried = flow_run_pb2.RetryPolicy(infrastructure_retries=1)
    run = internal.ScheduledRun(
        flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=pool, retry_policy=retried
    )
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))

    async def claim() -> str:
        [claimed] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
        token: str = claimed.attempt.token
        await state.propose(run.flow_run_id, a_state(RUNNING), token)
        return token

    token = await claim()
    task_run_id = new_id()
    attempt = task_run_pb2.RecordAttempt(flow_run_id=run.flow_run_id, token=token)
    await record(state, a_frame([attempt], [a_transition(task_run_id, RUNNING, 1)]))
    for name in ("db", "tag:db", "other"):
        await slots.set(name, 1)
    await slots.acquire("db", holder_kind="flow-run", holder_id=run.flow_run_id)
    await slots.acquire("tag:db", holder_kind="task-run", holder_id=task_run_id)
    kept = [
        await slots.acquire("other", holder_kind="task-run", holder_id="somebody's"),
        await slots.acquire("other", holder_kind="flow-run", holder_id=new_id(), wait=0),
    ]
    assert [one.HasField("held") for one in kept] == [True, False]
    waiting = asyncio.create_task(slots.acquire("db", wait=20))
    await slots.until_waiting("db", 1)

    def an_end(token: str) -> internal.EndAttemptsRequest:
        ref = internal.AttemptRef(flow_run_id=run.flow_run_id, token=token)
        return internal.EndAttemptsRequest(attempts=[internal.EndedAttempt(attempt=ref, state=a_state(CRASHED))])

    await state.internal.EndAttempts(an_end(token))
    assert (await waiting).HasField("held")
    assert (await slots.get("tag:db")).active_slots == 0
    assert (await slots.get("other")).active_slots == 1
    # What the next attempt takes is its own, also when the end of the first is told once more.
    await claim()
    assert (await slots.acquire("tag:db", holder_kind="task-run", holder_id=task_run_id)).HasField("held")
    await state.internal.EndAttempts(an_end(token))
    assert (await slots.get("tag:db")).active_slots == 1
