"""What the server does without a caller. Time is moved in the database, not waited for."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import state_pb2 as internal
from headrace_chassis.clock import SystemClock
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.invariants import assert_invariants
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    PAUSED,
    RUNNING,
    SCHEDULED,
    StateClient,
    a_state,
    new_id,
    now,
)
from headrace_harness.waiting import eventually
from headrace_state.loops.deadlines import CancellationEscalation, PauseExpiry
from headrace_state.loops.overdue import Overdue
from headrace_state.loops.reaper import LeaseReaper
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.limits import PostgresLimits
from headrace_state.queries.upkeep import PostgresUpkeep


class Loops:
    """The loops of the service, ticked by hand."""

    def __init__(self, database: Database) -> None:
        wakeups = Wakeups(None)
        outbox = Outbox(database, wakeups)
        upkeep = PostgresUpkeep(database, outbox, wakeups)
        runs = PostgresFlowRuns(database, outbox, wakeups)
        self.database = database
        self.reaper = LeaseReaper(upkeep, runs, PostgresLimits(database, outbox, wakeups), SystemClock())
        self.overdue = Overdue(upkeep, runs)
        self.pauses = PauseExpiry(upkeep, runs)
        self.cancellations = CancellationEscalation(upkeep, runs, after_seconds=60)

    async def execute(self, statement: str, *arguments: Any) -> None:
        """Change the database behind the service's back."""
        async with self.database.connection() as connection:
            await connection.execute(statement, *arguments)

    async def reap(self) -> None:
        """Tick the reaper as if it had watched for long."""
        await self.reaper.tick()
        self.reaper._since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        await self.reaper.tick()

    async def expire(self, flow_run_id: str) -> None:
        """Make the lease of a run expire."""
        await self.execute(
            "update lease set expires_at = now() - interval '1 second' where flow_run_id = $1", flow_run_id
        )


@pytest.fixture
def loops(database: Database) -> Loops:
    """The loops of the service."""
    return Loops(database)


async def a_claimed_run(state: StateClient, **fields: Any) -> tuple[str, internal.ClaimedRun]:
    """Schedule and claim a run; return its pool and it."""
    pool = new_id()
    run = internal.ScheduledRun(flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=pool, **fields)
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    claim = internal.ClaimRunsRequest(work_pool_id=pool, count=1, worker_name="w1")
    [claimed] = (await state.internal.ClaimRuns(claim)).runs
    return pool, claimed


async def test_a_run_whose_process_is_gone_crashes_and_is_tried_again(state: StateClient, loops: Loops) -> None:
    pool, claimed = await a_claimed_run(state, retry_policy=flow_run_pb2.RetryPolicy(infrastructure_retries=1))
    run_id = claimed.flow_run.flow_run_id
    await state.propose(run_id, a_state(RUNNING), claimed.attempt.token)
    await loops.expire(run_id)
    await loops.reap()
    assert await state.state_names(run_id) == ["Scheduled", "Pending", "Running", "Crashed", "AwaitingRetry"]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.propose(run_id, a_state(COMPLETED), claimed.attempt.token)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    [again] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    assert again.attempt.number == 2
    await state.propose(run_id, a_state(RUNNING), again.attempt.token)
    await loops.expire(run_id)
    await loops.reap()
    assert (await state.get_run(run_id)).state.type == CRASHED
    assert (await state.get_run(run_id)).state.details.reason == "LEASE_LOST"


async def test_a_script_whose_process_is_gone_crashes_with_its_task_runs(state: StateClient, loops: Loops) -> None:
    attempt = attempt_of(await state.running_run())
    task_run_id = new_id()
    await record(state, a_frame([attempt], a_life(task_run_id)[:2]))
    await loops.expire(attempt.flow_run_id)
    await loops.reap()
    assert (await state.get_run(attempt.flow_run_id)).state.type == CRASHED
    assert (await state.task_run(task_run_id)).state.type == CRASHED
    answer = await record(state, a_frame([attempt], a_life(new_id())))
    assert [lost.code for lost in answer.lost] == ["LEASE_LOST"]


async def test_a_claim_that_nobody_took_up_goes_back_without_a_retry(state: StateClient, loops: Loops) -> None:
    _, claimed = await a_claimed_run(state)
    run_id = claimed.flow_run.flow_run_id
    await loops.expire(run_id)
    await loops.reap()
    run = await state.get_run(run_id)
    assert run.state.type == SCHEDULED
    assert run.state.details.reason == "CLAIM_RETURNED"
    assert run.next_scheduled_start_at == run.expected_start_at


async def test_a_run_whose_process_is_gone_while_it_stops_is_cancelled(state: StateClient, loops: Loops) -> None:
    attempt = attempt_of(await state.running_run())
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=attempt.flow_run_id))
    await loops.expire(attempt.flow_run_id)
    await loops.reap()
    assert (await state.get_run(attempt.flow_run_id)).state.type == CANCELLED


async def test_a_retry_whose_process_is_gone_is_done_by_another(state: StateClient, loops: Loops) -> None:
    policy = flow_run_pb2.RetryPolicy(retries=1, infrastructure_retries=1)
    pool, claimed = await a_claimed_run(state, retry_policy=policy)
    run_id = claimed.flow_run.flow_run_id
    await state.propose(run_id, a_state(RUNNING), claimed.attempt.token)
    retried = await state.propose(run_id, a_state(FAILED), claimed.attempt.token)
    assert retried.verdict.rejected.state.details.reason == "RETRY_IN_PROCESS"
    await loops.expire(run_id)
    await loops.reap()
    assert (await state.get_run(run_id)).state.details.reason == "PROCESS_LOST"
    [again] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    assert again.attempt.number == 2


async def test_a_lease_that_is_renewed_in_time_is_left_alone(state: StateClient, loops: Loops) -> None:
    attempt = attempt_of(await state.running_run())
    await loops.reap()
    assert (await state.get_run(attempt.flow_run_id)).state.type == RUNNING


async def test_holders_get_the_time_of_a_lease_after_the_server_was_away(state: StateClient, loops: Loops) -> None:
    attempt = attempt_of(await state.running_run())
    await loops.expire(attempt.flow_run_id)
    await loops.reaper.tick()
    await loops.reaper.tick()
    assert (await state.get_run(attempt.flow_run_id)).state.type == RUNNING
    # The process of the server itself was stopped for a while.
    loops.reaper._since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    loops.reaper._last_tick = SystemClock().monotonic() - 60
    await loops.reaper.tick()
    assert (await state.get_run(attempt.flow_run_id)).state.type == RUNNING


async def test_the_running_service_reaps_by_itself(
    state: StateClient, database: Database, service: RunningService
) -> None:
    attempt = attempt_of(await state.running_run())
    async with database.connection() as connection:
        await connection.execute("update lease set expires_at = now() - interval '1 day', duration_seconds = 0.1")

    async def has_crashed() -> bool:
        return (await state.get_run(attempt.flow_run_id)).state.type == CRASHED

    await eventually(has_crashed)


async def test_a_run_that_waits_too_long_becomes_late_once(state: StateClient, loops: Loops) -> None:
    early, punctual = (await state.create_run()).flow_run, (await state.create_run()).flow_run
    await loops.execute(
        "update due_run set due_at = due_at - interval '20 seconds' where flow_run_id = $1", early.flow_run_id
    )
    for _ in range(2):
        await loops.overdue.tick()
    assert await state.state_names(early.flow_run_id) == ["Scheduled", "Late"]
    assert await state.state_names(punctual.flow_run_id) == ["Scheduled"]
    late = await state.get_run(early.flow_run_id)
    assert late.next_scheduled_start_at == early.next_scheduled_start_at
    started = await state.propose(early.flow_run_id, a_state(RUNNING))
    assert started.attempt.number == 1


async def test_a_retry_that_waits_is_not_late(state: StateClient, loops: Loops) -> None:
    policy = flow_run_pb2.RetryPolicy(retries=1, kind=flow_run_pb2.RETRY_KIND_RESCHEDULE)
    _, claimed = await a_claimed_run(state, retry_policy=policy)
    run_id = claimed.flow_run.flow_run_id
    await state.propose(run_id, a_state(RUNNING), claimed.attempt.token)
    await state.propose(run_id, a_state(FAILED), claimed.attempt.token)
    await loops.execute("update due_run set due_at = due_at - interval '20 seconds'")
    for _ in range(2):
        await loops.overdue.tick()
    assert (await state.state_names(run_id))[-1] == "AwaitingRetry"


async def test_a_run_that_is_too_late_is_skipped_and_never_claimed(state: StateClient, loops: Loops) -> None:
    pool = new_id()
    due = now()
    due.seconds -= 30
    run = internal.ScheduledRun(
        flow_run_id=new_id(), flow_name="f", scheduled_at=due, work_pool_id=pool, maximum_lateness=Duration(seconds=10)
    )
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    assert not (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    await loops.overdue.tick()
    skipped = await state.get_run(run.flow_run_id)
    assert (skipped.state.type, skipped.state.name) == (CANCELLED, "Skipped")
    assert skipped.state.details.reason == "TOO_LATE"


@pytest.mark.parametrize(
    "strategy",
    [
        deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
        deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW,
        deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_RUNNING,
    ],
)
async def test_somebody_gives_way_where_the_deployment_says_so(
    state: StateClient, loops: Loops, strategy: deployment_pb2.ConcurrencyStrategy.ValueType
) -> None:
    deployment = new_id()
    await state.internal.SetOwnedLimits(
        internal.SetOwnedLimitsRequest(limits=[internal.OwnedLimit(name=f"deployment:{deployment}", limit=1)])
    )
    _, running = await a_claimed_run(state, deployment_id=deployment)
    await state.propose(running.flow_run.flow_run_id, a_state(RUNNING), running.attempt.token)
    new = internal.ScheduledRun(
        flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=new_id(), deployment_id=deployment,
        concurrency_strategy=strategy,
    )  # fmt: skip
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[new]))
    for _ in range(2):
        await loops.overdue.tick()
    states = [(await state.get_run(run_id)).state for run_id in (running.flow_run.flow_run_id, new.flow_run_id)]
    expected = {
        deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE: [RUNNING, SCHEDULED],
        deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW: [RUNNING, CANCELLED],
        deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_RUNNING: [CANCELLING, SCHEDULED],
    }
    assert [each.type for each in states] == expected[strategy]


async def test_a_pause_ends_when_its_time_is_over(state: StateClient, loops: Loops) -> None:
    later, soon = now(), now()
    later.seconds += 600
    created, other = await state.running_run(), await state.running_run()
    for run, expires_at in ((created, soon), (other, later)):
        paused = a_state(PAUSED, pause_key="k", pause_expires_at=expires_at)
        await state.propose(run.flow_run.flow_run_id, paused, run.attempt.token)
    await loops.pauses.tick()
    failed = await state.get_run(created.flow_run.flow_run_id)
    assert (failed.state.type, failed.state.name) == (FAILED, "TimedOut")
    assert (await state.get_run(other.flow_run.flow_run_id)).state.type == PAUSED
    resumed = await state.propose(other.flow_run.flow_run_id, a_state(RUNNING))
    assert resumed.verdict.WhichOneof("verdict") == "accepted"


async def test_a_run_that_does_not_stop_is_given_up_and_says_why(state: StateClient, loops: Loops) -> None:
    _, claimed = await a_claimed_run(state)
    run_id = claimed.flow_run.flow_run_id
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run_id))
    await loops.cancellations.tick()
    assert (await state.get_run(run_id)).state.type == CANCELLING
    await loops.execute("update flow_run set state_at = state_at - interval '61 seconds'")
    await loops.cancellations.tick()
    run = await state.get_run(run_id)
    assert run.state.type == CANCELLED
    assert run.state.details.reason == "CANCELLATION_TIMED_OUT"
    assert "worker w1" in run.state.message
    assert "still renewed its lease" in run.state.message


async def test_subflows_are_cancelled_with_their_parent(state: StateClient) -> None:
    parent = await state.running_run()
    child = await state.running_run(parent_flow_run_id=parent.flow_run.flow_run_id)
    grandchild = await state.create_run(parent_flow_run_id=child.flow_run.flow_run_id)
    done = await state.running_run(parent_flow_run_id=parent.flow_run.flow_run_id)
    await state.propose(done.flow_run.flow_run_id, a_state(COMPLETED), done.attempt.token)
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=parent.flow_run.flow_run_id))
    types = [(await state.get_run(run.flow_run.flow_run_id)).state.type for run in (parent, child, grandchild, done)]
    assert types == [CANCELLING, CANCELLING, CANCELLED, COMPLETED]


async def test_a_final_run_is_retried_with_what_it_has_not_finished(state: StateClient, database: Database) -> None:
    pool, claimed = await a_claimed_run(state, retry_policy=flow_run_pb2.RetryPolicy())
    run_id, token = claimed.flow_run.flow_run_id, claimed.attempt.token
    await state.propose(run_id, a_state(RUNNING), token)
    first, second, third = new_id(), new_id(), new_id()
    dependent = a_life(second)
    dependent[0].spec.inputs.add(parameter="x", source=first)
    attempt = attempt_of(flow_run_pb2.CreateFlowRunResponse(flow_run=claimed.flow_run, attempt=claimed.attempt))
    await record(state, a_frame([attempt], [*a_life(first), *dependent, *a_life(third)]))
    refused = await state.runs.RetryFlowRun(flow_run_pb2.RetryFlowRunRequest(flow_run_id=run_id))
    assert refused.verdict.aborted.code == "NOT_FINAL"
    await state.propose(run_id, a_state(FAILED), token)

    request = flow_run_pb2.RetryFlowRunRequest(
        flow_run_id=run_id, request_id=new_id(), scope=flow_run_pb2.RETRY_SCOPE_FROM_TASK, task_run_ids=[first]
    )
    strange = flow_run_pb2.RetryFlowRunRequest(
        flow_run_id=run_id, scope=flow_run_pb2.RETRY_SCOPE_FROM_TASK, task_run_ids=[new_id()]
    )
    with pytest.raises(grpc.aio.AioRpcError, match="no finished task runs of this flow run"):
        await state.runs.RetryFlowRun(strange)
    assert (await state.get_run(run_id)).state.type == FAILED
    answer = await state.runs.RetryFlowRun(request)
    again = await state.runs.RetryFlowRun(request)
    assert answer.verdict.accepted.state.name == "AwaitingRetry"
    assert again.verdict == answer.verdict
    types = [(await state.task_run(task_run_id)).state.type for task_run_id in (first, second, third)]
    assert types == [SCHEDULED, SCHEDULED, COMPLETED]

    [retried] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    await state.propose(run_id, a_state(RUNNING), retried.attempt.token)
    done = await state.propose(run_id, a_state(COMPLETED), retried.attempt.token)
    assert done.verdict.WhichOneof("verdict") == "accepted"
    assert (await state.get_run(run_id)).run_count == 2

    script = await state.running_run()
    await state.propose(script.flow_run.flow_run_id, a_state(FAILED), script.attempt.token)
    nowhere = await state.runs.RetryFlowRun(flow_run_pb2.RetryFlowRunRequest(flow_run_id=script.flow_run.flow_run_id))
    assert nowhere.verdict.aborted.code == "NOT_CLAIMABLE"


async def test_racing_proposals_and_claims_leave_everything_whole(
    state: StateClient, database: Database, loops: Loops
) -> None:
    pool, deployment = new_id(), new_id()
    await state.internal.SetOwnedLimits(
        internal.SetOwnedLimitsRequest(limits=[internal.OwnedLimit(name=f"deployment:{deployment}", limit=3)])
    )
    runs = [
        internal.ScheduledRun(
            flow_run_id=new_id(), flow_name="f", scheduled_at=Timestamp(seconds=1 + number), work_pool_id=pool,
            deployment_id=deployment, retry_policy=flow_run_pb2.RetryPolicy(retries=1, infrastructure_retries=1),
        )
        for number in range(12)
    ]  # fmt: skip
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=runs))

    async def execute(claimed: internal.ClaimedRun) -> None:
        run_id, token = claimed.flow_run.flow_run_id, claimed.attempt.token
        attempt = attempt_of(flow_run_pb2.CreateFlowRunResponse(flow_run=claimed.flow_run, attempt=claimed.attempt))
        # A run that was cancelled meanwhile fences its attempt off.
        with contextlib.suppress(grpc.aio.AioRpcError):
            await state.propose(run_id, a_state(RUNNING), token)
            await record(state, a_frame([attempt], a_life(new_id())))
            ended = a_state(FAILED if claimed.attempt.number == 1 else COMPLETED)
            answers = await asyncio.gather(*(state.propose(run_id, ended, token) for _ in range(3)))
            assert len({answer.verdict.SerializeToString() for answer in answers}) == 1
            if answers[0].verdict.HasField("rejected"):
                await state.propose(run_id, a_state(RUNNING), token)
                await state.propose(run_id, a_state(CANCELLED), token)
                await state.propose(run_id, a_state(COMPLETED), token)

    async def work() -> None:
        for _ in range(12):
            claim = internal.ClaimRunsRequest(work_pool_id=pool, count=2)
            await asyncio.gather(*(execute(run) for run in (await state.internal.ClaimRuns(claim)).runs))

    async def cancel() -> None:
        for run in runs[::3]:
            await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run.flow_run_id))

    await asyncio.gather(work(), work(), work(), cancel())
    await work()
    for run in runs[::3]:
        await loops.expire(run.flow_run_id)
    await loops.reap()
    async with database.connection() as connection:
        await assert_invariants(connection, at_rest=True)
        assert await connection.fetchval(
            "select count(*) from flow_run where workspace_id = $1", DEFAULT_WORKSPACE_ID
        ) == len(runs)
