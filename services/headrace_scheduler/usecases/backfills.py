"""Backfills as people handle them: created, paused, resumed, cancelled, retried."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.repository.wakeups import BACKFILLS
from headrace_scheduler.rules import backfill as rules
from headrace_scheduler.rules import parameters as parameter_rules
from headrace_scheduler.rules import schedule as schedule_rules
from headrace_scheduler.rules.backfill import Backfill, Item, ItemState, Order, Progress, Status
from headrace_scheduler.rules.changes import Change, ChangeKind
from headrace_scheduler.rules.deployment import Content, Deployment
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.schedule import Rule, Terms
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing

_CHECKED_AT_ONCE = 100
"""Parameters that are checked before others get their turn."""


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """The times that a backfill makes up for."""

    start: datetime.datetime
    until: datetime.datetime
    schedule_slug: str = ""
    rule: Rule | None = None
    slot_parameter: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class WantedBackfill:
    """A backfill as a user wants it."""

    deployment_id: uuid.UUID
    backfill_id: uuid.UUID | None = None
    version_id: uuid.UUID | None = None
    name: str = ""
    range: Range | None = None
    matrix: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    order: Order = Order.ASC
    concurrency: int = 0


async def plan_backfill(bench: Workbench, actor: Actor, wanted: WantedBackfill) -> tuple[Backfill, list[Item]]:
    """Return a backfill and its runs, without making anything.

    Raises:
        errors.NotFound: There is no such deployment or version.
        errors.InvalidArgument: There is nothing to run, too much, or parameters do not fit the schema.
    """
    deployment, version_id, content = await bench.store.read(lambda unit: _load_content(unit, actor, wanted))
    with refusing():
        slots, slot_parameter = None, ""
        values: Mapping[str, Any] = wanted.parameters
        if wanted.range is not None:
            terms, of_schedule = _terms(deployment, wanted.range)
            slots = rules.slots_between(terms, wanted.range.start, wanted.range.until)
            slot_parameter = wanted.range.slot_parameter
            values = {**of_schedule, **values}
        items = rules.items(slots, wanted.matrix, values, slot_parameter, wanted.order)
    await _check(content, items)
    now = await bench.store.read(lambda unit: unit.now())
    backfill = Backfill(
        backfill_id=wanted.backfill_id or uuid7(),
        workspace_id=actor.workspace_id,
        deployment_id=deployment.deployment_id,
        version_id=version_id,
        name=wanted.name or f"{deployment.name} {now:%Y-%m-%d %H:%M:%S}",
        status=Status.RUNNING,
        message="",
        concurrency=wanted.concurrency,
        order=wanted.order,
        creator=actor.creator,
        created_at=now,
        updated_at=now,
        progress=Progress({ItemState.WAITING: len(items)}),
    )
    return backfill, items


async def create_backfill(bench: Workbench, actor: Actor, wanted: WantedBackfill) -> Backfill:
    """Create a backfill, which begins at once; or find the one with the same id.

    Raises:
        errors.NotFound, errors.InvalidArgument: See `plan_backfill`.
    """
    backfill, items = await plan_backfill(bench, actor, wanted)

    async def work(unit: Unit) -> None:
        if await unit.backfills.insert(backfill, items):
            await unit.tell(Change(ChangeKind.CREATED, backfill))
            unit.wake(BACKFILLS)

    await bench.store.run(work)
    return await load_backfill(bench, actor, backfill.backfill_id)


async def load_backfill(bench: Workbench, actor: Actor, backfill_id: uuid.UUID) -> Backfill:
    """Return a backfill with its progress.

    Raises:
        errors.NotFound: There is none.
    """
    return await bench.store.read(lambda unit: _load(unit, actor, backfill_id))


async def pause_backfill(bench: Workbench, actor: Actor, backfill_id: uuid.UUID) -> Backfill:
    """Make no further runs.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: It is over, or is being cancelled.
    """
    return await _turn(bench, actor, backfill_id, (Status.RUNNING, Status.PAUSED), Status.PAUSED)


async def resume_backfill(bench: Workbench, actor: Actor, backfill_id: uuid.UUID) -> Backfill:
    """Let a paused backfill go on.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: It is over, or is being cancelled.
    """
    return await _turn(bench, actor, backfill_id, (Status.RUNNING, Status.PAUSED), Status.RUNNING)


async def cancel_backfill(bench: Workbench, actor: Actor, backfill_id: uuid.UUID) -> Backfill:
    """Make no further runs and cancel those that are made.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: It is over.
    """
    open_ = (Status.RUNNING, Status.PAUSED, Status.CANCELLING)
    return await _turn(bench, actor, backfill_id, open_, Status.CANCELLING)


async def _turn(
    bench: Workbench, actor: Actor, backfill_id: uuid.UUID, allowed: Sequence[Status], status: Status
) -> Backfill:
    async def work(unit: Unit) -> None:
        current = await _load(unit, actor, backfill_id, lock=True)
        if current.status not in allowed:
            raise errors.FailedPrecondition(f"the backfill is {current.status}", reason="BACKFILL_STATUS")
        if current.status is status:
            return
        if status is Status.CANCELLING:
            await unit.backfills.cancel_waiting(backfill_id)
        await _store_status(unit, dataclasses.replace(current, status=status, message=""))

    await bench.store.run(work)
    return await load_backfill(bench, actor, backfill_id)


async def retry_backfill(bench: Workbench, actor: Actor, backfill_id: uuid.UUID) -> tuple[Backfill, int]:
    """Make runs again of those that are over and did not complete; return how many.

    Raises:
        errors.NotFound: There is none.
        errors.FailedPrecondition: It is being cancelled.
    """

    async def work(unit: Unit) -> int:
        current = await _load(unit, actor, backfill_id, lock=True)
        if current.status is Status.CANCELLING:
            raise errors.FailedPrecondition("the backfill is being cancelled", reason="BACKFILL_STATUS")
        reopened = await unit.backfills.reopen_items(backfill_id)
        if reopened:
            status = Status.PAUSED if current.status is Status.PAUSED else Status.RUNNING
            await _store_status(unit, dataclasses.replace(current, status=status, message="", ended_at=None))
        return reopened

    reopened = await bench.store.run(work)
    return await load_backfill(bench, actor, backfill_id), reopened


async def _store_status(unit: Unit, changed: Backfill) -> None:
    await unit.backfills.set_status(changed)
    await unit.tell(Change(ChangeKind.STATUS, changed))
    unit.wake(BACKFILLS)


async def _load(unit: Unit, actor: Actor, backfill_id: uuid.UUID, *, lock: bool = False) -> Backfill:
    found = await unit.backfills.load(actor.workspace_id, backfill_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"there is no backfill {backfill_id}", reason="BACKFILL_NOT_FOUND")
    return found


async def _load_content(unit: Unit, actor: Actor, wanted: WantedBackfill) -> tuple[Deployment, uuid.UUID, Content]:
    deployment = await unit.deployments.load(actor.workspace_id, wanted.deployment_id)
    if deployment is None:
        raise errors.NotFound(f"there is no deployment {wanted.deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
    if wanted.version_id is None:
        return deployment, deployment.version_id, deployment.content
    version = await unit.deployments.load_version(actor.workspace_id, wanted.version_id)
    if version is None or version.deployment_id != deployment.deployment_id:
        raise errors.NotFound(
            f"the deployment has no version {wanted.version_id}", reason="DEPLOYMENT_VERSION_NOT_FOUND"
        )
    return deployment, version.version_id, version.content


def _terms(deployment: Deployment, wanted: Range) -> tuple[Terms, Mapping[str, Any]]:
    """Return the terms of the times to make up for, and the parameters of their schedule."""
    if wanted.rule is not None:
        terms = Terms(wanted.rule)
        try:
            schedule_rules.check(terms)
        except Invalid as error:
            raise error.under("range") from None
        return terms, {}
    slug = wanted.schedule_slug
    found = [schedule for schedule in deployment.schedules if not slug or schedule.slug == slug]
    if len(found) == 1:
        return found[0].terms, found[0].parameters
    known = ", ".join(repr(schedule.slug) for schedule in deployment.schedules) or "none"
    what = f"is needed; the deployment has {known}" if not slug else f"names no schedule; the deployment has {known}"
    raise Invalid.of_field("range.schedule_slug", what)


async def _check(content: Content, items: Sequence[Item]) -> None:
    for place, item in enumerate(items):
        if place % _CHECKED_AT_ONCE == _CHECKED_AT_ONCE - 1:
            await asyncio.sleep(0)
        values = {**content.parameters, **item.parameters}
        with refusing(f"runs[{place}]"):
            parameter_rules.check_size(values, "parameters")
            if content.enforce_parameter_schema:
                parameter_rules.check_values(content.parameter_schema, values, "parameters")
