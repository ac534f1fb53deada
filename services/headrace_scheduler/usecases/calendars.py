"""Calendars: applied, deleted; schedules that name them follow."""

from __future__ import annotations

import dataclasses

from headrace import errors
from headrace_scheduler.repository.calendars import StoredCalendar
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.repository.wakeups import SCHEDULES
from headrace_scheduler.rules import calendar as calendar_rules
from headrace_scheduler.rules import errands as errand_rules
from headrace_scheduler.rules import schedule as schedule_rules
from headrace_scheduler.rules.calendar import Calendar
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.work_pool import check_name
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing


async def apply_calendar(bench: Workbench, actor: Actor, wanted: Calendar) -> tuple[StoredCalendar, bool, int]:
    """Store a calendar; runs to come of the schedules that name it are made anew.

    Returns:
        The calendar, whether it is new, and how many schedules were touched.

    Raises:
        errors.InvalidArgument: Something of it is wrong.
    """
    with refusing("calendar"):
        if (wrong := check_name(wanted.name, "name", "calendar")) is not None:
            raise Invalid.of_field("name", wrong)
        calendar_rules.check(wanted)

    async def work(unit: Unit) -> tuple[bool, int, list[Errand]]:
        before = await unit.calendars.load_stored(actor.workspace_id, wanted.name)
        if before is not None and before.calendar == wanted:
            return False, 0, []
        is_new = await unit.calendars.store(actor.workspace_id, wanted)
        errands = []
        for deployment_id in await unit.calendars.list_deployments(actor.workspace_id, wanted.name):
            deployment = await unit.deployments.load(actor.workspace_id, deployment_id, lock=True)
            now = await unit.now()
            for schedule in deployment.schedules if deployment is not None else ():
                if wanted.name in schedule.terms.calendar_names and deployment is not None:
                    await unit.schedules.update(
                        schedule_rules.restarted(schedule, now, is_paused=deployment.paused, was_paused=False)
                    )
                    errands.append(errand_rules.drop_runs(actor.workspace_id, deployment_id, schedule.schedule_id))
        for errand in errands:
            await unit.errands.add(errand)
        unit.wake(SCHEDULES)
        return is_new, len(errands), errands

    is_new, touched, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return await load_calendar(bench, actor, wanted.name), is_new, touched


async def load_calendar(bench: Workbench, actor: Actor, name: str) -> StoredCalendar:
    """Return a calendar.

    Raises:
        errors.NotFound: There is none.
    """
    found = await bench.store.read(lambda unit: unit.calendars.load_stored(actor.workspace_id, name))
    if found is None:
        raise errors.NotFound(f"there is no calendar {name!r}", reason="CALENDAR_NOT_FOUND")
    return found


async def delete_calendar(bench: Workbench, actor: Actor, name: str) -> None:
    """Delete a calendar.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: Schedules name it.
    """
    await load_calendar(bench, actor, name)

    async def work(unit: Unit) -> None:
        if using := await unit.calendars.list_deployments(actor.workspace_id, name):
            raise errors.FailedPrecondition(
                f"schedules of {len(using)} deployments name the calendar {name!r}; take it from them first",
                reason="CALENDAR_IN_USE",
            )
        await unit.calendars.delete(actor.workspace_id, name)

    await bench.store.run(work)


async def with_calendars(
    unit: Unit, actor: Actor, given: schedule_rules.GivenSchedule, field: str
) -> schedule_rules.GivenSchedule:
    """Return a schedule with the calendars that it names.

    Raises:
        errors.InvalidArgument: One does not exist.
    """
    names = given.terms.calendar_names
    if not names:
        return given
    known = await unit.calendars.load(actor.workspace_id, names)
    with refusing(field):
        for place, name in enumerate(names):
            if name not in known:
                raise Invalid.of_field(f"calendar_names[{place}]", f"there is no calendar {name!r}; create it first")
    terms = dataclasses.replace(given.terms, calendars=tuple(known[name] for name in names))
    return dataclasses.replace(given, terms=terms)
