"""Concurrency limits and their slots."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import concurrency_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_harness.services import RunningService
from headrace_harness.slots import Slots
from headrace_harness.state import COMPLETED, RUNNING, StateClient, a_state, new_id, now
from headrace_harness.waiting import eventually


@pytest.fixture
def slots(service: RunningService) -> Slots:
    """A client of the concurrency service."""
    return Slots(service)


def code_of(caught: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> grpc.StatusCode:
    """Return the status code of an error."""
    code = caught.value.code()
    assert isinstance(code, grpc.StatusCode)
    return code


async def test_slots_are_held_under_a_lease_and_given_back(slots: Slots) -> None:
    await slots.set("db", 2)
    first = await slots.acquire("db")
    second = await slots.acquire("db", "unknown")
    assert first.held.names == ["db"]
    assert second.held.names == ["db"]
    full = await slots.acquire("db")
    assert (full.wait.name, full.wait.place) == ("db", 1)
    limit = await slots.get("db")
    assert limit.active_slots == 2
    assert [holder.lease_id for holder in limit.holders] == [first.held.lease_id, second.held.lease_id]
    await slots.release(first.held.lease_id)
    await slots.release(first.held.lease_id)
    assert (await slots.acquire("db")).HasField("held")


async def test_all_names_are_taken_or_none(slots: Slots) -> None:
    await slots.set("a", 1)
    await slots.set("b", 1)
    held = await slots.acquire("a")
    assert (await slots.acquire("a", "b")).wait.name == "a"
    assert (await slots.get("b")).active_slots == 0
    await slots.release(held.held.lease_id)
    both = await slots.acquire("b", "a")
    assert both.held.names == ["a", "b"]


async def test_the_same_call_again_finds_the_same_lease(slots: Slots) -> None:
    await slots.set("a", 1)
    lease_id = new_id()
    first = await slots.acquire("a", lease_id=lease_id)
    again = await slots.acquire("a", lease_id=lease_id)
    assert first.held.lease_id == again.held.lease_id == lease_id
    assert (await slots.get("a")).active_slots == 1


async def test_names_without_a_limit_hold_nothing_back_unless_strict(slots: Slots) -> None:
    assert (await slots.acquire("nothing")).held.lease_id == ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.acquire("nothing", strict=True)
    assert code_of(caught) == grpc.StatusCode.NOT_FOUND
    await slots.set("off", 0, active=False)
    assert (await slots.acquire("off")).held.lease_id == ""
    await slots.set("small", 2)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.acquire("small", slots=3)
    assert code_of(caught) == grpc.StatusCode.INVALID_ARGUMENT


async def test_a_freed_slot_goes_to_the_head_of_the_line_at_once(slots: Slots) -> None:
    await slots.set("a", 1)
    held = await slots.acquire("a")
    order: list[int] = []

    async def wait_in_line(number: int) -> None:
        answer = await slots.acquire("a", wait=20)
        order.append(number)
        await slots.release(answer.held.lease_id)

    waiting = []
    for number in range(4):
        waiting.append(asyncio.create_task(wait_in_line(number)))
        await slots.until_waiting("a", number + 1)
    assert (await slots.acquire("a")).wait.place == 5
    await slots.release(held.held.lease_id)
    async with asyncio.timeout(60):
        await asyncio.gather(*waiting)
    assert order == [0, 1, 2, 3]


async def test_who_needs_many_slots_is_not_overtaken(slots: Slots) -> None:
    await slots.set("a", 2)
    held = [await slots.acquire("a") for _ in range(2)]
    large = asyncio.create_task(slots.acquire("a", slots=2, wait=20))
    await slots.until_waiting("a", 1)
    await slots.release(held[0].held.lease_id)
    assert (await slots.acquire("a")).HasField("wait")
    await slots.release(held[1].held.lease_id)
    async with asyncio.timeout(60):
        assert (await large).HasField("held")


async def test_a_waiter_keeps_its_place_from_call_to_call(slots: Slots) -> None:
    await slots.set("a", 1)
    held = await slots.acquire("a")
    lease_id = new_id()
    for _ in range(2):
        answer = await slots.acquire("a", lease_id=lease_id, wait=0.05)
        assert answer.wait.place == 1
    await slots.release(held.held.lease_id)
    # The slot was handed over between the calls.
    assert (await slots.acquire("a")).HasField("wait")
    assert (await slots.acquire("a", lease_id=lease_id, wait=0.05)).held.lease_id == lease_id


async def test_a_waiter_that_leaves_lets_the_next_one_in(slots: Slots) -> None:
    await slots.set("a", 2)
    held = await slots.acquire("a")
    lease_id = new_id()
    assert (await slots.acquire("a", lease_id=lease_id, slots=2, wait=0.01)).HasField("wait")
    small = asyncio.create_task(slots.acquire("a", wait=20))
    await slots.until_waiting("a", 2)
    await slots.release(lease_id)
    async with asyncio.timeout(60):
        assert (await small).HasField("held")
    await slots.release(held.held.lease_id)


async def test_a_raised_or_deleted_limit_lets_those_in_line_go(slots: Slots) -> None:
    await slots.set("a", 1)
    await slots.acquire("a")
    waiting = asyncio.create_task(slots.acquire("a", wait=20))
    await slots.until_waiting("a", 1)
    await slots.set("a", 2)
    async with asyncio.timeout(60):
        assert (await waiting).HasField("held")
    waiting = asyncio.create_task(slots.acquire("a", wait=20))
    await slots.until_waiting("a", 1)
    await slots.stub.DeleteConcurrencyLimit(concurrency_pb2.DeleteConcurrencyLimitRequest(name="a"))
    async with asyncio.timeout(60):
        assert (await waiting).HasField("held")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.get("a")
    assert code_of(caught) == grpc.StatusCode.NOT_FOUND


async def test_slots_of_a_rate_limit_come_back_with_time_only(slots: Slots) -> None:
    await slots.set("r", 2, slot_decay_per_second=2)
    leases = [await slots.acquire("r", slots=2)]
    await slots.release(leases[0].held.lease_id)
    refused = await slots.acquire("r", slots=2)
    assert 0 < refused.wait.delay.ToTimedelta().total_seconds() <= 1
    async with asyncio.timeout(60):
        assert (await slots.acquire("r", slots=2, wait=5)).HasField("held")


async def test_a_lease_is_renewed_until_it_is_gone(slots: Slots, service: RunningService, database: Database) -> None:
    await slots.set("a", 1)
    lease_id = (await slots.acquire("a")).held.lease_id
    request = concurrency_pb2.RenewSlotsRequest(lease_id=lease_id)
    request.lease_duration.seconds = 120
    renewed = await slots.stub.RenewSlots(request)
    assert 110 < renewed.expires_at.seconds - now().seconds <= 121
    async with database.connection() as connection:
        await connection.execute("update lease set expires_at = now() - interval '1 day', duration_seconds = 0.1")

    async def is_free() -> bool:
        return not (await slots.get("a")).active_slots

    await eventually(is_free)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.stub.RenewSlots(request)
    assert code_of(caught) == grpc.StatusCode.FAILED_PRECONDITION


async def test_the_slot_of_a_run_is_seen_and_can_be_taken_away(slots: Slots, state: StateClient) -> None:
    pool = new_id()
    await state.internal.SetOwnedLimits(
        internal.SetOwnedLimitsRequest(limits=[internal.OwnedLimit(name=f"work-pool:{pool}", limit=1)])
    )
    runs = [
        internal.ScheduledRun(flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=pool)
        for _ in range(2)
    ]
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=runs))
    claim = internal.ClaimRunsRequest(work_pool_id=pool, count=5)
    [claimed] = (await state.internal.ClaimRuns(claim)).runs
    [holder] = (await slots.get(f"work-pool:{pool}")).holders
    assert (holder.holder_kind, holder.holder_id) == ("flow-run", claimed.flow_run.flow_run_id)
    await slots.release(holder.lease_id)
    [other] = (await state.internal.ClaimRuns(claim)).runs
    for run in (claimed, other):
        await state.propose(run.flow_run.flow_run_id, a_state(RUNNING), run.attempt.token)
        done = await state.propose(run.flow_run.flow_run_id, a_state(COMPLETED), run.attempt.token)
        assert done.verdict.WhichOneof("verdict") == "accepted"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await slots.set(f"work-pool:{pool}", 5)
    assert code_of(caught) == grpc.StatusCode.INVALID_ARGUMENT


async def test_limits_are_listed_by_name(slots: Slots) -> None:
    for name in ("b", "tag:x", "a"):
        await slots.set(name, 1)
    first = await slots.stub.ListConcurrencyLimits(concurrency_pb2.ListConcurrencyLimitsRequest(page_size=2))
    rest = await slots.stub.ListConcurrencyLimits(
        concurrency_pb2.ListConcurrencyLimitsRequest(page_size=2, page_token=first.next_page_token)
    )
    assert [limit.name for limit in (*first.limits, *rest.limits)] == ["a", "b", "tag:x"]
    assert not rest.next_page_token
    found = await slots.stub.ListConcurrencyLimits(concurrency_pb2.ListConcurrencyLimitsRequest(name_contains="AG:"))
    assert [limit.name for limit in found.limits] == ["tag:x"]


async def test_many_clients_never_hold_more_than_the_limit(slots: Slots) -> None:
    await slots.set("a", 3)
    await slots.set("b", 2)
    most = {"a": 0, "b": 0}
    active = {"a": 0, "b": 0}

    async def work(number: int) -> None:
        names = [("a",), ("b",), ("a", "b")][number % 3]
        answer = await slots.acquire(*names, wait=20)
        assert answer.HasField("held")
        for name in names:
            active[name] += 1
            most[name] = max(most[name], active[name])
        await asyncio.sleep(0.005)
        for name in names:
            active[name] -= 1
        await slots.release(answer.held.lease_id)

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(number) for number in range(30)))
    assert most["a"] <= 3
    assert most["b"] <= 2
