"""Claims of due runs, as the scheduler makes them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.database import Database
from headrace_harness.recording import a_frame, a_stream, a_transition
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    PENDING,
    RUNNING,
    SCHEDULED,
    StateClient,
    a_state,
    any_token,
    new_id,
    now,
)
from headrace_harness.waiting import eventually


def a_run(**fields: Any) -> internal.ScheduledRun:
    """Return a run that is due now."""
    return internal.ScheduledRun(**{"flow_run_id": new_id(), "flow_name": "etl", "scheduled_at": now(), **fields})


async def schedule(state: StateClient, *runs: internal.ScheduledRun) -> list[flow_run_pb2.FlowRun]:
    """Create runs."""
    response = await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=runs))
    return [run.flow_run for run in response.runs]


async def claim(state: StateClient, pool: str, count: int = 10, **fields: Any) -> internal.ClaimRunsResponse:
    """Claim from a pool."""
    response: internal.ClaimRunsResponse = await state.internal.ClaimRuns(
        internal.ClaimRunsRequest(work_pool_id=pool, count=count, worker_id="w", worker_name="worker", **fields)
    )
    return response


async def limit(state: StateClient, name: str, slots: int | None) -> None:
    """Set or remove an owned limit."""
    await state.internal.SetOwnedLimits(
        internal.SetOwnedLimitsRequest(limits=[internal.OwnedLimit(name=name, limit=slots)])
    )


def ids(response: internal.ClaimRunsResponse) -> list[str]:
    """Return which runs were claimed."""
    return [run.flow_run.flow_run_id for run in response.runs]


async def end(state: StateClient, claimed: internal.ClaimedRun) -> None:
    """Run a claimed run to its end."""
    await state.propose(claimed.flow_run.flow_run_id, a_state(RUNNING), claimed.attempt.token)
    await state.propose(claimed.flow_run.flow_run_id, a_state(COMPLETED), claimed.attempt.token)


async def test_a_claim_moves_due_runs_to_pending_first_due_first(state: StateClient) -> None:
    pool = new_id()
    parameters = Struct()
    parameters.update({"n": 1})
    runs = await schedule(
        state,
        a_run(work_pool_id=pool, scheduled_at=Timestamp(seconds=2_000), parameters=parameters),
        a_run(work_pool_id=pool, scheduled_at=Timestamp(seconds=1_000)),
        a_run(work_pool_id=new_id()),
    )

    claimed = await claim(state, pool)

    assert ids(claimed) == [runs[1].flow_run_id, runs[0].flow_run_id]
    second = claimed.runs[1]
    assert second.flow_run.state.type == PENDING
    assert second.flow_run.worker_name == "worker"
    assert second.flow_run.parameters["n"] == 1
    assert second.attempt.number == 1
    assert second.worker_id == "w"
    assert not claimed.blocked
    assert ids(await claim(state, pool)) == []
    await end(state, second)
    assert (await state.get_run(second.flow_run.flow_run_id)).state.type == COMPLETED


async def test_a_run_that_is_due_later_is_told_and_not_claimed(state: StateClient) -> None:
    pool = new_id()
    later = now()
    later.seconds += 3600
    await schedule(state, a_run(work_pool_id=pool, scheduled_at=later))
    claimed = await claim(state, pool)
    assert not claimed.runs
    assert claimed.next_due_at == Timestamp(seconds=later.seconds, nanos=later.nanos // 1000 * 1000)
    due = await state.internal.GetNextDue(internal.GetNextDueRequest(work_pool_ids=[pool]))
    assert due.next_due_at == claimed.next_due_at


async def test_queues_are_served_in_their_order_within_their_quotas(state: StateClient) -> None:
    pool, urgent, other = new_id(), new_id(), new_id()
    runs = await schedule(
        state,
        *(a_run(work_pool_id=pool, work_queue_id=other) for _ in range(3)),
        *(a_run(work_pool_id=pool, work_queue_id=urgent) for _ in range(3)),
    )
    quotas = [
        internal.QueueQuota(work_queue_id=urgent, count=2),
        internal.QueueQuota(work_queue_id=other, count=10),
    ]
    claimed = await claim(state, pool, 4, queues=quotas)
    assert ids(claimed) == [run.flow_run_id for run in (runs[3], runs[4], runs[0], runs[1])]


async def test_a_run_that_was_due_long_ago_is_claimed_though_the_queue_was_looked_at_just_now(
    state: StateClient, database: Database
) -> None:
    pool, queue = new_id(), new_id()
    quotas = [internal.QueueQuota(work_queue_id=queue, count=5)]
    assert not (await claim(state, pool, 5, queues=quotas)).runs
    long_ago, later = now(), now()
    long_ago.seconds -= 3600
    later.seconds += 3600
    [old] = await schedule(state, a_run(work_pool_id=pool, work_queue_id=queue, scheduled_at=long_ago))
    assert ids(await claim(state, pool, 5, queues=quotas)) == [old.flow_run_id]

    # Another process of the service puts a run below the floor that this one knows.
    [planned] = await schedule(state, a_run(work_pool_id=pool, work_queue_id=queue, scheduled_at=later))
    assert not (await claim(state, pool, 5, queues=quotas)).runs
    async with database.connection() as connection:
        await connection.execute(
            "update due_run set due_at = now() - interval '1 hour' where flow_run_id = $1::uuid", planned.flow_run_id
        )

    async def is_claimed() -> bool:
        return ids(await claim(state, pool, 5, queues=quotas)) == [planned.flow_run_id]

    await eventually(is_claimed, seconds=30)


async def test_runs_without_a_pool_are_claimed_by_deployment(state: StateClient) -> None:
    deployment = new_id()
    runs = await schedule(
        state, a_run(deployment_id=deployment), a_run(deployment_id=deployment, work_pool_id=new_id())
    )
    claimed = await state.internal.ClaimRuns(internal.ClaimRunsRequest(deployment_ids=[deployment], count=5))
    assert ids(claimed) == [runs[0].flow_run_id]


async def test_a_blocked_run_hides_no_runnable_one(state: StateClient) -> None:
    pool, full, free = new_id(), new_id(), new_id()
    await limit(state, f"deployment:{full}", 1)
    runs = await schedule(
        state,
        *(a_run(work_pool_id=pool, deployment_id=full) for _ in range(20)),
        a_run(work_pool_id=pool, deployment_id=free),
    )
    first = await claim(state, pool, 2)
    assert ids(first) == [runs[0].flow_run_id, runs[20].flow_run_id]
    assert first.blocked

    await end(state, first.runs[0])

    assert ids(await claim(state, pool, 2)) == [runs[1].flow_run_id]


async def test_a_limit_of_the_pool_bounds_what_is_claimed_and_frees_with_the_end(state: StateClient) -> None:
    pool = new_id()
    await limit(state, f"work-pool:{pool}", 2)
    await schedule(state, *(a_run(work_pool_id=pool) for _ in range(5)))
    first = await claim(state, pool)
    assert len(first.runs) == 2
    assert first.blocked
    assert not (await claim(state, pool)).runs
    await end(state, first.runs[0])
    assert len((await claim(state, pool)).runs) == 1
    await limit(state, f"work-pool:{pool}", None)
    assert len((await claim(state, pool)).runs) == 2


async def test_a_run_being_stopped_keeps_its_slot_until_it_has_stopped(state: StateClient) -> None:
    pool = new_id()
    await limit(state, f"work-pool:{pool}", 1)
    await schedule(state, a_run(work_pool_id=pool), a_run(work_pool_id=pool))
    [first] = (await claim(state, pool)).runs
    await state.propose(first.flow_run.flow_run_id, a_state(RUNNING), first.attempt.token)
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=first.flow_run.flow_run_id))
    assert not (await claim(state, pool)).runs
    await state.propose(first.flow_run.flow_run_id, a_state(CANCELLED), first.attempt.token)
    assert len((await claim(state, pool)).runs) == 1


async def test_two_claimers_never_get_the_same_run(state: StateClient) -> None:
    pool = new_id()
    runs = await schedule(state, *(a_run(work_pool_id=pool) for _ in range(60)))
    answers = await asyncio.gather(*(claim(state, pool, 10) for _ in range(8)))
    counts = Counter(run for answer in answers for run in ids(answer))
    while rest := ids(await claim(state, pool, 10)):
        counts.update(rest)
    assert counts == Counter(run.flow_run_id for run in runs)


async def test_two_claimers_together_never_exceed_a_limit(state: StateClient) -> None:
    pools = [new_id() for _ in range(4)]
    deployment = new_id()
    await limit(state, f"deployment:{deployment}", 3)
    await schedule(state, *(a_run(work_pool_id=pool, deployment_id=deployment) for pool in pools for _ in range(5)))
    answers = await asyncio.gather(*(claim(state, pool, 5) for pool in pools))
    assert sum(len(answer.runs) for answer in answers) == 3


async def test_runs_go_to_several_workers_and_labels_are_kept_to(state: StateClient) -> None:
    pool = new_id()
    gpu = Struct()
    gpu.update({"gpu": True})
    runs = await schedule(
        state, a_run(work_pool_id=pool, worker_labels=gpu), a_run(work_pool_id=pool), a_run(work_pool_id=pool)
    )
    workers = [
        internal.ClaimingWorker(worker_id="plain", worker_name="plain", count=1),
        internal.ClaimingWorker(worker_id="strong", worker_name="strong", count=2, labels=gpu),
    ]
    response = await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=3, workers=workers))
    assert {run.flow_run.flow_run_id: run.worker_id for run in response.runs} == {
        runs[0].flow_run_id: "strong",
        runs[1].flow_run_id: "plain",
        runs[2].flow_run_id: "strong",
    }
    await schedule(state, a_run(work_pool_id=pool, worker_labels=gpu))
    assert not (await claim(state, pool)).runs


async def test_a_returned_run_keeps_its_place_and_its_retries(state: StateClient) -> None:
    pool = new_id()
    runs = await schedule(state, *(a_run(work_pool_id=pool) for _ in range(3)))
    [first] = (await claim(state, pool, 1)).runs
    refs = [internal.AttemptRef(flow_run_id=first.flow_run.flow_run_id, token=first.attempt.token)]
    wrong = [internal.AttemptRef(flow_run_id=first.flow_run.flow_run_id, token=any_token())]
    assert (await state.internal.ReturnRuns(internal.ReturnRunsRequest(attempts=wrong))).returned == 0
    answer = await state.internal.ReturnRuns(internal.ReturnRunsRequest(attempts=refs, reason="no ack"))
    assert answer.returned == 1
    assert (await state.internal.ReturnRuns(internal.ReturnRunsRequest(attempts=refs))).returned == 0
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.propose(first.flow_run.flow_run_id, a_state(RUNNING), first.attempt.token)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    again = await claim(state, pool)
    assert ids(again) == [run.flow_run_id for run in runs]
    assert again.runs[0].attempt.number == 2


async def test_leases_are_renewed_and_lost_ones_are_told(state: StateClient) -> None:
    pool = new_id()
    await schedule(state, a_run(work_pool_id=pool), a_run(work_pool_id=pool))
    first, second = (await claim(state, pool)).runs
    await state.propose(first.flow_run.flow_run_id, a_state(RUNNING), first.attempt.token)
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=first.flow_run.flow_run_id))
    request = internal.RenewLeasesRequest(
        attempts=[
            internal.AttemptRef(flow_run_id=first.flow_run.flow_run_id, token=first.attempt.token),
            internal.AttemptRef(flow_run_id=second.flow_run.flow_run_id, token=any_token()),
            internal.AttemptRef(flow_run_id=new_id(), token=any_token()),
        ]
    )
    request.lease_duration.seconds = 60
    answer = await state.internal.RenewLeases(request)
    assert list(answer.flow_run_ids) == [first.flow_run.flow_run_id]
    assert list(answer.cancelling_flow_run_ids) == [first.flow_run.flow_run_id]
    assert [run.HasField("state") for run in answer.lost] == [True, False]
    assert 55 < answer.lease_expires_at.seconds - now().seconds <= 61


async def test_an_attempt_that_crashed_is_tried_again_by_its_policy(state: StateClient) -> None:
    pool = new_id()
    policy = flow_run_pb2.RetryPolicy(infrastructure_retries=1)
    [run] = await schedule(state, a_run(work_pool_id=pool, retry_policy=policy))
    [claimed] = (await claim(state, pool)).runs
    await state.propose(run.flow_run_id, a_state(RUNNING), claimed.attempt.token)
    ended = internal.EndedAttempt(
        attempt=internal.AttemptRef(flow_run_id=run.flow_run_id, token=claimed.attempt.token),
        state=a_state(CRASHED, message="exit code 137"),
    )
    for _ in range(2):
        answer = await state.internal.EndAttempts(internal.EndAttemptsRequest(attempts=[ended]))
        assert answer.runs[0].state.name == "AwaitingRetry"
    [again] = (await claim(state, pool)).runs
    assert again.attempt.number == 2
    ended.attempt.token = again.attempt.token
    ended.state.state_id = new_id()
    answer = await state.internal.EndAttempts(internal.EndAttemptsRequest(attempts=[ended]))
    assert answer.runs[0].state.type == CRASHED
    assert await state.state_names(run.flow_run_id) == [
        "Scheduled", "Pending", "Running", "Crashed", "AwaitingRetry", "Pending", "Crashed"
    ]  # fmt: skip


async def test_the_ends_of_many_attempts_are_stored_at_once_each_by_its_own_rules(state: StateClient) -> None:
    pool = new_id()
    policy = flow_run_pb2.RetryPolicy(infrastructure_retries=1)
    runs = await schedule(state, *(a_run(work_pool_id=pool, retry_policy=policy) for _ in range(5)))
    claims = {run.flow_run.flow_run_id: run.attempt for run in (await claim(state, pool, count=5)).runs}
    crashed, cancelled, finished, taken_away, returned = (
        task_run_pb2.RecordAttempt(flow_run_id=run.flow_run_id, token=claims[run.flow_run_id].token) for run in runs
    )
    async with a_stream(state) as stream:
        for sequence, attempt in enumerate((crashed, cancelled), start=1):
            await state.propose(attempt.flow_run_id, a_state(RUNNING), attempt.token)
            running = [a_transition(new_id(), RUNNING, 1)]
            await stream.send(frame=a_frame([attempt], running, sequence=sequence))
            await stream.answer_of("ack")
    await state.propose(finished.flow_run_id, a_state(RUNNING), finished.token)
    await state.propose(finished.flow_run_id, a_state(COMPLETED), finished.token)

    def end(flow_run_id: str, token: str, kind: state_pb2.StateType.ValueType) -> internal.EndedAttempt:
        return internal.EndedAttempt(
            attempt=internal.AttemptRef(flow_run_id=flow_run_id, token=token), state=a_state(kind)
        )

    ends = [
        end(crashed.flow_run_id, crashed.token, CRASHED),
        end(cancelled.flow_run_id, cancelled.token, CANCELLED),
        end(finished.flow_run_id, finished.token, CRASHED),
        end(taken_away.flow_run_id, any_token(), CRASHED),
        end(new_id(), any_token(), CRASHED),
        end(returned.flow_run_id, returned.token, SCHEDULED),
        # Told twice in one call: the second time changes nothing.
        end(cancelled.flow_run_id, cancelled.token, CRASHED),
    ]
    answer = await state.internal.EndAttempts(internal.EndAttemptsRequest(attempts=ends))
    assert [run.flow_run_id for run in answer.runs] == [each.attempt.flow_run_id for each in ends]
    names = [run.state.name if run.HasField("state") else "" for run in answer.runs]
    assert names == ["AwaitingRetry", "Cancelled", "Completed", "Pending", "", "Scheduled", "Cancelled"]
    assert await state.state_names(cancelled.flow_run_id) == ["Scheduled", "Pending", "Running", "Cancelled"]
    for attempt, name in ((crashed, "Crashed"), (cancelled, "Cancelled")):
        found = await state.task_runs.ListTaskRuns(
            task_run_pb2.ListTaskRunsRequest(filter=task_run_pb2.TaskRunFilter(flow_run_ids=[attempt.flow_run_id]))
        )
        assert [task_run.state.name for task_run in found.task_runs] == [name]


async def test_a_crash_of_a_run_that_was_asked_to_stop_is_its_cancellation(state: StateClient) -> None:
    pool = new_id()
    [run] = await schedule(state, a_run(work_pool_id=pool))
    [claimed] = (await claim(state, pool)).runs
    cancelled = await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.flow_run_id))
    assert cancelled.flow_run.state.type == CANCELLING
    ended = internal.EndedAttempt(
        attempt=internal.AttemptRef(flow_run_id=run.flow_run_id, token=claimed.attempt.token),
        state=a_state(CRASHED),
    )
    answer = await state.internal.EndAttempts(internal.EndAttemptsRequest(attempts=[ended]))
    assert answer.runs[0].state.type == CANCELLED


async def test_scheduled_runs_are_dropped_but_not_those_whose_time_has_come(state: StateClient) -> None:
    deployment, schedule_id = new_id(), new_id()
    later = now()
    later.seconds += 600
    creator = state_pb2.Creator(kind=state_pb2.CREATOR_KIND_SCHEDULE, creator_id=schedule_id)
    made = {"deployment_id": deployment, "auto_scheduled": True, "creator": creator}
    due, planned, by_hand = await schedule(
        state,
        a_run(**made),
        a_run(**made, scheduled_at=later, idempotency_key="slot"),
        a_run(deployment_id=deployment, scheduled_at=later),
    )
    other = await state.internal.DropScheduledRuns(
        internal.DropScheduledRunsRequest(deployment_id=deployment, schedule_id=new_id())
    )
    assert other.dropped == 0
    dropped = await state.internal.DropScheduledRuns(
        internal.DropScheduledRunsRequest(deployment_id=deployment, schedule_id=schedule_id)
    )
    assert dropped.dropped == 1
    with pytest.raises(grpc.aio.AioRpcError):
        await state.get_run(planned.flow_run_id)
    [again] = await schedule(state, a_run(**made, scheduled_at=later, idempotency_key="slot"))
    assert again.flow_run_id != planned.flow_run_id

    rest = await state.internal.DropScheduledRuns(
        internal.DropScheduledRunsRequest(deployment_id=deployment, all_runs=True)
    )
    assert rest.dropped == 3
    assert (await state.get_run(by_hand.flow_run_id)).state.type == CANCELLED
    with pytest.raises(grpc.aio.AioRpcError):
        await state.get_run(due.flow_run_id)


async def test_the_same_scheduled_run_is_created_once(state: StateClient) -> None:
    run = a_run(idempotency_key="slot-1")
    first = await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    run.flow_run_id = new_id()
    second = await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run, a_run()]))
    assert [each.created for each in second.runs] == [False, True]
    assert second.runs[0].flow_run.flow_run_id == first.runs[0].flow_run.flow_run_id
    assert second.runs[0].flow_run.state.type == SCHEDULED


async def test_outsiders_cannot_claim(state: StateClient, service: Any) -> None:
    claim_from_outside = service.channel.unary_unary(
        "/headrace.internal.v1.StateInternalService/ClaimRuns",
        request_serializer=internal.ClaimRunsRequest.SerializeToString,
        response_deserializer=internal.ClaimRunsResponse.FromString,
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await claim_from_outside(internal.ClaimRunsRequest(work_pool_id=new_id(), count=1))
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
