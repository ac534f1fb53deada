"""Schedules of a deployment, one by one."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.repository.wakeups import SCHEDULES
from headrace_scheduler.rules import errands as errand_rules
from headrace_scheduler.rules import lookahead
from headrace_scheduler.rules import schedule as schedule_rules
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.deployment import Deployment
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.schedule import GivenSchedule, Schedule
from headrace_scheduler.usecases import content as contents
from headrace_scheduler.usecases.calendars import with_calendars
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing

MOST_SCHEDULES = 100


async def create_schedule(
    bench: Workbench, actor: Actor, deployment_id: uuid.UUID, given: GivenSchedule
) -> tuple[Schedule, Deployment]:
    """Add a schedule to a deployment.

    Raises:
        errors.NotFound: There is no such deployment.
        errors.InvalidArgument: The schedule is wrong.
        errors.AlreadyExists: The deployment has one with this slug.
        errors.ResourceExhausted: The deployment has as many as it may have.
    """

    async def work(unit: Unit) -> tuple[Schedule, Deployment]:
        deployment = await unit.deployments.load(actor.workspace_id, deployment_id, lock=True)
        if deployment is None:
            raise errors.NotFound(f"there is no deployment {deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
        if len(deployment.schedules) >= MOST_SCHEDULES:
            raise errors.ResourceExhausted(f"a deployment has at most {MOST_SCHEDULES} schedules")
        contents.check_schedule(deployment.content, given, "schedule")
        named = await with_calendars(unit, actor, given, "schedule")
        now = await unit.now()
        schedule = schedule_rules.begin(named, uuid7(), deployment_id, now, is_paused=deployment.paused)
        await unit.schedules.insert(actor.workspace_id, schedule)
        await _touch(unit, deployment, (*deployment.schedules, schedule), now)
        return schedule, deployment

    return await bench.store.run(work)


async def update_schedule(
    bench: Workbench, actor: Actor, schedule_id: uuid.UUID, edit: Callable[[Schedule], GivenSchedule]
) -> tuple[Schedule, Deployment]:
    """Change a schedule to what `edit` makes of it. Its runs to come are dropped and made anew.

    Raises:
        errors.NotFound: There is none.
        errors.InvalidArgument: What is wanted is wrong.
        errors.AlreadyExists: Another schedule of the deployment has the new slug.
    """

    async def work(unit: Unit) -> tuple[Schedule, Deployment, list[Errand]]:
        before, deployment = await _lock(unit, actor, schedule_id)
        given = await with_calendars(unit, actor, edit(before), "schedule")
        if given == before.given():
            return before, deployment, []
        contents.check_schedule(deployment.content, given, "schedule")
        now = await unit.now()
        after = schedule_rules.changed(before, given, now, is_paused=deployment.paused)
        await unit.schedules.update(after)
        schedules = tuple(after if one.schedule_id == schedule_id else one for one in deployment.schedules)
        errand = errand_rules.drop_runs(actor.workspace_id, deployment.deployment_id, schedule_id)
        await unit.errands.add(errand)
        await _touch(unit, deployment, schedules, now)
        return after, deployment, [errand]

    schedule, deployment, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return schedule, deployment


async def delete_schedule(bench: Workbench, actor: Actor, schedule_id: uuid.UUID) -> None:
    """Delete a schedule with its runs that have not started.

    Raises:
        errors.NotFound: There is none.
    """

    async def work(unit: Unit) -> list[Errand]:
        before, deployment = await _lock(unit, actor, schedule_id)
        await unit.schedules.delete(schedule_id)
        errand = errand_rules.drop_runs(actor.workspace_id, before.deployment_id, schedule_id)
        await unit.errands.add(errand)
        left = tuple(one for one in deployment.schedules if one.schedule_id != schedule_id)
        await _touch(unit, deployment, left, await unit.now())
        return [errand]

    await bench.errands.settle(await bench.store.run(work))


async def preview_schedule(
    bench: Workbench,
    actor: Actor,
    schedule: uuid.UUID | GivenSchedule,
    start: datetime.datetime | None,
    count: int,
) -> list[datetime.datetime]:
    """Return when the next runs of a schedule would be due.

    Args:
        bench: What to work with.
        actor: For whom.
        schedule: One that is kept, by its id, or one that is only thought of.
        start: From when on, itself included; None is now.
        count: How many.

    Raises:
        errors.NotFound: There is no such schedule.
        errors.InvalidArgument: The schedule that is thought of is wrong.
    """
    now = await bench.store.read(lambda unit: unit.now())
    if isinstance(schedule, uuid.UUID):
        known = await bench.store.read(lambda unit: unit.schedules.load(actor.workspace_id, schedule))
        if known is None:
            raise _not_found(schedule)
    else:
        with refusing("schedule"):
            schedule_rules.check(schedule.terms)
        thought_of = await bench.store.read(lambda unit: with_calendars(unit, actor, schedule, "schedule"))
        nobody = uuid.UUID(int=0)
        known = schedule_rules.begin(thought_of, nobody, nobody, now, is_paused=False)
    after = now if start is None else start - datetime.timedelta(microseconds=1)
    return lookahead.preview(known, after, count)


async def _lock(unit: Unit, actor: Actor, schedule_id: uuid.UUID) -> tuple[Schedule, Deployment]:
    """Lock the deployment of a schedule, which is what all changes of its schedules lock, and return both."""
    found = await unit.schedules.load(actor.workspace_id, schedule_id)
    if found is not None:
        deployment = await unit.deployments.load(actor.workspace_id, found.deployment_id, lock=True)
        for schedule in deployment.schedules if deployment is not None else ():
            if schedule.schedule_id == schedule_id:
                assert deployment is not None
                return schedule, deployment
    raise _not_found(schedule_id)


def _not_found(schedule_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"there is no schedule {schedule_id}", reason="SCHEDULE_NOT_FOUND")


async def _touch(unit: Unit, deployment: Deployment, schedules: tuple[Schedule, ...], now: datetime.datetime) -> None:
    after = dataclasses.replace(deployment, schedules=schedules, updated_at=now)
    await unit.deployments.update(after)
    await unit.tell(Change(ChangeKind.UPDATED, after))
    unit.wake(SCHEDULES)
