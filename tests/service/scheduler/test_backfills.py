"""Backfills: planned, run a few at a time, paused, cancelled, retried, also while schedulers come and go."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import backfill_pb2, backfill_pb2_grpc, flow_run_pb2
from headrace.api.v1 import deployment_pb2 as pb
from headrace.ids import uuid7
from headrace_harness.state import CANCELLED, COMPLETED, FAILED, a_state
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, as_python, connected, eventually, struct

Status = backfill_pb2.BackfillStatus


def backfills(scheduler: Scheduler) -> backfill_pb2_grpc.BackfillServiceAsyncStub:
    """Return the stub of the service."""
    return backfill_pb2_grpc.BackfillServiceStub(scheduler.channel)


def moment(text: str) -> Timestamp:
    """Return a time."""
    stamp = Timestamp()
    stamp.FromJsonString(text)
    return stamp


def january(days: int, **fields: Any) -> backfill_pb2.BackfillRange:
    """Return the first days of January 2026."""
    span = backfill_pb2.BackfillRange(until=moment(f"2026-01-{days + 1:02}T00:00:00Z"), **fields)
    getattr(span, "from").CopyFrom(moment("2026-01-01T00:00:00Z"))
    return span


async def create(scheduler: Scheduler, deployment_id: str, **fields: Any) -> backfill_pb2.CreateBackfillResponse:
    """Create a backfill."""
    return await backfills(scheduler).CreateBackfill(
        backfill_pb2.CreateBackfillRequest(deployment_id=deployment_id, **fields)
    )


async def get(scheduler: Scheduler, backfill_id: str) -> backfill_pb2.Backfill:
    """Return a backfill."""
    response = await backfills(scheduler).GetBackfill(backfill_pb2.GetBackfillRequest(backfill_id=backfill_id))
    return response.backfill


async def until(scheduler: Scheduler, backfill_id: str, status: Status.ValueType) -> backfill_pb2.Backfill:
    """Wait until a backfill has a status; return it."""

    async def has_it() -> backfill_pb2.Backfill | None:
        found = await get(scheduler, backfill_id)
        return found if found.status == status else None

    found: backfill_pb2.Backfill = await eventually(has_it, f"the status {Status.Name(status)}")
    return found


async def deployed(scheduler: Scheduler) -> str:
    """Return a deployment in the pool `pool`, with a daily schedule that makes no runs by itself."""
    await scheduler.create_pool()
    rule = pb.ScheduleRule(cron=pb.CronRule(expression="0 5 * * *"))
    schema = struct(type="object", properties={"day": {"type": "string"}, "n": {"type": "integer"}, "of": {}})
    content = pb.DeploymentContent(parameter_schema=schema, enforce_parameter_schema=True, parameters=struct(n=7))
    schedule = pb.Schedule(slug="daily", rule=rule, active=False, parameters=struct(of="schedule"))
    applied = await scheduler.apply(pool="pool", content=content, schedules=[schedule])
    return applied.deployment.deployment_id


class Doer:
    """Runs whatever a worker gets: begins it and brings it to an end at once.

    Args:
        parts: Where the runs are.
        worker: Who gets them.
        failing: Days that fail.
    """

    def __init__(self, parts: Parts, worker: PlayedWorker, failing: set[str]) -> None:
        self.parts = parts
        self.worker = worker
        self.failing = failing
        self.done: list[dict[str, Any]] = []

    async def do(self) -> int:
        """Do what the worker holds; return how many runs were done so far."""
        for flow_run_id, assignment in list(self.worker.held.items()):
            parameters = as_python(assignment.flow_run.parameters)
            await self.worker.begin(self.parts.state, flow_run_id)
            end = FAILED if parameters.get("day", "")[:10] in self.failing else COMPLETED
            await self.parts.state.propose(flow_run_id, a_state(end), assignment.attempt.token)
            await self.worker.finish(flow_run_id)
            self.done.append(parameters)
        return len(self.done)


@contextlib.asynccontextmanager
async def doing(parts: Parts, failing: set[str] | None = None) -> AsyncIterator[Doer]:
    """Lend a worker that does what it gets."""
    async with connected(PlayedWorker(parts.scheduler, pool="pool", capacity=5)) as worker:
        yield Doer(parts, worker, failing if failing is not None else set())


async def test_a_dry_run_tells_what_would_run_and_makes_nothing(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    planned = await create(
        scheduler,
        deployment_id,
        range=january(3, slot_parameter="day"),
        matrix=struct(n=[1, 2]),
        order=backfill_pb2.BACKFILL_ORDER_DESC,
        dry_run=True,
    )
    assert (planned.backfill.backfill_id, planned.backfill.progress.total) == ("", 6)
    assert as_python(planned.runs[0].parameters) == {
        "of": "schedule",
        "n": 2,
        "day": "2026-01-03T05:00:00+00:00",
    }
    assert planned.runs[-1].slot_at == moment("2026-01-01T05:00:00Z")
    assert not (await backfills(scheduler).ListBackfills(backfill_pb2.ListBackfillsRequest())).backfills
    assert not await parts.runs(deployment_ids=[deployment_id])
    for wrong, field in (
        ({"matrix": struct(n=["one"])}, "runs[0].parameters.n"),
        ({"range": january(3, schedule_slug="missing")}, "range.schedule_slug"),
        ({}, "range"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await create(scheduler, deployment_id, dry_run=True, **wrong)
        assert field in str(caught.value.details())


async def test_runs_are_made_in_order_and_never_more_at_once_than_asked_for(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    backfill_id = str(uuid7())
    wanted = {"backfill_id": backfill_id, "range": january(9, slot_parameter="day"), "concurrency": 2}
    created = await create(scheduler, deployment_id, **wanted)
    assert (created.backfill.backfill_id, created.backfill.progress.total) == (backfill_id, 9)
    # A repeated call finds the first one.
    assert (await create(scheduler, deployment_id, **wanted)).backfill.created_at == created.backfill.created_at
    async with doing(parts) as doer:
        await doer.worker.until_given(2)

        async def is_done() -> bool:
            return await doer.do() == 9

        await eventually(is_done, "all nine runs")
        assert doer.worker.most_held <= 2
    over = await until(scheduler, backfill_id, backfill_pb2.BACKFILL_STATUS_COMPLETED)
    assert (over.progress.completed, over.progress.total) == (9, 9)
    assert over.ended_at.seconds
    days = [done["day"][:10] for done in doer.done]
    assert days == sorted(days)
    assert {done["n"] for done in doer.done} == {7}
    listed = await backfills(scheduler).ListBackfillRuns(
        backfill_pb2.ListBackfillRunsRequest(backfill_id=backfill_id, page_size=5)
    )
    assert [run.number for run in listed.runs] == [1, 2, 3, 4, 5]
    assert listed.next_page_token
    runs = await parts.runs(deployment_ids=[deployment_id])
    assert {as_python(run.labels)["headrace.backfill_id"] for run in runs} == {backfill_id}
    assert {run.creator.display_name for run in runs} == {over.name}


async def test_what_failed_is_run_again_on_request_and_only_that(parts: Parts) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    created = await create(scheduler, deployment_id, range=january(4, slot_parameter="day"))
    backfill_id = created.backfill.backfill_id
    async with doing(parts, failing={"2026-01-02", "2026-01-03"}) as doer:

        async def done(number: int) -> bool:
            return await doer.do() == number

        await eventually(lambda: done(4), "the first four runs")
        over = await until(scheduler, backfill_id, backfill_pb2.BACKFILL_STATUS_FAILED)
        assert (over.progress.completed, over.progress.failed) == (2, 2)
        doer.failing.clear()
        again = await backfills(scheduler).RetryBackfill(backfill_pb2.RetryBackfillRequest(backfill_id=backfill_id))
        assert (again.runs, again.backfill.status) == (2, backfill_pb2.BACKFILL_STATUS_RUNNING)
        await eventually(lambda: done(6), "the two that had failed")
    await until(scheduler, backfill_id, backfill_pb2.BACKFILL_STATUS_COMPLETED)
    assert sorted(one["day"][8:10] for one in doer.done[4:]) == ["02", "03"]
    listed = await backfills(scheduler).ListBackfillRuns(backfill_pb2.ListBackfillRunsRequest(backfill_id=backfill_id))
    assert [run.tries for run in listed.runs] == [1, 2, 2, 1]


async def test_a_paused_backfill_makes_no_further_runs_and_a_cancelled_one_stops_those_that_are_made(
    parts: Parts,
) -> None:
    scheduler = parts.scheduler
    deployment_id = await deployed(scheduler)
    matrix = struct(n=list(range(100)))
    created = await create(scheduler, deployment_id, matrix=matrix, concurrency=1)
    backfill_id = created.backfill.backfill_id

    async def active() -> int:
        return (await get(scheduler, backfill_id)).progress.active

    made = await eventually(active, "the first runs")
    assert made < 100
    stub = backfills(scheduler)
    paused = await stub.PauseBackfill(backfill_pb2.PauseBackfillRequest(backfill_id=backfill_id))
    assert paused.backfill.status == backfill_pb2.BACKFILL_STATUS_PAUSED
    await stub.ResumeBackfill(backfill_pb2.ResumeBackfillRequest(backfill_id=backfill_id))
    cancelled = await stub.CancelBackfill(backfill_pb2.CancelBackfillRequest(backfill_id=backfill_id))
    assert cancelled.backfill.status == backfill_pb2.BACKFILL_STATUS_CANCELLING
    over = await until(scheduler, backfill_id, backfill_pb2.BACKFILL_STATUS_CANCELLED)
    assert (over.progress.cancelled, over.progress.total) == (100, 100)
    states = collections.Counter(run.state.type for run in await parts.runs(deployment_ids=[deployment_id]))
    assert states.keys() == {CANCELLED}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.ResumeBackfill(backfill_pb2.ResumeBackfillRequest(backfill_id=backfill_id))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_backfill_goes_on_when_its_scheduler_stops_and_makes_no_run_twice(parts: Parts) -> None:
    first = parts.scheduler
    deployment_id = await deployed(first)
    created = await create(first, deployment_id, range=january(20, slot_parameter="day"), concurrency=3)
    backfill_id = created.backfill.backfill_id
    second = await parts.start_scheduler()

    async def is_begun() -> bool:
        return bool((await get(second, backfill_id)).progress.active)

    await eventually(is_begun, "the first runs")
    await first.host.stop()
    async with connected(PlayedWorker(second, pool="pool", capacity=5)) as worker:
        doer = Doer(parts, worker, set())

        async def is_done() -> bool:
            return await doer.do() == 20

        await eventually(is_done, "all runs")
    await until(second, backfill_id, backfill_pb2.BACKFILL_STATUS_COMPLETED)
    assert sorted(int(done["day"][8:10]) for done in doer.done) == list(range(1, 21))
    response = await parts.state.runs.CountFlowRuns(
        flow_run_pb2.CountFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(deployment_ids=[deployment_id]))
    )
    assert sum(count.count for count in response.counts) == 20
