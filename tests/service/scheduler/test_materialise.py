"""Runs of schedules: made ahead, each slot once, whatever happens."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc.aio
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import concurrency_pb2, concurrency_pb2_grpc, flow_run_pb2, state_pb2
from headrace.api.v1 import deployment_pb2 as pb
from headrace.ids import DEFAULT_WORKSPACE_ID
from headrace_chassis.database import Database
from headrace_chassis.neighbours import Neighbours
from headrace_chassis.notify import Wakeups
from headrace_harness.postgres import service_database
from headrace_harness.state import SCHEDULED
from headrace_scheduler.neighbours.state import StateClient
from headrace_scheduler.queries import SQL
from headrace_scheduler.queries.unit import SqlStore
from headrace_scheduler.rules.deployment import Creator
from headrace_scheduler.rules.runs import CreatedRun, NewRun
from headrace_scheduler.usecases import pools
from headrace_scheduler.usecases.errands import ErrandRunner
from headrace_scheduler.usecases.materialise import make_due_runs
from headrace_scheduler.usecases.workbench import Actor, Workbench
from service.scheduler.parts import Parts, Scheduler, as_python, eventually, running_parts, struct
from service.scheduler.test_deployments import content, cron

SECOND = datetime.timedelta(seconds=1)
HOUR = datetime.timedelta(hours=1)


def every(seconds: int, *, slug: str = "s", **fields: Any) -> pb.Schedule:
    interval = pb.IntervalRule()
    interval.every.seconds = seconds
    return pb.Schedule(slug=slug, rule=pb.ScheduleRule(interval=interval), active=True, **fields)


async def scheduled(parts: Parts, deployment_id: str, **chosen: Any) -> list[flow_run_pb2.FlowRun]:
    return await parts.runs(deployment_ids=[deployment_id], state_types=[SCHEDULED], **chosen)


def due(run: flow_run_pb2.FlowRun) -> datetime.datetime:
    return run.expected_start_at.ToDatetime(datetime.UTC)


async def test_runs_to_come_can_be_seen_as_soon_as_there_is_a_schedule(parts: Parts, scheduler: Scheduler) -> None:
    schedule = cron("*/15 * * * *", slug="quarter", parameters=struct(n=2))
    applied = await scheduler.apply(
        content=content(parameters=struct(n=1, m=1), tags=["t"], version="7"), schedules=[schedule]
    )
    deployment = applied.deployment
    runs = await eventually(lambda: scheduled(parts, deployment.deployment_id))
    assert due(runs[-1]) - datetime.datetime.now(datetime.UTC) >= HOUR - 10 * SECOND
    assert {later - earlier for earlier, later in zip(map(due, runs), map(due, runs[1:]), strict=False)} == {HOUR / 4}
    run = runs[0]
    assert as_python(run.parameters) == {"n": 2, "m": 1}
    assert (list(run.tags), run.flow_version, run.auto_scheduled) == (["t"], "7", True)
    assert run.creator.kind == state_pb2.CREATOR_KIND_SCHEDULE
    assert run.creator.creator_id == deployment.schedules[0].schedule_id
    assert run.deployment_version_id == deployment.current_version_id
    (kept,) = (await scheduler.get(deployment.deployment_id)).schedules
    assert kept.next_at.ToDatetime(datetime.UTC) == due(run)


async def test_a_changed_schedule_has_the_runs_of_its_new_rule_only(parts: Parts, scheduler: Scheduler) -> None:
    applied = await scheduler.apply(schedules=[cron("7 * * * *", slug="a"), cron("8 * * * *", slug="b")])
    deployment_id = applied.deployment.deployment_id
    await eventually(lambda: _minutes(parts, deployment_id, {7, 8}))
    schedule_id = next(one.schedule_id for one in applied.deployment.schedules if one.slug == "a")
    await scheduler.deployments.UpdateSchedule(
        pb.UpdateScheduleRequest(
            schedule=pb.Schedule(schedule_id=schedule_id, rule=cron("9 * * * *").rule),
            update_mask=FieldMask(paths=["rule"]),
        )
    )
    # What was dropped is gone when the call returns.
    assert 7 not in {due(run).minute for run in await scheduled(parts, deployment_id)}
    await eventually(lambda: _minutes(parts, deployment_id, {8, 9}))
    await scheduler.deployments.DeleteSchedule(pb.DeleteScheduleRequest(schedule_id=schedule_id))
    assert {due(run).minute for run in await scheduled(parts, deployment_id)} == {8}


async def _minutes(parts: Parts, deployment_id: str, minutes: set[int]) -> bool:
    runs = await scheduled(parts, deployment_id)
    return {due(run).minute for run in runs} == minutes and len(runs) >= 3 * len(minutes)


async def test_a_pause_takes_the_runs_to_come_away_and_a_resume_brings_them_back(
    parts: Parts, scheduler: Scheduler
) -> None:
    deployment_id = (await scheduler.apply(schedules=[cron("0 * * * *")])).deployment.deployment_id
    by_hand = await scheduler.run(deployment_id, scheduled_at=(await _in_an_hour()))
    await eventually(lambda: _count(parts, deployment_id, 4))
    paused = await scheduler.deployments.PauseDeployment(pb.PauseDeploymentRequest(deployment_id=deployment_id))
    assert paused.deployment.paused
    # Runs that no schedule made stay.
    assert [run.flow_run_id for run in await scheduled(parts, deployment_id)] == [by_hand.flow_run_id]
    await scheduler.deployments.ResumeDeployment(pb.ResumeDeploymentRequest(deployment_id=deployment_id))
    await eventually(lambda: _count(parts, deployment_id, 4))


async def _in_an_hour() -> Any:
    request = pb.RunDeploymentRequest()
    request.scheduled_at.FromDatetime(datetime.datetime.now(datetime.UTC) + HOUR)
    return request.scheduled_at


async def _count(parts: Parts, deployment_id: str, number: int) -> bool:
    return len(await scheduled(parts, deployment_id)) == number


async def test_runs_to_come_are_of_the_current_version(parts: Parts, scheduler: Scheduler) -> None:
    schedules = [cron("0 * * * *", slug="a")]
    deployment_id = (await scheduler.apply(schedules=schedules)).deployment.deployment_id
    await eventually(lambda: _count(parts, deployment_id, 3))
    changed = await scheduler.apply(content=content(parameters=struct(n=2)), schedules=schedules)

    async def is_current() -> bool:
        runs = await scheduled(parts, deployment_id)
        return len(runs) == 3 and {run.deployment_version_id for run in runs} == {changed.deployment.current_version_id}

    await eventually(is_current)


async def test_every_slot_has_one_run_while_schedulers_come_and_go(database_url: str) -> None:
    async with running_parts(database_url, schedulers=2) as parts:
        first, second = parts.schedulers
        applied = await second.apply(schedules=[every(1)])
        deployment_id = applied.deployment.deployment_id
        await eventually(lambda: scheduled(parts, deployment_id))
        # Whoever holds the lease stops and another takes over, twice.
        await first.host.stop()
        third = await parts.start_scheduler()
        await _extend(database_url)
        await asyncio.sleep(1.5)
        await second.host.stop()
        await _extend(database_url)
        await asyncio.sleep(1.5)
        assert third.host.grpc_port

        async def is_contiguous() -> bool:
            runs = await parts.runs(deployment_ids=[deployment_id])
            times = [due(run) for run in runs]
            assert len(set(times)) == len(times), "a slot has two runs"
            return len(times) > 160 and times[-1] - times[0] == (len(times) - 1) * SECOND

        await eventually(is_contiguous, "a run for every slot")


async def _extend(database_url: str) -> None:
    """Have schedules make 50 runs more, as if some time had passed."""
    async with service_database(database_url, "scheduler") as database, database.connection() as connection:
        await connection.execute("update schedule set next_at = now(), upcoming_at = upcoming_at[51:]")


@pytest.mark.parametrize(
    ("catch_up", "hours"), [(pb.CATCH_UP_ALL, [3, 2, 1]), (pb.CATCH_UP_LATEST, [1]), (pb.CATCH_UP_SKIP, [])]
)
async def test_missed_slots_are_caught_up_with_by_policy(
    parts: Parts, scheduler: Scheduler, database: Database, catch_up: pb.CatchUp.ValueType, hours: list[int]
) -> None:
    now = datetime.datetime.now(datetime.UTC)
    # Half past the slot, whatever the clock shows, so that none is only a little late.
    schedule = every(3600, catch_up=catch_up)
    schedule.rule.interval.anchor_at.FromDatetime(now - HOUR / 2)
    deployment_id = (await scheduler.apply(schedules=[schedule])).deployment.deployment_id
    await eventually(lambda: _count(parts, deployment_id, 3))
    # The look that made them writes down how far it came after they are there; it must not do so after us.
    await eventually(lambda: _caught_up(database))
    async with database.connection() as connection:
        await connection.execute(
            "update schedule set cursor_at = $1, next_at = now(), upcoming_at = '{}'", now - 3 * HOUR
        )
    await eventually(lambda: _caught_up(database))
    past = [run for run in await parts.runs(deployment_ids=[deployment_id]) if due(run) < now]
    assert [round((now - due(run)) / HOUR + 0.5) for run in past] == hours
    # Runs that were there already were found, not made again.
    assert len(await parts.runs(deployment_ids=[deployment_id])) == len(hours) + 3


async def _caught_up(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval("select bool_and(next_at > now()) from schedule"))


class HeldState(StateClient):
    """The state service, whose answer to a creation may be held up."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel)
        self.creating = asyncio.Event()
        self.may_create = asyncio.Event()
        self.is_away = False

    async def create_runs(self, workspace_id: uuid.UUID, new: Sequence[NewRun]) -> list[CreatedRun]:
        self.creating.set()
        await self.may_create.wait()
        return await super().create_runs(workspace_id, new)

    async def set_limit(self, workspace_id: uuid.UUID, name: str, limit: int | None) -> None:
        if self.is_away:
            raise errors.Unavailable("it is away")
        await super().set_limit(workspace_id, name, limit)


@pytest.fixture
async def held(parts: Parts, database: Database) -> AsyncIterator[tuple[Workbench, HeldState]]:
    """A workbench of another scheduler, whose calls to the state service can be held up."""
    neighbours = Neighbours({"state": f"127.0.0.1:{parts.state_host.grpc_port}"}, parts.state_host.internal_token)
    async with Wakeups(None) as wakeups:
        state = HeldState(neighbours.channel("state"))
        store = SqlStore(database, wakeups)
        yield Workbench(store, state, ErrandRunner(store, state)), state
    await neighbours.close()


async def test_a_schedule_changed_while_its_runs_are_made_keeps_none_of_them(
    parts: Parts, scheduler: Scheduler, database: Database, held: tuple[Workbench, HeldState]
) -> None:
    bench, state = held
    applied = await scheduler.apply(schedules=[cron("7 * * * *", slug="a")])
    deployment_id = applied.deployment.deployment_id
    await eventually(lambda: _minutes(parts, deployment_id, {7}))
    # The look that made them writes down how far it came after they are there; it must not do so after us.
    await eventually(lambda: _caught_up(database))
    async with database.connection() as connection:
        # The scheduler under test is kept from looking by a lease that another holds.
        await connection.execute("update service_lease set holder = 'test', expires_at = now() + interval '1 h'")
        await connection.execute("update schedule set next_at = now() - interval '1 s', upcoming_at = '{}'")
    making = asyncio.create_task(make_due_runs(bench))
    await state.creating.wait()
    await scheduler.deployments.UpdateSchedule(
        pb.UpdateScheduleRequest(
            schedule=pb.Schedule(schedule_id=applied.deployment.schedules[0].schedule_id, rule=cron("9 * * * *").rule),
            update_mask=FieldMask(paths=["rule"]),
        )
    )
    state.may_create.set()
    assert await making == 1
    # Runs of the old rule were made after the change had dropped them, and are dropped again.
    assert {due(run).minute for run in await scheduled(parts, deployment_id)} <= {9}
    async with database.connection() as connection:
        await connection.execute("update service_lease set expires_at = '-infinity' where holder = 'test'")
    await eventually(lambda: _minutes(parts, deployment_id, {9}))


async def test_what_cannot_be_told_at_once_is_told_later(
    parts: Parts, scheduler: Scheduler, held: tuple[Workbench, HeldState]
) -> None:
    bench, state = held
    state.is_away = True
    actor = Actor(DEFAULT_WORKSPACE_ID, Creator())
    pool = await pools.create_pool(bench, actor, pools.GivenPool(name="pool", type="process", concurrency_limit=3))
    # The scheduler under test finds the errand that this one could not do.
    name = f"work-pool:{pool.work_pool_id}"
    await eventually(lambda: _limit(parts, name))


async def _limit(parts: Parts, name: str) -> bool:
    limits = concurrency_pb2_grpc.ConcurrencyServiceStub(parts.state_channel)
    response = await limits.ListConcurrencyLimits(concurrency_pb2.ListConcurrencyLimitsRequest(name_contains=name))
    return [found.limit for found in response.limits] == [3]


async def test_a_schedule_whose_runs_cannot_be_made_holds_no_other_up(
    parts: Parts, scheduler: Scheduler, database: Database
) -> None:
    broken = (await scheduler.apply("broken", schedules=[cron("1 * * * *")])).deployment.deployment_id
    await eventually(lambda: _minutes(parts, broken, {1}))
    async with database.connection() as connection:
        await connection.execute(
            "update deployment set flow_id = $1 where deployment_id = $2", uuid.uuid4(), uuid.UUID(broken)
        )
        await connection.execute(
            """
            update schedule
               set next_at = now() - interval '1 min',
                   upcoming_at = '{}',
                   cursor_at = cursor_at + interval '1 day'
            """
        )
    good = (await scheduler.apply("good", schedules=[cron("2 * * * *")])).deployment.deployment_id
    await eventually(lambda: _minutes(parts, good, {2}))


async def test_schedules_at_rest_are_not_looked_at(scheduler: Scheduler, database: Database) -> None:
    await scheduler.apply(schedules=[cron("0 0 1 1 *")])
    await eventually(lambda: _caught_up(database))
    async with database.connection() as connection:
        await connection.execute(
            """
            insert into schedule (schedule_id, workspace_id, deployment_id, slug, rule, active, cursor_at, next_at)
            select gen_random_uuid(), workspace_id, deployment_id, 's' || number, rule, true, cursor_at, next_at
              from schedule, generate_series(1, 5000) as number
            """
        )
        await connection.execute("analyze schedule")
        async with connection.transaction():
            await connection.execute("set local enable_seqscan = on")
            plan = "\n".join(row[0] for row in await connection.fetch("explain analyze " + SQL.list_due_schedules, 100))
        assert "schedule_next_idx" in plan, plan
        assert await connection.fetch(SQL.list_due_schedules, 100) == []
