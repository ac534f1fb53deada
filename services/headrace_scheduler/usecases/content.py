"""Whether the content of a deployment is right, and where its runs wait."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import job_template, parameters, schedule
from headrace_scheduler.rules.deployment import Content, Placement
from headrace_scheduler.rules.faults import Fault, Invalid
from headrace_scheduler.rules.schedule import GivenSchedule
from headrace_scheduler.rules.work_pool import WorkPool, WorkQueue, check_name
from headrace_scheduler.usecases.workbench import refusing

_SLUG = re.compile(r"[a-z0-9]+([-_.]+[a-z0-9]+)*")


def check_names(flow_name: str, name: str) -> None:
    """Return if a deployment can have these names.

    Raises:
        errors.InvalidArgument: It cannot.
    """
    faults = [
        Fault(field, wrong)
        for field, text, what in (("flow_name", flow_name, "flow"), ("name", name, "deployment"))
        if (wrong := check_name(text, field, what)) is not None
    ]
    with refusing():
        if faults:
            raise Invalid(faults)


def check_content(content: Content) -> None:
    """Return if content is right in itself.

    Raises:
        errors.InvalidArgument: It is not.
    """
    with refusing("content"):
        parameters.check_schema(content.parameter_schema, "parameter_schema")
        parameters.check_size(content.parameters, "parameters")
        if content.enforce_parameter_schema:
            parameters.check_values(content.parameter_schema, content.parameters, "parameters", is_complete=False)
        if content.work_queue_name and not content.work_pool_name:
            raise Invalid.of_field("work_queue_name", "needs a work_pool_name")


def check_schedules(content: Content, given: Iterable[GivenSchedule], field: str = "schedules") -> None:
    """Return if schedules are right for a deployment with `content`.

    Raises:
        errors.InvalidArgument: One is not, or two have one slug.
    """
    slugs: set[str] = set()
    for place, one in enumerate(given):
        check_schedule(content, one, f"{field}[{place}]")
        with refusing(f"{field}[{place}]"):
            if one.slug in slugs:
                raise Invalid.of_field("slug", f"{one.slug!r} is there twice")
        slugs.add(one.slug)


def check_schedule(content: Content, given: GivenSchedule, field: str) -> None:
    """Return if a schedule is right for a deployment with `content`.

    Raises:
        errors.InvalidArgument: It is not.
    """
    with refusing(field):
        if not _SLUG.fullmatch(given.slug):
            raise Invalid.of_field(
                "slug", f"must have lower-case letters, digits, dashes, underscores and dots only, not {given.slug!r}"
            )
        schedule.check(given.terms)
        merged = {**content.parameters, **given.parameters}
        parameters.check_size(merged, "parameters")
        if content.enforce_parameter_schema:
            parameters.check_values(content.parameter_schema, merged, "parameters")


async def place(
    unit: Unit, workspace_id: uuid.UUID, pool_name: str, queue_name: str, field: str = "content"
) -> tuple[Placement, WorkPool, WorkQueue] | None:
    """Return the queue that is named, or the pool's default one; None if no pool is named.

    Raises:
        errors.InvalidArgument: The pool or the queue does not exist.
    """
    if not pool_name:
        return None
    pool = await unit.pools.load(workspace_id, pool_name)
    with refusing(field):
        if pool is None:
            advice = f"create it first, for example with 'headrace work-pool create {pool_name}'"
            raise Invalid.of_field("work_pool_name", f"there is no work pool {pool_name!r}; {advice}")
        queues = await unit.pools.list_queues(pool.work_pool_id)
        queue = next(
            (
                queue
                for queue in queues
                if (queue.name == queue_name if queue_name else queue.work_queue_id == pool.default_queue_id)
            ),
            None,
        )
        if queue is None:
            known = ", ".join(repr(queue.name) for queue in queues)
            raise Invalid.of_field(
                "work_queue_name", f"the work pool {pool_name!r} has no queue {queue_name!r}; it has {known}"
            )
    return Placement(pool.work_pool_id, pool.name, queue.work_queue_id, queue.name), pool, queue


async def place_content(unit: Unit, workspace_id: uuid.UUID, content: Content) -> Placement | None:
    """Return where runs of `content` wait, with its job variables checked against the pool.

    Raises:
        errors.InvalidArgument: The pool or the queue does not exist, or a job variable does not fit.
    """
    placed = await place(unit, workspace_id, content.work_pool_name, content.work_queue_name)
    if placed is None:
        return None
    placement, pool, _ = placed
    with refusing("content"):
        job_template.check_variables(pool.base_job_template, content.job_variables, "job_variables", is_complete=False)
    return placement
