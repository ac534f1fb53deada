"""Versions of deployments: found, compared, made current."""

from __future__ import annotations

import dataclasses
import uuid

from headrace import errors
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules.deployment import Content, Deployment, Version
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.versions import VersionChange, compare
from headrace_scheduler.usecases import content as contents
from headrace_scheduler.usecases.change_deployment import Wanted, change_locked, load_deployment
from headrace_scheduler.usecases.workbench import Actor, Workbench


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions and what differs."""

    before: Version | None
    """None if the later is the first."""
    after: Version
    changes: tuple[VersionChange, ...]


async def load_version(bench: Workbench, actor: Actor, version_id: uuid.UUID) -> Comparison:
    """Return a version beside the one that it replaced.

    Raises:
        errors.NotFound: There is none.
    """
    found = await bench.store.read(lambda unit: unit.deployments.load_version(actor.workspace_id, version_id))
    if found is None:
        raise errors.NotFound(f"there is no version {version_id}", reason="DEPLOYMENT_VERSION_NOT_FOUND")
    return await compare_versions(bench, actor, found.deployment_id, 0, found.number)


async def compare_versions(
    bench: Workbench, actor: Actor, deployment_id: uuid.UUID, from_number: int, to_number: int
) -> Comparison:
    """Return two versions of a deployment and what differs.

    Args:
        bench: What to work with.
        actor: For whom.
        deployment_id: Of which deployment.
        from_number: The earlier version; 0 is the one that the later replaced.
        to_number: The later version; 0 is the current one.

    Raises:
        errors.NotFound: There is no such deployment or version.
    """

    async def work(unit: Unit) -> tuple[Version | None, Version]:
        deployment = await _load(unit, actor, deployment_id)
        after = await _numbered(unit, deployment, to_number or deployment.version_number)
        number = from_number or after.former_number
        return await _numbered(unit, deployment, number) if number else None, after

    before, after = await bench.store.read(work)
    earlier = before.content if before is not None else Content()
    return Comparison(before, after, compare(earlier, after.content))


async def make_current(
    bench: Workbench, actor: Actor, deployment_id: uuid.UUID, number: int
) -> tuple[Deployment, Version]:
    """Make a version of a deployment current: one that waits, or an earlier one again.

    Args:
        bench: What to work with.
        actor: For whom.
        deployment_id: Of which deployment.
        number: Which version; 0 is the one that the current version replaced.

    Raises:
        errors.NotFound: There is no such deployment or version.
        errors.FailedPrecondition: The current version is the first, so there is none to go back to.
        errors.InvalidArgument: What the version needs, such as its work pool, is no longer there, or schedules have
            parameters that do not fit it.
    """

    async def work(unit: Unit) -> list[Errand]:
        current = await _load(unit, actor, deployment_id, lock=True)
        wanted = number
        if not wanted:
            wanted = (await _numbered(unit, current, current.version_number)).former_number
        if not wanted:
            raise errors.FailedPrecondition("the current version is the first", reason="NO_FORMER_VERSION")
        version = await _numbered(unit, current, wanted)
        if version.is_current:
            return []
        contents.check_schedules(version.content, [schedule.given() for schedule in current.schedules])
        return await change_locked(unit, actor, current, Wanted(version=version))

    await bench.errands.settle(await bench.store.run(work))
    deployment = await load_deployment(bench, actor, deployment_id)
    return deployment, await bench.store.read(lambda unit: _numbered(unit, deployment, deployment.version_number))


async def _load(unit: Unit, actor: Actor, deployment_id: uuid.UUID, *, lock: bool = False) -> Deployment:
    found = await unit.deployments.load(actor.workspace_id, deployment_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"there is no deployment {deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
    return found


async def _numbered(unit: Unit, deployment: Deployment, number: int) -> Version:
    found = await unit.deployments.load_numbered(deployment.workspace_id, deployment.deployment_id, number)
    if found is None:
        raise errors.NotFound(
            f"{deployment.flow_name}/{deployment.name} has no version {number}", reason="DEPLOYMENT_VERSION_NOT_FOUND"
        )
    return found
