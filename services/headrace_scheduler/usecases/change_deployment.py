"""Deployments: applied, changed, paused, deleted."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Sequence

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.repository.wakeups import SCHEDULES
from headrace_scheduler.rules import errands as errand_rules
from headrace_scheduler.rules import keys
from headrace_scheduler.rules import schedule as schedule_rules
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.deployment import Concurrency, Content, Deployment, Version
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.schedule import GivenSchedule, Schedule
from headrace_scheduler.rules.versions import differs, digest
from headrace_scheduler.usecases import content as contents
from headrace_scheduler.usecases.calendars import with_calendars
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment shall be; None leaves a part as it is."""

    content: Content | None = None
    schedules: Sequence[GivenSchedule] | None = None
    concurrency: Concurrency | None = None
    paused: bool | None = None
    message: str = ""
    """What to say about a new version."""
    keep_current: bool = False
    """Whether a new version waits to be promoted."""
    version: Version | None = None
    """An earlier version to go back to, in place of content."""


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What came of applying a deployment."""

    deployment: Deployment
    created: bool
    version: Version
    """The version with the content that was applied."""
    new_version: bool


async def apply_deployment(
    bench: Workbench,
    actor: Actor,
    deployment_id: uuid.UUID | None,
    flow_name: str,
    name: str,
    wanted: Wanted,
    *,
    is_trial: bool = False,
) -> Applied:
    """Create a deployment, or bring the one with these names to what is wanted; a trial keeps nothing of it.

    Raises:
        errors.InvalidArgument: Something of it is wrong; violations name the fields.
        errors.AlreadyExists: The id is that of another deployment.
        errors.Unavailable: The state service, which knows the flows, does not answer.
    """
    assert wanted.content is not None, "whoever applies brings the whole content"
    contents.check_names(flow_name, name)
    contents.check_content(wanted.content)
    contents.check_schedules(wanted.content, wanted.schedules or ())
    _check_concurrency(wanted.concurrency)
    # A trial makes no flow either; a deployment that exists has its own.
    flow_id = uuid7() if is_trial else await bench.state.find_or_create_flow(actor.workspace_id, flow_name)

    async def work(unit: Unit) -> tuple[uuid.UUID, bool, Version, bool, list[Errand]]:
        given = wanted.schedules or ()
        named = [await with_calendars(unit, actor, one, f"schedules[{place}]") for place, one in enumerate(given)]
        resolved = dataclasses.replace(wanted, schedules=named if wanted.schedules is not None else None)
        current = await unit.deployments.load_by_name(actor.workspace_id, flow_name, name, lock=True)
        if current is None:
            version, errands = await _create(unit, actor, deployment_id or uuid7(), flow_id, flow_name, name, resolved)
            return version.deployment_id, True, version, True, errands
        version, is_new, errands = await _change(unit, actor, current, resolved)
        return current.deployment_id, False, version, is_new, errands

    async def trial(unit: Unit) -> Applied:
        found, created, version, is_new, _ = await work(unit)
        return Applied(await _load(unit, actor, found), created, version, is_new)

    if is_trial:
        return await bench.store.rehearse(trial)
    found, created, version, is_new, errands = await bench.store.run(work)
    await bench.errands.settle(errands)
    return Applied(await load_deployment(bench, actor, found), created, version, is_new)


async def update_deployment(
    bench: Workbench, actor: Actor, deployment_id: uuid.UUID, edit: Callable[[Deployment], Wanted]
) -> Deployment:
    """Change a deployment to what `edit` makes of it.

    Raises:
        errors.NotFound: There is none.
        errors.InvalidArgument: Something of what is wanted is wrong.
    """

    async def work(unit: Unit) -> list[Errand]:
        current = await _load(unit, actor, deployment_id, lock=True)
        wanted = edit(current)
        _check_concurrency(wanted.concurrency, "deployment.concurrency")
        if wanted.content is not None:
            contents.check_content(wanted.content)
            given = [schedule.given() for schedule in current.schedules]
            contents.check_schedules(wanted.content, given, "deployment.schedules")
        return (await _change(unit, actor, current, wanted))[2]

    await bench.errands.settle(await bench.store.run(work))
    return await load_deployment(bench, actor, deployment_id)


def _check_concurrency(concurrency: Concurrency | None, field: str = "concurrency") -> None:
    if concurrency is not None and concurrency.key:
        with refusing(field):
            keys.check(concurrency.key)


async def delete_deployment(bench: Workbench, actor: Actor, deployment_id: uuid.UUID) -> None:
    """Delete a deployment with its schedules; its runs that have not started are cancelled.

    Raises:
        errors.NotFound: There is none.
    """

    async def work(unit: Unit) -> list[Errand]:
        current = await _load(unit, actor, deployment_id, lock=True)
        await unit.deployments.delete(deployment_id)
        await unit.tell(Change(ChangeKind.DELETED, current))
        errands = [
            errand_rules.drop_runs(actor.workspace_id, deployment_id, all_runs=True),
            errand_rules.set_limit(actor.workspace_id, "deployment", deployment_id),
        ]
        for errand in errands:
            await unit.errands.add(errand)
        return errands

    await bench.errands.settle(await bench.store.run(work))


async def load_deployment(bench: Workbench, actor: Actor, deployment_id: uuid.UUID) -> Deployment:
    """Return a deployment.

    Raises:
        errors.NotFound: There is none.
    """
    return await bench.store.read(lambda unit: _load(unit, actor, deployment_id))


async def _load(unit: Unit, actor: Actor, deployment_id: uuid.UUID, *, lock: bool = False) -> Deployment:
    found = await unit.deployments.load(actor.workspace_id, deployment_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"there is no deployment {deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
    return found


async def _create(
    unit: Unit, actor: Actor, deployment_id: uuid.UUID, flow_id: uuid.UUID, flow_name: str, name: str, wanted: Wanted
) -> tuple[Version, list[Errand]]:
    assert wanted.content is not None
    now = await unit.now()
    concurrency = wanted.concurrency or Concurrency()
    is_paused = bool(wanted.paused)
    message = _message(wanted.content, wanted)
    version = Version(uuid7(), deployment_id, 1, wanted.content, actor.creator, now, is_current=True, message=message)
    deployment = Deployment(
        deployment_id=deployment_id,
        workspace_id=actor.workspace_id,
        flow_id=flow_id,
        flow_name=flow_name,
        name=name,
        version_id=version.version_id,
        version_number=1,
        content=wanted.content,
        paused=is_paused,
        concurrency=concurrency,
        placement=await contents.place_content(unit, actor.workspace_id, wanted.content),
        creator=actor.creator,
        created_at=now,
        updated_at=now,
        schedules=tuple(
            schedule_rules.begin(given, uuid7(), deployment_id, now, is_paused=is_paused)
            for given in wanted.schedules or ()
        ),
    )
    await unit.deployments.insert(deployment)
    await unit.deployments.insert_version(actor.workspace_id, version)
    for schedule in deployment.schedules:
        await unit.schedules.insert(actor.workspace_id, schedule)
    errands = []
    if concurrency.limit is not None:
        errands.append(errand_rules.set_limit(actor.workspace_id, "deployment", deployment_id))
        await unit.errands.add(errands[0])
    await unit.tell(Change(ChangeKind.CREATED, deployment))
    unit.wake(SCHEDULES)
    return version, errands


async def change_locked(unit: Unit, actor: Actor, current: Deployment, wanted: Wanted) -> list[Errand]:
    """Store what is wanted of a deployment that the unit has locked; return errands to settle.

    Raises:
        errors.InvalidArgument: Its pool or queue does not exist, or job variables do not fit the pool.
    """
    return (await _change(unit, actor, current, wanted))[2]


async def _change(unit: Unit, actor: Actor, current: Deployment, wanted: Wanted) -> tuple[Version, bool, list[Errand]]:
    """Store what is wanted; return the version with the wanted content, whether it is new, and errands to settle."""
    now = await unit.now()
    version, is_new = await _version(unit, actor, current, wanted, now)
    is_other = version.version_id != current.version_id and not wanted.keep_current
    content = version.content if is_other else current.content
    concurrency = wanted.concurrency if wanted.concurrency is not None else current.concurrency
    is_paused = wanted.paused if wanted.paused is not None else current.paused
    placement = current.placement
    if wanted.content is not None or is_other:
        # Also a version that waits has to fit where it will run.
        placement = await contents.place_content(unit, actor.workspace_id, version.content)
    changed = dataclasses.replace(current, concurrency=concurrency, paused=is_paused, updated_at=now)
    errands: list[Errand] = []
    if is_other:
        changed = dataclasses.replace(
            changed,
            content=content,
            placement=placement,
            version_id=version.version_id,
            version_number=version.number,
        )
    if concurrency.limit != current.concurrency.limit:
        errands.append(errand_rules.set_limit(actor.workspace_id, "deployment", current.deployment_id))
    # Runs to come carry what they are made of, so they are made anew when any of it changes.
    is_restarted = is_other or concurrency != current.concurrency or is_paused != current.paused
    if is_restarted and current.schedules:
        errands.append(errand_rules.drop_runs(actor.workspace_id, current.deployment_id))
    schedules, dropped = await _change_schedules(
        unit, changed, wanted.schedules, now, is_restarted=is_restarted, was_paused=current.paused
    )
    errands.extend(dropped)
    if not is_restarted and schedules == current.schedules:
        return version, is_new, []
    changed = dataclasses.replace(changed, schedules=schedules)
    await unit.deployments.update(changed)
    for errand in errands:
        await unit.errands.add(errand)
    await unit.tell(Change(ChangeKind.UPDATED, changed))
    unit.wake(SCHEDULES)
    return version, is_new, errands


async def _version(
    unit: Unit, actor: Actor, current: Deployment, wanted: Wanted, now: datetime.datetime
) -> tuple[Version, bool]:
    """Return the version with the wanted content, and whether it was made for it."""
    if wanted.version is not None:
        return wanted.version, False
    [latest] = await unit.deployments.list_versions(actor.workspace_id, current.deployment_id, None, 1)
    if wanted.content is None or not differs(current.content, wanted.content):
        if latest.version_id == current.version_id:
            return latest, False
        same = await unit.deployments.load_version(actor.workspace_id, current.version_id)
        assert same is not None, "the current version is never deleted"
        return same, False
    if wanted.keep_current and digest(latest.content) == digest(wanted.content):
        return latest, False
    version = Version(
        uuid7(),
        current.deployment_id,
        latest.number + 1,
        wanted.content,
        actor.creator,
        now,
        is_current=not wanted.keep_current,
        message=_message(wanted.content, wanted),
        former_number=current.version_number,
    )
    await unit.deployments.insert_version(actor.workspace_id, version)
    return version, True


def _message(content: Content, wanted: Wanted) -> str:
    return wanted.message or (content.version_info.message if content.version_info is not None else "")


async def _change_schedules(
    unit: Unit,
    deployment: Deployment,
    wanted: Sequence[GivenSchedule] | None,
    now: datetime.datetime,
    *,
    is_restarted: bool,
    was_paused: bool,
) -> tuple[tuple[Schedule, ...], list[Errand]]:
    """Bring the schedules of a deployment, which keep their identity by their slugs, to what is wanted."""
    is_paused = deployment.paused
    kept = {schedule.slug: schedule for schedule in deployment.schedules}
    given = (
        {one.slug: one for one in wanted} if wanted is not None else {slug: one.given() for slug, one in kept.items()}
    )
    result: list[Schedule] = []
    errands: list[Errand] = []
    for slug, schedule in kept.items():
        if slug not in given:
            await unit.schedules.delete(schedule.schedule_id)
            errands.append(_drop(deployment, schedule))
    for slug, one in given.items():
        before = kept.get(slug)
        if before is None:
            after = schedule_rules.begin(one, uuid7(), deployment.deployment_id, now, is_paused=is_paused)
            await unit.schedules.insert(deployment.workspace_id, after)
        elif one != before.given():
            after = schedule_rules.changed(before, one, now, is_paused=is_paused)
            await unit.schedules.update(after)
            errands.append(_drop(deployment, before))
        elif is_restarted:
            after = schedule_rules.restarted(before, now, is_paused=is_paused, was_paused=was_paused)
            await unit.schedules.update(after)
        else:
            after = before
        result.append(after)
    return tuple(result), errands


def _drop(deployment: Deployment, schedule: Schedule) -> Errand:
    return errand_rules.drop_runs(deployment.workspace_id, deployment.deployment_id, schedule.schedule_id)
