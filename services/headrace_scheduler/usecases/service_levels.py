"""Service levels: set, and looked after."""

from __future__ import annotations

import dataclasses
import datetime
import logging
import uuid
from collections.abc import Sequence

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import service_level as rules
from headrace_scheduler.rules.changes import Violation
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.service_level import Breach, GivenLevel, Kind, ServiceLevel
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing

logger = logging.getLogger(__name__)

MOST_LEVELS = 100
"""Service levels of one look."""
KEPT_SECONDS = 90 * 86_400.0
"""How long it is known what broke a promise."""


async def set_service_levels(
    bench: Workbench, actor: Actor, deployment_id: uuid.UUID, wanted: Sequence[GivenLevel]
) -> list[ServiceLevel]:
    """Bring the service levels of a deployment to the wanted ones; one that keeps its name keeps its identity.

    Raises:
        errors.NotFound: There is no such deployment.
        errors.InvalidArgument: Two have one name.
    """
    with refusing():
        names: set[str] = set()
        for place, level in enumerate(wanted):
            if level.name in names:
                raise Invalid.of_field(f"service_levels[{place}].name", f"{level.name!r} is there twice")
            names.add(level.name)

    async def work(unit: Unit) -> None:
        if await unit.deployments.load(actor.workspace_id, deployment_id, lock=True) is None:
            raise errors.NotFound(f"there is no deployment {deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
        now = await unit.now()
        known = {level.name: level for level in await unit.service_levels.list_of(actor.workspace_id, deployment_id)}
        await unit.service_levels.delete([level.service_level_id for name, level in known.items() if name not in names])
        for given in wanted:
            before = known.get(given.name)
            if before is None or _given(before) != given:
                await unit.service_levels.store(_level(actor, deployment_id, given, before, now))

    await bench.store.run(work)
    return await list_service_levels(bench, actor, deployment_id)


async def list_service_levels(bench: Workbench, actor: Actor, deployment_id: uuid.UUID) -> list[ServiceLevel]:
    """Return the service levels of a deployment by name."""
    return await bench.store.read(lambda unit: unit.service_levels.list_of(actor.workspace_id, deployment_id))


def _given(level: ServiceLevel) -> GivenLevel:
    return GivenLevel(level.name, level.kind, level.within_seconds, level.severity, level.disabled)


def _level(
    actor: Actor, deployment_id: uuid.UUID, given: GivenLevel, before: ServiceLevel | None, now: datetime.datetime
) -> ServiceLevel:
    return ServiceLevel(
        service_level_id=before.service_level_id if before is not None else uuid7(),
        workspace_id=actor.workspace_id,
        deployment_id=deployment_id,
        name=given.name,
        kind=given.kind,
        within_seconds=given.within_seconds,
        severity=given.severity,
        disabled=given.disabled,
        since=now,
        checked_at=now,
        violated_at=before.violated_at if before is not None else None,
        created_at=before.created_at if before is not None else now,
    )


async def check_service_levels(bench: Workbench) -> int:
    """Look whether promises were broken, and tell of those that were; return at how many it looked.

    Raises:
        errors.Unavailable: The state service or the database does not answer; nothing is lost.
    """
    due, now = await bench.store.read(lambda unit: unit.service_levels.list_due(MOST_LEVELS))
    for level in due:
        await _store(bench, level, await _breaches(bench, level, now), now)
    return len(due)


async def _breaches(bench: Workbench, level: ServiceLevel, now: datetime.datetime) -> list[Breach]:
    workspace_id, deployment_id = level.workspace_id, level.deployment_id
    if level.kind is Kind.FREQUENCY:
        latest = await bench.state.latest_completed(workspace_id, deployment_id)
        found = [rules.silence(level, latest, now)]
    else:
        judge = rules.late_completion if level.kind is Kind.COMPLETION else rules.late_start
        # Those that are open, and those that were until the last look.
        runs = await bench.state.runs_to_judge(
            workspace_id,
            deployment_id,
            started=level.kind is Kind.COMPLETION,
            open_since=now - level.within,
            over_since=level.checked_at,
        )
        found = [judge(level, run, now) for run in runs]
    return [breach for breach in found if breach is not None]


async def _store(bench: Workbench, level: ServiceLevel, breaches: Sequence[Breach], now: datetime.datetime) -> None:
    async def work(unit: Unit) -> None:
        deployment = await unit.deployments.load(level.workspace_id, level.deployment_id)
        for breach in breaches:
            if deployment is not None and await unit.service_levels.add_violation(
                level.service_level_id, breach.subject, now
            ):
                logger.info("the service level %s of %s: %s", level.name, deployment.name, breach.message)
                violated = dataclasses.replace(level, violated_at=now)
                await unit.tell_violation(Violation(violated, deployment, breach, now))
        await unit.service_levels.checked(level.service_level_id, now, level.next_check_after(now))

    await bench.store.run(work)


async def forget_violations(bench: Workbench) -> int:
    """Forget what was broken long ago; return how many."""
    return await bench.store.run(lambda unit: unit.service_levels.forget_violations(KEPT_SECONDS))
