"""Pause, suspend and resume by request, with forms and time-outs."""

from __future__ import annotations

from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import flow_run_pb2, run_input_pb2, state_pb2, task_run_pb2
from headrace.client.values import value_to_proto
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace.internal.v1 import state_pb2 as internal
from headrace.rpc.status import from_rpc_error
from headrace_chassis.caller import set_caller
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_chassis.resolving import service_caller
from headrace_harness.recording import a_frame, a_life, a_transition, attempt_of, record
from headrace_harness.services import running_service
from headrace_harness.state import (
    CRASHED,
    FAILED,
    PAUSED,
    RUNNING,
    SCHEDULED,
    PlayedScheduler,
    StateClient,
    a_state,
    new_id,
    now,
)
from headrace_state.loops.deadlines import PauseExpiry
from headrace_state.queries.flow_runs import PostgresFlowRuns
from headrace_state.queries.upkeep import PostgresUpkeep
from headrace_state.wiring import build

FORM = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "copies": {"type": "integer", "minimum": 1}},
    "required": ["approved"],
    "additionalProperties": False,
}


async def a_deployed_run(state: StateClient, **fields: Any) -> tuple[str, str, str]:
    """Claim and start a run that any worker may go on with; return its pool, its id and its token."""
    pool = new_id()
    run = internal.ScheduledRun(flow_run_id=new_id(), flow_name="f", scheduled_at=now(), work_pool_id=pool, **fields)
    await state.internal.CreateScheduledRuns(internal.CreateScheduledRunsRequest(runs=[run]))
    claimed = await claim(state, pool)
    await state.propose(run.flow_run_id, a_state(RUNNING), claimed.attempt.token)
    return pool, run.flow_run_id, claimed.attempt.token


async def claim(state: StateClient, pool: str) -> internal.ClaimedRun:
    """Claim the only run of a pool."""
    [claimed] = (await state.internal.ClaimRuns(internal.ClaimRunsRequest(work_pool_id=pool, count=1))).runs
    return claimed


async def resume(state: StateClient, run_id: str, given: dict[str, Any] | None = None, request_id: str = "") -> Any:
    request = flow_run_pb2.ResumeFlowRunRequest(flow_run_id=run_id, request_id=request_id)
    if given is not None:
        struct = Struct()
        struct.update(given)
        request.run_input.CopyFrom(struct)
    return await state.runs.ResumeFlowRun(request)


async def send(state: StateClient, run_id: str, key: str, value: Any) -> run_input_pb2.CreateRunInputResponse:
    request = run_input_pb2.CreateRunInputRequest(flow_run_id=run_id, key=key, value=value_to_proto(value))
    response: run_input_pb2.CreateRunInputResponse = await state.inputs.CreateRunInput(request)
    return response


async def test_a_running_run_is_paused_and_resumed_by_request(state: StateClient) -> None:
    run = await state.running_run()
    run_id = run.flow_run.flow_run_id
    paused = await state.runs.PauseFlowRun(flow_run_pb2.PauseFlowRunRequest(flow_run_id=run_id, reason="lunch"))
    assert paused.verdict.WhichOneof("verdict") == "accepted"
    assert (paused.flow_run.state.type, paused.flow_run.state.message) == (PAUSED, "lunch")
    resumed = await resume(state, run_id)
    assert (resumed.verdict.WhichOneof("verdict"), resumed.flow_run.state.type) == ("accepted", RUNNING)
    assert resumed.flow_run.attempt == 1
    ended = await state.propose(run_id, a_state(state_pb2.STATE_TYPE_COMPLETED), run.attempt.token)
    assert ended.verdict.WhichOneof("verdict") == "accepted"


@pytest.mark.parametrize("verb", ["PauseFlowRun", "SuspendFlowRun", "ResumeFlowRun"])
async def test_only_a_run_in_the_right_state_is_paused_or_resumed(state: StateClient, verb: str) -> None:
    created = await state.create_run()
    request = getattr(flow_run_pb2, f"{verb}Request")(flow_run_id=created.flow_run.flow_run_id)
    answer = await getattr(state.runs, verb)(request)
    assert answer.verdict.WhichOneof("verdict") == "aborted"
    assert answer.flow_run.state.type == SCHEDULED


async def test_a_script_cannot_be_suspended_nor_give_itself_up(state: StateClient) -> None:
    run = await state.running_run()
    run_id = run.flow_run.flow_run_id
    answer = await state.runs.SuspendFlowRun(flow_run_pb2.SuspendFlowRunRequest(flow_run_id=run_id))
    assert answer.verdict.aborted.code == "NOT_CLAIMABLE"
    slept = await state.propose(run_id, a_state(SCHEDULED, "Sleeping"), run.attempt.token)
    assert slept.verdict.aborted.code == "NOT_CLAIMABLE"


async def test_a_suspended_run_frees_its_lease_keeps_what_it_did_and_comes_back(state: StateClient) -> None:
    pool, run_id, token = await a_deployed_run(state)
    answer = await state.runs.SuspendFlowRun(flow_run_pb2.SuspendFlowRunRequest(flow_run_id=run_id))
    assert (answer.flow_run.state.type, answer.flow_run.state.name) == (PAUSED, "Suspended")
    task_run_id = new_id()
    late = await record(state, a_frame([_attempt(run_id, token)], a_life(task_run_id)))
    assert not late.lost
    assert (await state.task_run(task_run_id)).state.type == state_pb2.STATE_TYPE_COMPLETED
    resumed = await resume(state, run_id)
    assert (resumed.flow_run.state.type, resumed.flow_run.state.name) == (SCHEDULED, "Resuming")
    claimed = await claim(state, pool)
    assert claimed.attempt.number == 2
    assert claimed.flow_run.retry_policy.resuming
    lost = await record(state, a_frame([_attempt(run_id, token)], a_life(new_id())))
    assert [each.code for each in lost.lost] == ["LEASE_LOST"]


async def test_an_input_is_checked_by_the_form_and_kept(state: StateClient) -> None:
    run = await state.running_run()
    run_id = run.flow_run.flow_run_id
    await send(state, run_id, "approve-schema", FORM)
    keyset = {"schema": "approve-schema", "response": "approve-response"}
    paused = a_state(PAUSED, pause_key="approve", run_input_keyset=keyset)
    await state.propose(run_id, paused, run.attempt.token)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await resume(state, run_id, {"copies": 0, "nobody": 1})
    error = from_rpc_error(caught.value)
    said = {violation.field: violation.description for violation in error.violations}  # type: ignore[attr-defined]
    assert said == {
        "run_input.approved": "is required",
        "run_input.copies": "must be at least 1, not 0",
        "run_input.nobody": "is not known",
    }
    assert (await state.get_run(run_id)).state.type == PAUSED
    request_id = new_id()
    for _ in range(2):
        resumed = await resume(state, run_id, {"approved": True}, request_id)
        assert (resumed.verdict.WhichOneof("verdict"), resumed.flow_run.state.type) == ("accepted", RUNNING)
    found = await state.inputs.GetRunInput(run_input_pb2.GetRunInputRequest(flow_run_id=run_id, key="approve-response"))
    assert found.run_input.value.struct_value["approved"] is True
    assert (await state.get_run(run_id)).state.version == 3


async def test_an_input_that_nobody_asked_for_is_refused(state: StateClient) -> None:
    run = await state.running_run()
    await state.propose(run.flow_run.flow_run_id, a_state(PAUSED, pause_key="k"), run.attempt.token)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await resume(state, run.flow_run.flow_run_id, {"x": 1})
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_time_out_is_counted_by_the_clock_of_the_database(state: StateClient, database: Database) -> None:
    run = await state.running_run()
    run_id = run.flow_run.flow_run_id
    paused = a_state(PAUSED, pause_key="k", pause_timeout=Duration(seconds=600))
    answer = await state.propose(run_id, paused, run.attempt.token)
    stored = answer.verdict.accepted.state
    span = stored.details.pause_expires_at.ToNanoseconds() - stored.occurred_at.ToNanoseconds()
    assert round(span / 1e9) == 600
    await _expire(database, run_id)
    await _pauses(database).tick()
    assert (await state.get_run(run_id)).state.type == FAILED


async def test_a_pause_that_was_not_resumed_is_repeated_after_a_crash(state: StateClient) -> None:
    policy = flow_run_pb2.RetryPolicy(infrastructure_retries=1)
    pool, run_id, token = await a_deployed_run(state, retry_policy=policy)
    await state.propose(run_id, a_state(PAUSED, pause_key="first"), token)
    await resume(state, run_id)
    await state.propose(run_id, a_state(PAUSED, pause_key="second"), token)
    await state.internal.EndAttempts(
        internal.EndAttemptsRequest(
            attempts=[
                internal.EndedAttempt(
                    attempt=internal.AttemptRef(flow_run_id=run_id, token=token), state=a_state(CRASHED)
                )
            ]
        )
    )
    assert list((await state.get_run(run_id)).retry_policy.pause_keys) == ["first"]
    claimed = await claim(state, pool)
    await state.propose(run_id, a_state(RUNNING), claimed.attempt.token)
    passed = await state.propose(run_id, a_state(PAUSED, pause_key="first"), claimed.attempt.token)
    assert passed.verdict.rejected.code == "PAUSED_BEFORE"
    again = await state.propose(run_id, a_state(PAUSED, pause_key="second"), claimed.attempt.token)
    assert again.verdict.WhichOneof("verdict") == "accepted"


async def test_a_run_sleeps_in_the_queue_and_wakes_once(state: StateClient) -> None:
    pool, run_id, token = await a_deployed_run(state)
    asleep = a_state(SCHEDULED, "Sleeping", reason="SLEEPING", pause_key="sleep-0", scheduled_at=now())
    answer = await state.propose(run_id, asleep, token)
    assert answer.verdict.WhichOneof("verdict") == "accepted"
    claimed = await claim(state, pool)
    assert claimed.attempt.number == 2
    assert list(claimed.flow_run.retry_policy.pause_keys) == ["sleep-0"]


async def test_a_suspended_run_is_resumed_by_the_input_that_it_waits_for(state: StateClient) -> None:
    pool, run_id, token = await a_deployed_run(state)
    waiting = a_state(
        PAUSED, "AwaitingEvent", pause_key="event-0", pause_reschedule=True, run_input_keyset={"awaited": "event-0"}
    )
    await state.propose(run_id, waiting, token)
    await send(state, run_id, "another", 1)
    assert (await state.get_run(run_id)).state.type == PAUSED
    await send(state, run_id, "event-0", {"name": "order.placed"})
    assert (await state.get_run(run_id)).state.name == "Resuming"
    assert (await claim(state, pool)).attempt.number == 2


async def test_a_run_is_not_suspended_for_an_input_that_is_there(state: StateClient) -> None:
    _, run_id, token = await a_deployed_run(state)
    await send(state, run_id, "event-0", 1)
    waiting = a_state(
        PAUSED, "AwaitingEvent", pause_key="event-0", pause_reschedule=True, run_input_keyset={"awaited": "event-0"}
    )
    answer = await state.propose(run_id, waiting, token)
    assert answer.verdict.rejected.code == "INPUT_IS_THERE"
    assert (await state.get_run(run_id)).state.name == "Resuming"


async def test_a_run_that_waits_in_vain_goes_on_when_its_time_is_over(state: StateClient, database: Database) -> None:
    pool, run_id, token = await a_deployed_run(state)
    waiting = a_state(
        PAUSED,
        pause_key="event-0",
        pause_reschedule=True,
        pause_timeout=Duration(seconds=600),
        run_input_keyset={"awaited": "event-0"},
    )
    await state.propose(run_id, waiting, token)
    await _expire(database, run_id)
    await _pauses(database).tick()
    assert (await state.get_run(run_id)).state.name == "Resuming"
    assert (await claim(state, pool)).attempt.number == 2


def _attempt(run_id: str, token: str) -> Any:
    attempt = flow_run_pb2.CreateFlowRunResponse()
    attempt.flow_run.flow_run_id = run_id
    attempt.attempt.flow_run_id = run_id
    attempt.attempt.token = token
    return attempt_of(attempt)


def _pauses(database: Database) -> PauseExpiry:
    wakeups = Wakeups(None)
    outbox = Outbox(database, wakeups)
    return PauseExpiry(PostgresUpkeep(database, outbox, wakeups), PostgresFlowRuns(database, outbox, wakeups))


async def _expire(database: Database, run_id: str) -> None:
    statement = """
        update flow_run
           set state_details = state_details || '{"pause_expires_at": "2020-01-01T00:00:00+00:00"}'
         where flow_run_id = $1
    """
    async with database.connection() as connection:
        await connection.execute(statement, run_id)


async def test_a_retry_of_everything_waits_anew_and_keeps_messages_of_others(state: StateClient) -> None:
    pool, run_id, token = await a_deployed_run(state)
    own = f"headrace.flow-run.{run_id}"
    sent = {"sleep-0": own, "pause-0-schema": own, "event-0": "headrace.automation.1", "chat-1": "somebody"}
    for key, sender in sent.items():
        request = run_input_pb2.CreateRunInputRequest(
            flow_run_id=run_id, key=key, value=value_to_proto({"type": "object"}), sender=sender
        )
        await state.inputs.CreateRunInput(request)
    keyset = {"schema": "pause-0-schema", "response": "pause-0-response"}
    await state.propose(run_id, a_state(PAUSED, pause_key="pause-0", run_input_keyset=keyset), token)
    await resume(state, run_id, {"x": 1})
    await state.propose(run_id, a_state(FAILED), token)

    async def keys() -> list[str]:
        listed = await state.inputs.ListRunInputs(run_input_pb2.ListRunInputsRequest(flow_run_id=run_id))
        return [each.key for each in listed.run_inputs]

    await state.runs.RetryFlowRun(flow_run_pb2.RetryFlowRunRequest(flow_run_id=run_id))
    assert len(await keys()) == 5
    claimed = await claim(state, pool)
    await state.propose(run_id, a_state(RUNNING), claimed.attempt.token)
    await state.propose(run_id, a_state(FAILED), claimed.attempt.token)
    await state.runs.RetryFlowRun(
        flow_run_pb2.RetryFlowRunRequest(flow_run_id=run_id, scope=flow_run_pb2.RETRY_SCOPE_ALL)
    )
    assert await keys() == ["chat-1"]


async def test_who_sleeps_or_is_suspended_outlives_the_service(database_url: str, scheduler: PlayedScheduler) -> None:
    neighbours = {"scheduler": [scheduler]}
    set_caller(service_caller("scheduler", DEFAULT_WORKSPACE_ID))
    async with running_service("state", build, database_url, neighbours=neighbours) as before:
        state = StateClient(before.channel, before.internal_channel)
        pool, asleep, token = await a_deployed_run(state)
        sleeping = a_state(SCHEDULED, "Sleeping", reason="SLEEPING", pause_key="sleep-0", scheduled_at=now())
        await state.propose(asleep, sleeping, token)
        other_pool, suspended, token = await a_deployed_run(state)
        keyset = {"awaited": "event-0"}
        waiting = a_state(PAUSED, pause_key="event-0", pause_reschedule=True, run_input_keyset=keyset)
        await state.propose(suspended, waiting, token)
    async with running_service("state", build, database_url, neighbours=neighbours) as again:
        state = StateClient(again.channel, again.internal_channel)
        assert (await claim(state, pool)).flow_run.flow_run_id == asleep
        await send(state, suspended, "event-0", 1)
        assert (await claim(state, other_pool)).flow_run.flow_run_id == suspended


async def test_a_retry_from_a_task_takes_what_may_depend_on_it(state: StateClient) -> None:
    _, run_id, token = await a_deployed_run(state)
    named, known, unknown, elsewhere, beside = (new_id() for _ in range(5))

    def lived(task_run_id: str, since: float, source: str = "") -> list[task_run_pb2.TaskRunTransition]:
        begun = a_transition(task_run_id, RUNNING, 1, at=since)
        if source:
            kind = task_run_pb2.TASK_INPUT_KIND_TASK_RUN
            begun.spec.inputs.add(parameter="x", kind=kind, source=source)
        return [begun, a_transition(task_run_id, state_pb2.STATE_TYPE_COMPLETED, 2, at=since + 1)]

    lives = [
        *lived(named, 0),
        *lived(beside, 0.5),  # Began before the named one ended.
        *lived(elsewhere, 5, source=beside),  # Is known to depend on another only.
        *lived(unknown, 5),
        *lived(known, 7, source=unknown),
    ]
    await record(state, a_frame([_attempt(run_id, token)], lives))
    await state.propose(run_id, a_state(FAILED), token)
    request = flow_run_pb2.RetryFlowRunRequest(
        flow_run_id=run_id, scope=flow_run_pb2.RETRY_SCOPE_FROM_TASK, task_run_ids=[named]
    )
    await state.runs.RetryFlowRun(request)
    ids = (named, known, unknown, elsewhere, beside)
    again = [(await state.task_run(each)).state.type == SCHEDULED for each in ids]
    assert again == [True, True, True, False, False]
