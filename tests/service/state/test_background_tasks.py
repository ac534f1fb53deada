"""Background tasks: queued, handed out, recorded, lost with their servers."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import background_task_pb2, background_task_pb2_grpc, state_pb2, task_run_pb2
from headrace.ids import uuid7
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_harness.recording import a_frame, a_stream, a_transition, record
from headrace_harness.services import RunningService
from headrace_harness.state import (
    CANCELLED,
    CANCELLING,
    COMPLETED,
    CRASHED,
    FAILED,
    RUNNING,
    SCHEDULED,
    StateClient,
    new_id,
)
from headrace_harness.waiting import eventually
from headrace_state.queries.background import PostgresBackgroundTasks
from headrace_state.rules.background import MOST_DELIVERIES, Lost, judge_loss
from headrace_state.rules.states import StateType

PATIENCE = 60.0


@pytest.fixture
def tasks(service: RunningService) -> Any:
    return background_task_pb2_grpc.BackgroundTaskServiceStub(service.channel)


def a_task(key: str = "mail", **fields: Any) -> background_task_pb2.NewBackgroundTask:
    spec = task_run_pb2.TaskRunSpec(task_key=key, dynamic_key="0", name=f"{key}-run", tags=["later"])
    return background_task_pb2.NewBackgroundTask(task_run_id=new_id(), spec=spec, parameters=b"args", **fields)


async def queue(tasks: Any, *new: background_task_pb2.NewBackgroundTask) -> list[str]:
    request = background_task_pb2.CreateBackgroundTasksRequest(tasks=new)
    assert (await tasks.CreateBackgroundTasks(request)).queued == len(new)
    return [task.task_run_id for task in new]


class Server:
    """A task server's side of its stream."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._received = 0

    async def send(self, **message: Any) -> None:
        await self._call.write(background_task_pb2.ServeBackgroundTasksRequest(**message))

    async def take(self) -> Sequence[background_task_pb2.BackgroundAssignment]:
        while True:
            message = await asyncio.wait_for(self._call.read(), PATIENCE)
            if message.WhichOneof("message") == "assignments":
                self._received += len(message.assignments.assignments)
                return list(message.assignments.assignments)

    async def cancelled(self) -> str:
        while True:
            message = await asyncio.wait_for(self._call.read(), PATIENCE)
            if message.WhichOneof("message") == "cancel":
                return str(message.cancel.task_run_id)

    async def leave(self) -> None:
        """Say that nothing more comes, and read on until the other side has ended, too."""
        await self._call.done_writing()
        while await asyncio.wait_for(self._call.read(), PATIENCE) is not grpc.aio.EOF:
            pass

    async def free(self, slots: int) -> None:
        await self.send(ready=background_task_pb2.TaskServerReady(free=slots, received=self._received))


@contextlib.asynccontextmanager
async def a_server(tasks: Any, *keys: str, slots: int = 10, **hello_fields: Any) -> AsyncIterator[Server]:
    call = tasks.ServeBackgroundTasks()
    server = Server(call)
    hello = background_task_pb2.TaskServerHello(
        server_id=str(uuid7()), name="here", task_keys=keys or ("mail",), slots=slots, **hello_fields
    )
    await server.send(hello=hello)
    try:
        yield server
    finally:
        call.cancel()


def attempt_of(given: background_task_pb2.BackgroundAssignment) -> task_run_pb2.RecordAttempt:
    return task_run_pb2.RecordAttempt(flow_run_id=given.task_run.task_run_id, token=given.token)


async def end(
    state: StateClient, given: background_task_pb2.BackgroundAssignment, last: int = COMPLETED
) -> task_run_pb2.RecordTransitionsResponse:
    run = given.task_run
    version = run.state.version
    steps = [
        a_transition(run.task_run_id, RUNNING, version + 1, run_count=1),
        a_transition(run.task_run_id, last, version + 2, run_count=1),
    ]
    return await record(state, a_frame([attempt_of(given)], steps))


async def expire(database: Database) -> int:
    """Let all leases be over, and settle what was lost with them."""
    async with database.transaction() as connection:
        await connection.execute("update background_task set lease_expires_at = now() - interval '1 second'")
    return await quiet_tasks(database).reap(100)


def quiet_tasks(database: Database) -> PostgresBackgroundTasks:
    """Return the queue as a replica of its own has it."""
    wakeups = Wakeups(None)
    return PostgresBackgroundTasks(database, Outbox(database, wakeups), wakeups)


async def test_what_is_on_its_way_to_a_server_that_leaves_goes_to_others_at_once(
    tasks: Any, database: Database
) -> None:
    async with a_server(tasks) as server:
        await server.free(1)
        [task_run_id] = await queue(tasks, a_task())
        # It is read, and no word of that reaches the service before the server leaves.
        [given] = await server.take()
        await server.leave()
    assert given.task_run.task_run_id == task_run_id
    async with database.connection() as connection:
        row = await connection.fetchrow("select token, deliveries from background_task")
    assert row is not None
    assert (row["token"], row["deliveries"]) == (None, 0)


async def test_a_task_run_is_handed_out_recorded_and_over(state: StateClient, tasks: Any) -> None:
    [task_run_id] = await queue(tasks, a_task())
    waiting = await state.task_run(task_run_id)
    assert (waiting.state.type, waiting.flow_run_id, waiting.task_key) == (SCHEDULED, "", "mail")
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        assert given.task_run.task_run_id == task_run_id
        assert (given.parameters, given.delivery) == (b"args", 1)
        assert not (await end(state, given)).lost
    run = await state.task_run(task_run_id)
    assert (run.state.type, run.run_count, run.flow_run_id) == (COMPLETED, 1, "")
    listed = await tasks.GetTaskServing(background_task_pb2.GetTaskServingRequest())
    assert not listed.backlogs


async def test_task_runs_below_a_background_task_belong_to_no_flow_run(state: StateClient, tasks: Any) -> None:
    await queue(tasks, a_task())
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        child = new_id()
        await record(state, a_frame([attempt_of(given)], [a_transition(child, COMPLETED, 1, run_count=1)]))
        assert (await state.task_run(child)).flow_run_id == ""
        await end(state, given)


async def test_whoever_waits_is_told_at_once_and_in_order(state: StateClient, tasks: Any) -> None:
    async with a_server(tasks, "mail", "post") as server:
        await server.free(10)
        queued = []
        for _ in range(3):
            queued += await queue(tasks, a_task("mail"), a_task("post"))
        taken: list[Any] = []
        while len(taken) < 6:
            taken += await server.take()
        assert [given.task_run.task_run_id for given in taken] == queued
        for given in taken:
            await end(state, given)


async def test_a_server_gets_no_more_than_it_takes_and_only_its_tasks(state: StateClient, tasks: Any) -> None:
    other, *mine = await queue(tasks, a_task("other"), a_task(), a_task(), a_task())
    async with a_server(tasks, slots=2) as first, a_server(tasks) as second:
        await first.free(2)
        taken = list(await first.take())
        assert [given.task_run.task_run_id for given in taken] == mine[:2]
        await second.free(5)
        rest = list(await second.take())
        assert [given.task_run.task_run_id for given in rest] == mine[2:]
        for given in [*taken, *rest]:
            await end(state, given)
    assert (await state.task_run(other)).state.type == SCHEDULED


async def test_a_repeated_request_queues_once_even_when_it_is_over(state: StateClient, tasks: Any) -> None:
    task = a_task()
    request = background_task_pb2.CreateBackgroundTasksRequest(tasks=[task])
    assert [(await tasks.CreateBackgroundTasks(request)).queued for _ in range(2)] == [1, 0]
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        await end(state, given)
    assert (await tasks.CreateBackgroundTasks(request)).queued == 0
    assert (await state.task_run(task.task_run_id)).state.type == COMPLETED


async def test_what_a_server_had_goes_to_another_when_it_has_gone(
    state: StateClient, tasks: Any, database: Database
) -> None:
    [task_run_id] = await queue(tasks, a_task())
    async with a_server(tasks) as server:
        await server.free(1)
        [first] = await server.take()
    begun = a_transition(task_run_id, RUNNING, first.task_run.state.version + 1, run_count=1)
    await record(state, a_frame([attempt_of(first)], [begun]))
    assert await expire(database) == 1
    assert (await state.task_run(task_run_id)).state.name == "AwaitingRetry"
    async with a_server(tasks) as server:
        await server.free(1)
        [second] = await server.take()
        assert (second.task_run.task_run_id, second.delivery) == (task_run_id, 2)
        # The one that was given up wakes up too late.
        [lost] = (await end(state, first, FAILED)).lost
        assert lost.flow_run_id == task_run_id
        assert not (await end(state, second)).lost
    assert (await state.task_run(task_run_id)).state.type == COMPLETED


async def test_a_task_run_that_ends_its_servers_crashes(state: StateClient, tasks: Any, database: Database) -> None:
    [task_run_id] = await queue(tasks, a_task())
    for _ in range(MOST_DELIVERIES):
        async with a_server(tasks) as server:
            await server.free(1)
            await server.take()
        await expire(database)
    assert (await state.task_run(task_run_id)).state.type == CRASHED


async def test_a_sign_of_life_keeps_what_a_server_has(state: StateClient, tasks: Any, database: Database) -> None:
    await queue(tasks, a_task())
    async with a_server(tasks) as server, a_stream(state) as stream:
        await server.free(1)
        [given] = await server.take()
        async with database.transaction() as connection:
            await connection.execute("update background_task set lease_expires_at = now() - interval '1 second'")
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt_of(given)]))
        assert (await stream.answer_of("renewed")).HasField("lease_expires_at")
        assert await quiet_tasks(database).reap(100) == 0
        await end(state, given)


async def test_what_a_server_gives_back_keeps_its_place(state: StateClient, tasks: Any) -> None:
    first, second = await queue(tasks, a_task(), a_task())
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        await server.send(give_back=background_task_pb2.TaskServerReturn(attempts=[attempt_of(given)]))
        await server.free(2)
        taken: list[Any] = []
        while len(taken) < 2:
            taken += await server.take()
        assert [(each.task_run.task_run_id, each.delivery) for each in taken] == [(first, 1), (second, 1)]
        for each in taken:
            await end(state, each)


async def test_a_task_run_waits_for_others(state: StateClient, tasks: Any) -> None:
    [before] = await queue(tasks, a_task("before"))
    [after] = await queue(tasks, a_task("after", wait_for=[before]))
    async with a_server(tasks, "before", "after") as server:
        await server.free(5)
        [given] = await server.take()
        assert given.task_run.task_run_id == before
        await end(state, given, FAILED)
        [given] = await server.take()
        assert given.task_run.task_run_id == after
        await end(state, given)


async def test_a_task_run_waits_for_its_time(state: StateClient, tasks: Any) -> None:
    late = a_task()
    late.scheduled_at.GetCurrentTime()
    late.scheduled_at.seconds += 3600
    soon = a_task()
    await queue(tasks, late, soon)
    async with a_server(tasks) as server:
        await server.free(5)
        [given] = await server.take()
        assert given.task_run.task_run_id == soon.task_run_id
        await end(state, given)
    assert (await state.task_run(late.task_run_id)).state.type == SCHEDULED


async def test_a_task_run_that_waits_is_cancelled_at_once(state: StateClient, tasks: Any) -> None:
    [task_run_id] = await queue(tasks, a_task())
    request = background_task_pb2.CancelBackgroundTaskRequest(task_run_id=task_run_id)
    assert (await tasks.CancelBackgroundTask(request)).is_over
    assert (await state.task_run(task_run_id)).state.type == CANCELLED
    assert (await tasks.CancelBackgroundTask(request)).is_over


async def test_a_server_is_told_to_cancel(state: StateClient, tasks: Any) -> None:
    [task_run_id] = await queue(tasks, a_task())
    async with a_server(tasks) as server, a_stream(state) as stream:
        await server.free(1)
        [given] = await server.take()
        request = background_task_pb2.CancelBackgroundTaskRequest(task_run_id=task_run_id)
        assert not (await tasks.CancelBackgroundTask(request)).is_over
        assert await server.cancelled() == task_run_id
        await stream.send(heartbeat=task_run_pb2.RecordHeartbeat(attempts=[attempt_of(given)]))
        signal = await stream.answer_of("signal")
        assert (signal.flow_run_id, signal.state.type) == (task_run_id, CANCELLING)
        await end(state, given, CANCELLED)
    assert (await state.task_run(task_run_id)).state.type == CANCELLED


async def test_followers_see_each_change_until_the_end(state: StateClient, tasks: Any) -> None:
    [task_run_id] = await queue(tasks, a_task())
    request = background_task_pb2.FollowBackgroundTasksRequest(task_run_ids=[task_run_id])
    call = tasks.FollowBackgroundTasks(request)
    first = await asyncio.wait_for(call.read(), PATIENCE)
    assert [run.state.type for run in first.task_runs] == [SCHEDULED]
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        await end(state, given)
    seen = []
    while (message := await asyncio.wait_for(call.read(), PATIENCE)) is not grpc.aio.EOF:
        seen += [run.state.type for run in message.task_runs]
    assert seen[-1] == COMPLETED


async def test_servers_and_backlogs_are_listed(state: StateClient, tasks: Any) -> None:
    async def listed() -> background_task_pb2.GetTaskServingResponse:
        response: background_task_pb2.GetTaskServingResponse = await tasks.GetTaskServing(
            background_task_pb2.GetTaskServingRequest()
        )
        return response

    async def is_running() -> bool:
        found = await listed()
        return [(server.running, server.slots) for server in found.task_servers] == [(1, 10)]

    await queue(tasks, a_task(), a_task("other"))
    async with a_server(tasks) as server:
        await server.free(1)
        [given] = await server.take()
        await eventually(is_running, PATIENCE)
        found = await listed()
        assert [(each.task_key, each.waiting, each.running) for each in found.backlogs] == [
            ("mail", 0, 1),
            ("other", 1, 0),
        ]
        await end(state, given)


async def test_another_workspace_s_server_gets_nothing(state: StateClient, tasks: Any, database: Database) -> None:
    await queue(tasks, a_task())
    async with database.transaction() as connection:
        await connection.execute("update background_task set workspace_id = $1", uuid.uuid4())
    async with a_server(tasks) as server:
        await server.free(1)
        [mine] = await queue(tasks, a_task())
        [given] = await server.take()
        assert given.task_run.task_run_id == mine
        await end(state, given)


async def test_a_task_run_of_a_flow_run_is_not_cancelled_by_itself(state: StateClient, tasks: Any) -> None:
    created = await state.running_run()
    attempt = task_run_pb2.RecordAttempt(flow_run_id=created.flow_run.flow_run_id, token=created.attempt.token)
    task_run_id = new_id()
    await record(state, a_frame([attempt], [a_transition(task_run_id, RUNNING, 1, run_count=1)]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await tasks.CancelBackgroundTask(background_task_pb2.CancelBackgroundTaskRequest(task_run_id=task_run_id))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("state_type", "deliveries", "is_cancelling", "becomes", "is_queued"),
    [
        (StateType.SCHEDULED, 1, False, None, True),
        (StateType.RUNNING, 1, False, StateType.SCHEDULED, True),
        (StateType.RUNNING, MOST_DELIVERIES, False, StateType.CRASHED, False),
        (StateType.SCHEDULED, MOST_DELIVERIES, False, StateType.CRASHED, False),
        (StateType.RUNNING, 1, True, StateType.CANCELLED, False),
    ],
)
def test_what_becomes_of_a_lost_task_run(
    state_type: StateType, deliveries: int, is_cancelling: bool, becomes: StateType | None, is_queued: bool
) -> None:
    fate = judge_loss(Lost(state_type, deliveries, is_cancelling))
    assert (fate.state, fate.is_queued) == (becomes, is_queued)


async def test_a_task_run_outside_of_any_flow_run_is_recorded_by_its_own_name(state: StateClient) -> None:
    task_run_id, other = new_id(), new_id()
    own = task_run_pb2.RecordAttempt(flow_run_id=task_run_id, token=task_run_id)
    assert not (await record(state, a_frame([own], [a_transition(task_run_id, RUNNING, 1, run_count=1)]))).lost
    assert not (await record(state, a_frame([own], [a_transition(task_run_id, COMPLETED, 2, run_count=1)]))).lost
    run = await state.task_run(task_run_id)
    assert (run.state.type, run.flow_run_id) == (COMPLETED, "")
    # Not in the name of another, and not one of a flow run or of the queue.
    [lost] = (await record(state, a_frame([own], [a_transition(other, RUNNING, 1, run_count=1)]))).lost
    assert lost.flow_run_id == task_run_id


async def test_nobody_records_a_task_run_by_its_own_name_that_belongs_to_somebody(
    state: StateClient, tasks: Any
) -> None:
    created = await state.running_run()
    attempt = task_run_pb2.RecordAttempt(flow_run_id=created.flow_run.flow_run_id, token=created.attempt.token)
    of_flow_run = new_id()
    await record(state, a_frame([attempt], [a_transition(of_flow_run, RUNNING, 1, run_count=1)]))
    [queued] = await queue(tasks, a_task())
    for task_run_id in (of_flow_run, queued, created.flow_run.flow_run_id):
        own = task_run_pb2.RecordAttempt(flow_run_id=task_run_id, token=task_run_id)
        frame = a_frame([own], [a_transition(task_run_id, COMPLETED, 9, run_count=1)])
        [lost] = (await record(state, frame)).lost
        assert lost.flow_run_id == task_run_id
    assert (await state.task_run(of_flow_run)).state.type == RUNNING
    assert (await state.task_run(queued)).state.type == SCHEDULED


async def test_a_client_without_tokens_keeps_what_it_took_for_as_long_as_it_takes(
    tasks: Any, state: StateClient, database: Database
) -> None:
    details = state_pb2.StateDetails(deferred=True, task_parameters_id=new_id())
    [task_run_id] = await queue(tasks, a_task(state_details=details))
    async with a_server(tasks, without_tokens=True) as server:
        await server.free(1)
        [given] = await server.take()
        assert given.token == task_run_id
        assert given.task_run.state.details.task_parameters_id == details.task_parameters_id
        await server.send(keep=background_task_pb2.TaskServerKeep(attempts=[attempt_of(given)]))

        async def is_kept() -> bool:
            async with database.connection() as connection:
                until = await connection.fetchval(
                    "select lease_expires_at from background_task where task_run_id = $1", uuid.UUID(task_run_id)
                )
            return bool(until is not None and until.year > 2100)

        await eventually(is_kept, PATIENCE)
    own = task_run_pb2.RecordAttempt(flow_run_id=task_run_id, token=task_run_id)
    steps = [a_transition(task_run_id, RUNNING, 2, run_count=1), a_transition(task_run_id, COMPLETED, 3, run_count=1)]
    assert not (await record(state, a_frame([own], steps))).lost
    assert (await state.task_run(task_run_id)).state.type == COMPLETED
