"""Calendars that schedules name; what happens to runs that were made ahead and that nobody took; keys of runs."""

from __future__ import annotations

import datetime

import grpc
import pytest

from headrace.api.v1 import calendar_pb2, calendar_pb2_grpc
from headrace.api.v1 import deployment_pb2 as pb
from headrace_harness.state import CANCELLED, COMPLETED, a_state
from service.scheduler.parts import Parts, PlayedWorker, Scheduler, as_python, connected, eventually, struct


def calendars(scheduler: Scheduler) -> calendar_pb2_grpc.CalendarServiceAsyncStub:
    """Return the stub of the service."""
    return calendar_pb2_grpc.CalendarServiceStub(scheduler.channel)


async def apply(scheduler: Scheduler, **fields: object) -> calendar_pb2.ApplyCalendarResponse:
    """Apply a calendar."""
    wanted = calendar_pb2.Calendar(**fields)  # type: ignore[arg-type]
    return await calendars(scheduler).ApplyCalendar(calendar_pb2.ApplyCalendarRequest(calendar=wanted))


def daily(*calendar_names: str) -> pb.Schedule:
    """Return a schedule that runs every day at noon."""
    rule = pb.ScheduleRule(cron=pb.CronRule(expression="0 12 * * *"))
    return pb.Schedule(slug="daily", rule=rule, active=True, calendar_names=calendar_names)


async def test_a_calendar_is_kept_listed_and_refused_where_it_is_wrong(scheduler: Scheduler) -> None:
    made = await apply(scheduler, name="holidays", dates=["12-25"], time_zone="Europe/Berlin", description="none work")
    assert (made.created, list(made.calendar.dates)) == (True, ["12-25"])
    again = await apply(scheduler, name="holidays", dates=["12-25", "12-26"], time_zone="Europe/Berlin")
    assert (again.created, list(again.calendar.dates)) == (False, ["12-25", "12-26"])
    await apply(scheduler, name="weekends", weekdays=[6, 7])
    listed = await calendars(scheduler).ListCalendars(calendar_pb2.ListCalendarsRequest(page_size=1))
    assert [calendar.name for calendar in listed.calendars] == ["holidays"]
    rest = await calendars(scheduler).ListCalendars(
        calendar_pb2.ListCalendarsRequest(page_size=1, page_token=listed.next_page_token)
    )
    assert [calendar.name for calendar in rest.calendars] == ["weekends"]
    assert not rest.next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await apply(scheduler, name="wrong", dates=["someday"])
    assert "calendar.dates[0]" in str(caught.value.details())


async def test_runs_to_come_follow_the_calendars_of_their_schedule(parts: Parts) -> None:
    scheduler = parts.scheduler
    days = [datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=number) for number in range(1, 12)]
    await apply(scheduler, name="off", dates=[days[1].isoformat()])
    deployment_id = (await scheduler.apply(schedules=[daily("off")])).deployment.deployment_id

    async def are_on(*free: int) -> bool:
        runs = await parts.runs(deployment_ids=[deployment_id])
        on = {run.next_scheduled_start_at.ToDatetime().date() for run in runs}
        return len(on) >= 3 and on.isdisjoint(days[number] for number in free)

    await eventually(lambda: are_on(1), "runs beside the first calendar")
    changed = await apply(scheduler, name="off", dates=[days[2].isoformat(), days[3].isoformat()])
    assert changed.schedules == 1
    await eventually(lambda: are_on(2, 3), "runs beside the changed calendar")
    (kept,) = (await scheduler.get(deployment_id)).schedules
    assert list(kept.calendar_names) == ["off"]
    preview = await scheduler.deployments.PreviewSchedule(
        pb.PreviewScheduleRequest(schedule_id=kept.schedule_id, count=10)
    )
    assert {days[2], days[3]}.isdisjoint(moment.ToDatetime().date() for moment in preview.times)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await calendars(scheduler).DeleteCalendar(calendar_pb2.DeleteCalendarRequest(name="off"))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    await scheduler.apply(schedules=[daily()])
    await calendars(scheduler).DeleteCalendar(calendar_pb2.DeleteCalendarRequest(name="off"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await scheduler.apply(schedules=[daily("off")])
    assert "schedules[0].calendar_names[0]" in str(caught.value.details())


async def test_of_runs_that_nobody_took_only_the_latest_is_kept(parts: Parts) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    every = pb.IntervalRule()
    every.every.seconds = 2
    schedule = pb.Schedule(slug="often", rule=pb.ScheduleRule(interval=every), active=True, catch_up=pb.CATCH_UP_LATEST)
    applied = await scheduler.apply(pool="pool", schedules=[schedule])
    deployment_id = applied.deployment.deployment_id

    async def skipped() -> int:
        return len(await parts.runs(deployment_ids=[deployment_id], state_names=["Skipped"]))

    async def enough() -> bool:
        return await skipped() >= 2

    await eventually(enough, "two runs are skipped")
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=10)) as worker:
        await worker.until_given(1)
        due = await parts.runs(deployment_ids=[deployment_id], state_types=[CANCELLED])
        last_skipped = max(run.next_scheduled_start_at.seconds or run.expected_start_at.seconds for run in due)
        assert worker.given[0].flow_run.expected_start_at.seconds > last_skipped


async def test_runs_with_the_same_key_share_their_slots(parts: Parts) -> None:
    scheduler = parts.scheduler
    await scheduler.create_pool()
    concurrency = pb.DeploymentConcurrency(key="{{ customer.id }}", key_limit=1)
    applied = await scheduler.apply(pool="pool", concurrency=concurrency)
    assert applied.deployment.concurrency == pb.DeploymentConcurrency(
        key="{{ customer.id }}", key_limit=1, strategy=pb.CONCURRENCY_STRATEGY_ENQUEUE
    )
    deployment_id = applied.deployment.deployment_id
    async with connected(PlayedWorker(scheduler, pool="pool", capacity=10)) as worker:
        for customer in (1, 1, 1, 2):
            await scheduler.run(deployment_id, parameters=struct(customer={"id": customer}))
        await worker.until_given(2)
        by_customer = {
            as_python(one.flow_run.parameters)["customer"]["id"]: one.flow_run.flow_run_id for one in worker.given
        }
        assert by_customer.keys() == {1, 2}
        first = by_customer[1]
        await worker.begin(parts.state, first)
        await parts.state.propose(first, a_state(COMPLETED), worker.held[first].attempt.token)
        await worker.until_given(3)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await scheduler.apply("other", concurrency=pb.DeploymentConcurrency(key="no placeholder"))
    assert "concurrency.key" in str(caught.value.details())
