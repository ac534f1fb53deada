"""Recording of task runs, by streams and without."""

from __future__ import annotations

import asyncio
import random

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2, task_run_pb2
from headrace_chassis.database import Database
from headrace_harness.recording import a_frame, a_life, a_stream, a_transition, attempt_of, record
from headrace_harness.services import RunningService
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    PAUSED,
    PENDING,
    RUNNING,
    StateClient,
    a_state,
    any_token,
    new_id,
)


async def versions(state: StateClient, task_run_id: str) -> list[int]:
    """Return the versions of the states in the history of a task run."""
    response = await state.task_runs.ListTaskRunStates(
        task_run_pb2.ListTaskRunStatesRequest(task_run_id=task_run_id, page_size=200)
    )
    return [each.version for each in response.states]


async def test_a_frame_is_stored_before_it_is_acknowledged(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    task_run_id = new_id()
    async with a_stream(state) as stream:
        await stream.send(frame=a_frame([attempt], a_life(task_run_id), sequence=7))
        assert (await stream.answer_of("ack")).sequence == 7
        stored = await state.task_run(task_run_id)
    assert stored.state.type == COMPLETED
    assert stored.state.version == 3
    assert stored.flow_run_id == attempt.flow_run_id
    assert stored.task_key == "t"
    assert stored.total_run_time.ToTimedelta().total_seconds() == 2
    assert (stored.ended_at.ToDatetime() - stored.started_at.ToDatetime()).total_seconds() == 2
    assert await versions(state, task_run_id) == [1, 2, 3]


async def test_a_description_survives_and_may_change(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    task_run_id, child = new_id(), new_id()
    spec = task_run_pb2.TaskRunSpec(
        task_key="load", dynamic_key="0", name="load-0", tags=["db", 'we"ird'], task_version="3", cache_key="c",
        flow_run_run_count=1, child_flow_run_id=child,
    )  # fmt: skip
    spec.labels.update({"team": "a"})
    spec.inputs.add(parameter="x", kind=task_run_pb2.TASK_INPUT_KIND_PARAMETER, source="x")
    spec.retry_policy.delay_seconds.append(1.5)
    await record(state, a_frame([attempt], [a_transition(task_run_id, PENDING, 1, spec=spec)]))
    stored = await state.task_run(task_run_id)
    for field, value in spec.ListFields():
        mine = {"inputs": stored.inputs, "retry_policy": stored.retry_policy}.get(field.name)
        assert (mine if mine is not None else getattr(stored, field.name)) == value, field.name
    spec.name = "renamed"
    await record(state, a_frame([attempt], [a_transition(task_run_id, RUNNING, 2, spec=spec)]))
    await record(state, a_frame([attempt], [a_transition(task_run_id, COMPLETED, 3)]))
    stored = await state.task_run(task_run_id)
    assert stored.name == "renamed"
    assert stored.state.type == COMPLETED


async def test_transitions_in_frames_of_their_own_add_up(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    task_run_id = new_id()
    path = [PENDING, RUNNING, FAILED, PENDING, RUNNING, COMPLETED]
    for version, state_type in enumerate(path, start=1):
        transition = a_transition(task_run_id, state_type, version, at=version, run_count=1 + version // 5)
        await record(state, a_frame([attempt], [transition]))
    stored = await state.task_run(task_run_id)
    assert stored.total_run_time.seconds == 2
    assert stored.run_count == 2
    assert (stored.ended_at.ToDatetime() - stored.started_at.ToDatetime()).total_seconds() == 4


@pytest.mark.parametrize("seed", range(4))
async def test_duplicated_and_reordered_frames_change_nothing(state: StateClient, seed: int) -> None:
    attempt = attempt_of(await state.running_run())
    chance = random.Random(seed)
    task_run_ids = [new_id() for _ in range(5)]
    path = [PENDING, RUNNING, FAILED, PENDING, RUNNING, COMPLETED]
    transitions = [
        a_transition(task_run_id, state_type, version, at=version * 0.5)
        for task_run_id in task_run_ids
        for version, state_type in enumerate(path, start=1)
    ]
    frames = [a_frame([attempt], transitions[start : start + 4]) for start in range(0, len(transitions), 4)]
    sent = frames + chance.sample(frames, 4)
    chance.shuffle(sent)

    await asyncio.gather(*(record(state, frame) for frame in sent))

    for task_run_id in task_run_ids:
        stored = await state.task_run(task_run_id)
        assert stored.state.type == COMPLETED
        assert stored.state.version == 6
        assert stored.total_run_time.ToTimedelta().total_seconds() == 1
        assert (stored.ended_at.ToDatetime() - stored.started_at.ToDatetime()).total_seconds() == 2
        assert stored.task_key == "t"
        assert await versions(state, task_run_id) == [1, 2, 3, 4, 5, 6]


async def test_streams_share_commits_and_each_gets_its_own_answers(state: StateClient, database: Database) -> None:
    attempts = [attempt_of(await state.running_run()) for _ in range(4)]
    task_run_ids = [[new_id() for _ in range(30)] for _ in attempts]

    async def report(attempt: task_run_pb2.RecordAttempt, ids: list[str]) -> None:
        async with a_stream(state) as stream:
            for sequence, task_run_id in enumerate(ids, start=1):
                await stream.send(frame=a_frame([attempt], a_life(task_run_id), sequence))
            while (await stream.answer_of("ack")).sequence < len(ids):
                pass

    await asyncio.gather(*map(report, attempts, task_run_ids))

    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from task_run where state_type = 'COMPLETED'") == 120
        assert await connection.fetchval("select count(*) from transition where flow_run_id <> run_id") == 360
        told = await connection.fetchval("select count(*) from outbox where kind = 'task-run.states'")
        assert told == 120


async def test_an_attempt_that_was_replaced_writes_nothing(state: StateClient) -> None:
    created, other = await state.running_run(), await state.running_run()
    stale = task_run_pb2.RecordAttempt(flow_run_id=created.flow_run.flow_run_id, token=any_token())
    mine, theirs = new_id(), new_id()
    transitions = [*a_life(theirs), *a_life(mine)]
    for transition in transitions[3:]:
        transition.attempt_index = 1
    async with a_stream(state) as stream:
        await stream.send(frame=a_frame([stale, attempt_of(other)], transitions, sequence=1))
        lost = await stream.answer_of("lost")
        assert lost.flow_run_id == created.flow_run.flow_run_id
        assert lost.code == "LEASE_LOST"
        assert (await stream.answer_of("ack")).sequence == 1
    assert (await state.task_run(mine)).state.type == COMPLETED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await state.task_run(theirs)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    response = await record(state, a_frame([stale], a_life(new_id())))
    assert [each.flow_run_id for each in response.lost] == [created.flow_run.flow_run_id]


async def test_a_malformed_frame_is_refused_and_hurts_nobody(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    good, late = new_id(), new_id()
    async with a_stream(state) as stream:
        await stream.send(frame=a_frame([attempt], a_life(good), sequence=1))
        await stream.send(frame=a_frame([attempt], [a_transition("nonsense", RUNNING, 1)], sequence=2))
        await stream.send(frame=a_frame([attempt], a_life(late), sequence=3))
        refused = await stream.answer_of("refused")
        assert refused.sequence == 2
        assert refused.code == "MALFORMED"
        assert (await stream.answer_of("ack")).sequence == 3
    assert (await state.task_run(good)).state.type == COMPLETED
    assert (await state.task_run(late)).state.type == COMPLETED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await record(state, a_frame([attempt], [a_transition(new_id(), 0, 1)]))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_what_only_the_database_refuses_hurts_nobody_either(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    bad = [a_transition(new_id(), RUNNING, 1)]
    # Longer than a row of an index, and not to be compressed.
    bad[0].spec.cache_key = random.Random(1).randbytes(9000).hex()
    good = [new_id() for _ in range(4)]
    async with a_stream(state) as stream:
        for sequence, task_run_id in enumerate(good, start=1):
            await stream.send(frame=a_frame([attempt], a_life(task_run_id), sequence))
            await stream.send(frame=a_frame([attempt], bad, sequence=100 + sequence))
        refused = [(await stream.answer_of("refused")).sequence for _ in good]
        await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence=200))
        while (await stream.answer_of("ack")).sequence < 200:
            pass
    assert refused == [101, 102, 103, 104]
    for task_run_id in good:
        assert (await state.task_run(task_run_id)).state.type == COMPLETED


async def test_the_end_of_a_run_that_crashed_ends_its_task_runs(state: StateClient) -> None:
    created = await state.running_run()
    attempt = attempt_of(created)
    running, done = new_id(), new_id()
    await record(state, a_frame([attempt], [*a_life(running)[:2], *a_life(done)]))
    await state.propose(attempt.flow_run_id, a_state(CRASHED), attempt.token)
    assert (await state.task_run(running)).state.type == CRASHED
    assert (await state.task_run(running)).state.version == 3
    assert (await state.task_run(done)).state.type == COMPLETED
    assert await versions(state, running) == [1, 2, 3]


async def test_heartbeats_renew_leases_and_tell_what_is_lost(state: StateClient, database: Database) -> None:
    created, stale = await state.running_run(), await state.running_run()
    attempt = attempt_of(created)
    wrong = task_run_pb2.RecordAttempt(flow_run_id=stale.flow_run.flow_run_id, token=any_token())
    async with database.connection() as connection:
        await connection.execute("update lease set expires_at = now() - interval '3 seconds'")
    async with a_stream(state) as stream:
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt, wrong]))
        assert (await stream.answer_of("lost")).flow_run_id == wrong.flow_run_id
        renewed = await stream.answer_of("renewed")
    async with database.connection() as connection:
        left = await connection.fetchval(
            "select extract(epoch from expires_at - now()) from lease where flow_run_id = $1", attempt.flow_run_id
        )
    assert 5 < left <= 10
    assert renewed.HasField("lease_expires_at")
    answer = await state.record.RenewAttempts(task_run_pb2.RenewAttemptsRequest(attempts=[attempt, wrong]))
    assert [each.flow_run_id for each in answer.lost] == [wrong.flow_run_id]


async def test_a_request_to_stop_reaches_the_process_at_once(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    async with a_stream(state) as stream:
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt]))
        await stream.answer_of("renewed")
        await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=attempt.flow_run_id))
        signal = await stream.answer_of("signal")
        assert signal.flow_run_id == attempt.flow_run_id
        assert signal.state.type == CANCELLING
        answer = await state.record.RenewAttempts(task_run_pb2.RenewAttemptsRequest(attempts=[attempt]))
        assert [each.state.type for each in answer.signals] == [CANCELLING]
        done = await state.propose(attempt.flow_run_id, a_state(CANCELLED), attempt.token)
        assert done.verdict.WhichOneof("verdict") == "accepted"


async def test_a_request_to_stop_that_came_before_the_stream_is_told_with_the_first_frame(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=attempt.flow_run_id))
    async with a_stream(state) as stream:
        await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence=1))
        assert (await stream.answer_of("signal")).state.type == CANCELLING


async def test_a_pause_that_came_before_the_stream_is_told_with_the_first_frame_and_heartbeat(
    state: StateClient,
) -> None:
    attempt = attempt_of(await state.running_run())
    await state.runs.PauseFlowRun(flow_run_pb2.PauseFlowRunRequest(flow_run_id=attempt.flow_run_id))
    async with a_stream(state) as stream:
        await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence=1))
        assert (await stream.answer_of("signal")).state.type == PAUSED
    async with a_stream(state) as stream:
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt]))
        assert (await stream.answer_of("signal")).state.type == PAUSED
    answer = await state.record.RenewAttempts(task_run_pb2.RenewAttemptsRequest(attempts=[attempt]))
    assert [each.state.type for each in answer.signals] == [PAUSED]


async def test_an_attempt_that_is_cut_off_learns_of_it_at_once(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    async with a_stream(state) as stream:
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt]))
        await stream.answer_of("renewed")
        await state.propose(attempt.flow_run_id, a_state(COMPLETED), force=True)
        assert (await stream.answer_of("lost")).flow_run_id == attempt.flow_run_id


async def test_a_process_that_ended_its_run_itself_is_not_told_that_it_lost_it(state: StateClient) -> None:
    attempt, other = attempt_of(await state.running_run()), attempt_of(await state.running_run())
    async with a_stream(state) as stream:
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt, other]))
        await stream.answer_of("renewed")
        await state.propose(attempt.flow_run_id, a_state(COMPLETED), attempt.token)
        await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence=1))
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt, other]))
        answers = {(await stream.answer()).WhichOneof("message") for _ in range(2)}
    assert answers == {"ack", "renewed"}


async def test_a_stream_begins_with_open(state: StateClient) -> None:
    call = state.record.Record()
    await call.write(task_run_pb2.RecordRequest(heartbeat=task_run_pb2.RecordHeartbeat()))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_frames_that_were_read_are_acknowledged_when_the_process_closes(state: StateClient) -> None:
    attempt = attempt_of(await state.running_run())
    async with a_stream(state) as stream:
        for sequence in range(1, 21):
            await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence))
        await stream.close()
        while (await stream.answer_of("ack")).sequence < 20:
            pass
        with pytest.raises(EOFError, match="OK"):
            await stream.answer()


async def test_a_server_that_stops_acknowledges_what_it_has_and_sends_streams_away(
    state: StateClient, service: RunningService, database: Database
) -> None:
    attempt = attempt_of(await state.running_run())
    async with a_stream(state) as stream:
        for sequence in range(1, 6):
            await stream.send(frame=a_frame([attempt], a_life(new_id()), sequence))
        stopping = asyncio.create_task(service.host.stop())
        acknowledged = 0
        with pytest.raises((EOFError, grpc.aio.AioRpcError)):
            while True:
                response = await stream.answer()
                if response.WhichOneof("message") == "ack":
                    acknowledged = response.ack.sequence
        await stopping
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from task_run") >= acknowledged
