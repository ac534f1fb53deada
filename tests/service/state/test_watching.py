"""Streams of changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Batch
from headrace_harness.postgres import TestPostgres, fresh_database
from headrace_harness.recording import a_frame, a_life, attempt_of, record
from headrace_harness.services import RunningService, running_service
from headrace_harness.state import CANCELLED, COMPLETED, FAILED, RUNNING, StateClient, a_state, new_id
from headrace_state.servicers import feed as feed_module
from headrace_state.servicers.feed import Feed
from headrace_state.wire import changes
from headrace_state.wiring import build

WATCH_SECONDS = 60


@contextlib.asynccontextmanager
async def following(state: StateClient, chosen: flow_run_pb2.FlowRunFilter | None = None) -> AsyncIterator[Any]:
    """Lend a stream of changes that stands."""
    call: Any = state.runs.FollowFlowRuns(flow_run_pb2.FollowFlowRunsRequest(filter=chosen))
    async with asyncio.timeout(WATCH_SECONDS):
        assert (await call.read()).heartbeat
    try:
        yield call
    finally:
        call.cancel()


async def until_state(call: Any, flow_run_id: str, name: str) -> list[str]:
    """Read until a run is told in a state; return all its states on the way."""
    names: list[str] = []
    async with asyncio.timeout(WATCH_SECONDS):
        while True:
            for run in (await call.read()).flow_runs:
                if run.flow_run_id == flow_run_id:
                    names.append(run.state.name)
                    if run.state.name == name:
                        return names


async def test_a_run_is_watched_to_its_end_with_its_task_runs(state: StateClient) -> None:
    created = await state.running_run()
    attempt = attempt_of(created)
    before, after = new_id(), new_id()
    await record(state, a_frame([attempt], a_life(before)))
    call = state.runs.WatchFlowRun(flow_run_pb2.WatchFlowRunRequest(flow_run_id=attempt.flow_run_id))
    flow_runs: list[int] = []
    task_runs: dict[str, int] = {}
    caught_up = False
    async with asyncio.timeout(WATCH_SECONDS):
        async for response in call:
            if response.HasField("flow_run"):
                flow_runs.append(response.flow_run.state.type)
            task_runs |= {run.task_run_id: run.state.type for run in response.task_runs}
            if response.caught_up:
                caught_up = True
                assert set(task_runs) == {before}
                await record(state, a_frame([attempt], a_life(after)))
                await state.propose(attempt.flow_run_id, a_state(COMPLETED), attempt.token)
    assert caught_up
    assert flow_runs[0] == RUNNING
    assert flow_runs[-1] == COMPLETED
    assert task_runs == {before: COMPLETED, after: COMPLETED}


async def test_watching_a_run_that_is_over_ends_at_once(state: StateClient) -> None:
    created = await state.running_run()
    await state.propose(created.flow_run.flow_run_id, a_state(FAILED), created.attempt.token)
    request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=created.flow_run.flow_run_id, without_task_runs=True)
    async with asyncio.timeout(WATCH_SECONDS):
        responses = [response async for response in state.runs.WatchFlowRun(request)]
    assert [response.flow_run.state.type for response in responses if response.HasField("flow_run")] == [FAILED]
    assert responses[-1].caught_up


async def test_watching_an_unknown_run_is_not_found(state: StateClient) -> None:
    call = state.runs.WatchFlowRun(flow_run_pb2.WatchFlowRunRequest(flow_run_id=new_id()))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


async def test_changes_of_matching_runs_are_followed(state: StateClient) -> None:
    async with following(state, flow_run_pb2.FlowRunFilter(tags_any=["a"])) as call:
        await state.create_run(tags=["b"])
        created = await state.create_run(tags=["a"], name="mine")
        run_id = created.flow_run.flow_run_id
        assert await until_state(call, run_id, "Scheduled") == ["Scheduled"]
        await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run_id))
        assert await until_state(call, run_id, "Cancelled") == ["Cancelled"]


async def test_a_run_that_no_longer_matches_is_told_once_more(state: StateClient) -> None:
    async with following(state, flow_run_pb2.FlowRunFilter(state_types=[RUNNING])) as call:
        created = await state.running_run()
        run_id = created.flow_run.flow_run_id
        await until_state(call, run_id, "Running")
        await state.propose(run_id, a_state(COMPLETED), created.attempt.token)
        assert await until_state(call, run_id, "Completed") == ["Completed"]


async def test_a_change_beside_the_state_is_followed(state: StateClient) -> None:
    created = await state.create_run()
    async with following(state) as call:
        await state.runs.UpdateFlowRun(
            flow_run_pb2.UpdateFlowRunRequest(
                flow_run=flow_run_pb2.FlowRun(flow_run_id=created.flow_run.flow_run_id, name="renamed")
            )
        )
        async with asyncio.timeout(WATCH_SECONDS):
            [run] = (await call.read()).flow_runs
        assert run.name == "renamed"


async def test_a_slow_reader_gets_every_run_in_its_latest_state(
    state: StateClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "PENDING_LIMIT", 3)
    async with following(state) as call:
        runs = [(await state.create_run()).flow_run.flow_run_id for _ in range(12)]
        for run_id in runs:
            await state.runs.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run_id))
        last: dict[str, int] = {}
        async with asyncio.timeout(WATCH_SECONDS):
            while set(last) != set(runs) or set(last.values()) != {CANCELLED}:
                last |= {run.flow_run_id: run.state.type for run in (await call.read()).flow_runs}


async def test_changes_made_by_another_replica_are_followed(postgres: TestPostgres) -> None:
    async with (
        fresh_database(postgres) as url,
        running_service("state", build, url) as one,
        running_service("state", build, url) as two,
    ):
        here = StateClient(one.channel, one.internal_channel)
        there = StateClient(two.channel, two.internal_channel)
        async with following(here) as call:
            created = await there.running_run()
            run_id = created.flow_run.flow_run_id
            await until_state(call, run_id, "Running")
            # An attempt is judged the same by each replica.
            await here.propose(run_id, a_state(COMPLETED), created.attempt.token)
            await until_state(call, run_id, "Completed")
            assert (await there.get_run(run_id)).state.type == COMPLETED


async def test_streams_end_when_the_server_stops(state: StateClient, service: RunningService) -> None:
    created = await state.running_run()
    async with following(state) as call:
        watch = state.runs.WatchFlowRun(flow_run_pb2.WatchFlowRunRequest(flow_run_id=created.flow_run.flow_run_id))
        await watch.read()
        stopping = asyncio.create_task(service.host.stop())
        for stream in (call, watch):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async with asyncio.timeout(WATCH_SECONDS):
                    while await stream.read() is not grpc.aio.EOF:
                        pass
            assert caught.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        await stopping


async def test_who_comes_for_task_runs_while_the_outbox_is_read_without_them_misses_none(
    state: StateClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = await state.running_run()
    attempt, task_run_id = attempt_of(created), new_id()
    feed = Feed(database, Wakeups(None))
    is_reading, may_read = asyncio.Event(), asyncio.Event()
    read = feed._reader.read

    async def held_up(cursor: int, kinds: Sequence[str]) -> Batch:
        """Read late what was asked for early, as where all connections are taken."""
        if changes.TASK_RUN_STATES not in kinds:
            is_reading.set()
            await may_read.wait()
        return await read(cursor, kinds)

    monkeypatch.setattr(feed._reader, "read", held_up)
    async with feed.follow(DEFAULT_WORKSPACE_ID):
        await is_reading.wait()
        async with feed.follow(DEFAULT_WORKSPACE_ID, with_task_runs=True) as subscriber:
            feed.add_runs(subscriber, [attempt.flow_run_id])
            await record(state, a_frame([attempt], a_life(task_run_id)))
            may_read.set()
            async with asyncio.timeout(WATCH_SECONDS):
                while not await subscriber.wait(WATCH_SECONDS):
                    pass
            _, told = subscriber.take()
    assert told == [task_run_id]
