"""Proposals for flow runs over the wire."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace.internal.v1 import changes_pb2
from headrace_chassis.database import Database
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    FAILED,
    RUNNING,
    SCHEDULED,
    StateClient,
    a_state,
    any_token,
    new_id,
)


async def test_a_script_run_is_created_running_and_ends_completed(state: StateClient) -> None:
    created = await state.running_run(name="first")
    assert created.created
    assert created.attempt.number == 1
    assert created.flow_run.state.type == RUNNING
    assert created.flow_run.root_flow_run_id == created.flow_run.flow_run_id

    answer = await state.propose(created.flow_run.flow_run_id, a_state(COMPLETED), created.attempt.token)

    assert answer.verdict.WhichOneof("verdict") == "accepted"
    run = await state.get_run(created.flow_run.flow_run_id)
    assert run.state.type == COMPLETED
    assert run.state.version == 2
    assert run.run_count == 1
    assert run.HasField("ended_at")
    assert await state.state_names(run.flow_run_id) == ["Running", "Completed"]


async def test_creating_the_same_run_again_returns_the_first_with_its_attempt(state: StateClient) -> None:
    flow_run_id = new_id()
    first = await state.running_run(flow_run_id=flow_run_id)
    second = await state.running_run(flow_run_id=flow_run_id)
    assert not second.created
    assert second.attempt.token == first.attempt.token


async def test_an_idempotency_key_finds_the_first_run(state: StateClient) -> None:
    first = await state.create_run(idempotency_key="k")
    second = await state.create_run(idempotency_key="k")
    other_flow = await state.create_run(idempotency_key="k", flow_name="other")
    assert second.flow_run.flow_run_id == first.flow_run.flow_run_id
    assert not second.created
    assert other_flow.created


async def test_a_repeated_proposal_gets_the_first_answer(state: StateClient) -> None:
    created = await state.running_run(retry_policy=flow_run_pb2.RetryPolicy(retries=1))
    run_id, token = created.flow_run.flow_run_id, created.attempt.token
    failed = a_state(FAILED, message="boom")
    first = await state.propose(run_id, failed, token)
    assert first.verdict.rejected.code == "RETRY_SCHEDULED"
    assert first.verdict.rejected.state.name == "AwaitingRetry"
    await state.propose(run_id, a_state(RUNNING), token)
    again = await state.propose(run_id, failed, token)
    assert again.verdict.rejected.state == first.verdict.rejected.state
    assert again.verdict.rejected.code == "RETRY_SCHEDULED"
    assert (await state.get_run(run_id)).state.type == RUNNING


async def test_a_stale_token_is_refused_as_a_lost_lease(state: StateClient) -> None:
    created = await state.running_run()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.propose(created.flow_run.flow_run_id, a_state(COMPLETED), any_token())
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "another attempt" in str(caught.value.details())


async def test_a_waiting_run_is_cancelled_at_once_and_a_running_one_is_asked(state: StateClient) -> None:
    waiting = await state.create_run()
    answer = await state.runs.CancelFlowRun(
        flow_run_pb2.CancelFlowRunRequest(flow_run_id=waiting.flow_run.flow_run_id, reason="not needed")
    )
    assert answer.verdict.rejected.code == "NOTHING_TO_STOP"
    assert answer.flow_run.state.type == CANCELLED
    assert answer.flow_run.state.message == "not needed"

    running = await state.running_run()
    answer = await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=running.flow_run.flow_run_id))
    assert answer.verdict.accepted.state.type == CANCELLING
    done = await state.propose(running.flow_run.flow_run_id, a_state(CANCELLED), running.attempt.token)
    assert done.verdict.WhichOneof("verdict") == "accepted"


async def test_who_waits_for_runs_to_be_stopped_need_not_read_the_others(
    state: StateClient, database: Database
) -> None:
    stopped, other = await state.running_run(), await state.running_run()
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=stopped.flow_run.flow_run_id))
    await state.propose(other.flow_run.flow_run_id, a_state(COMPLETED), other.attempt.token)
    async with database.connection() as connection:
        rows = await connection.fetch("select payload from outbox where kind = 'flow-run.cancelling'")
    told = [changes_pb2.FlowRunStateChanged.FromString(row["payload"]).flow_run for row in rows]
    assert [(run.flow_run_id, run.state.type) for run in told] == [(stopped.flow_run.flow_run_id, CANCELLING)]


async def test_too_early_a_start_is_told_to_wait(state: StateClient) -> None:
    later = a_state(SCHEDULED)
    later.details.scheduled_at.GetCurrentTime()
    later.details.scheduled_at.seconds += 60
    created = await state.create_run(later)
    answer = await state.propose(created.flow_run.flow_run_id, a_state(RUNNING))
    assert answer.verdict.wait.code == "NOT_DUE"
    assert 50 < answer.verdict.wait.delay.seconds <= 60


async def test_a_forced_state_cuts_the_attempt_off(state: StateClient) -> None:
    created = await state.running_run()
    run_id = created.flow_run.flow_run_id
    forced = await state.propose(run_id, a_state(COMPLETED, message="by hand"), force=True)
    assert forced.verdict.WhichOneof("verdict") == "accepted"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.propose(run_id, a_state(FAILED), created.attempt.token)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_an_unknown_run_is_not_found(state: StateClient) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.get_run(new_id())
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_proposal_without_a_type_is_invalid(state: StateClient) -> None:
    created = await state.running_run()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.propose(created.flow_run.flow_run_id, state_pb2.State(), created.attempt.token)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_runs_that_are_created_at_the_same_time_do_not_disturb_each_other(state: StateClient) -> None:
    twice = new_id()
    answers = await asyncio.gather(
        *(state.running_run(flow_name=f"flow {number % 3}") for number in range(20)),
        state.create_run(flow_id=new_id()),
        state.running_run(flow_run_id=twice),
        state.running_run(flow_run_id=twice),
        *(state.create_run(idempotency_key="same") for _ in range(3)),
        return_exceptions=True,
    )
    refused = answers[20]
    assert isinstance(refused, grpc.aio.AioRpcError)
    assert refused.code() == grpc.StatusCode.NOT_FOUND
    made = [answer for answer in answers if isinstance(answer, flow_run_pb2.CreateFlowRunResponse)]
    assert len(made) == 25
    assert len({answer.flow_run.flow_run_id for answer in made}) == 22
    assert sum(answer.created for answer in made) == 22
    tokens = {answer.attempt.token for answer in made if answer.flow_run.flow_run_id == twice}
    assert len(tokens) == 1
