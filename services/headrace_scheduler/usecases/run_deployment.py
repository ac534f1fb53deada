"""Starting a run of a deployment."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.ids import uuid7
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules import job_template, parameters
from headrace_scheduler.rules.deployment import Content, Creator, Deployment, RetryPolicy
from headrace_scheduler.rules.faults import Invalid
from headrace_scheduler.rules.runs import CreatedRun, NewRun
from headrace_scheduler.rules.work_pool import WorkPool, WorkQueue
from headrace_scheduler.usecases import content as contents
from headrace_scheduler.usecases.workbench import Actor, Workbench, refusing


@dataclasses.dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that somebody wants of a deployment."""

    deployment_id: uuid.UUID
    version_id: uuid.UUID | None = None
    flow_run_id: uuid.UUID | None = None
    name: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    job_variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    scheduled_at: datetime.datetime | None = None
    idempotency_key: str = ""
    tags: tuple[str, ...] = ()
    labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    context: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    work_queue_name: str = ""
    parent_task_run_id: uuid.UUID | None = None
    parent_flow_run_id: uuid.UUID | None = None
    retry_policy: RetryPolicy | None = None
    keyed_limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Slots of limits, by name, that the run shares with others, beside those of its deployment."""
    enforces_schema: bool | None = None
    """Whether parameters have to fit the schema; None: as the deployment says."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Origin:
    """What runs are made of."""

    deployment: Deployment
    version_id: uuid.UUID
    content: Content
    pool: WorkPool | None
    work_queue: WorkQueue | None


async def run_deployment(bench: Workbench, actor: Actor, request: RunRequest) -> CreatedRun:
    """Create a scheduled run of a deployment; parameters and the like go on top of the deployment's.

    Raises:
        errors.NotFound: There is no such deployment or version.
        errors.InvalidArgument: Parameters, job variables or the queue are wrong.
        errors.Unavailable: The state service does not answer.
    """
    origin = await bench.store.read(lambda unit: _origin(unit, actor, request))
    with refusing():
        run = _new_run(origin, actor, request)
    (created,) = await bench.state.create_runs(actor.workspace_id, [run])
    return created


async def run_in_bulk(bench: Workbench, actor: Actor, requests: Sequence[RunRequest]) -> list[CreatedRun]:
    """Create up to 1,000 runs of one deployment and version in one transaction, in the given order.

    Raises:
        errors.NotFound: There is no such deployment or version.
        errors.InvalidArgument: Parameters or job variables of a run are wrong; no run is made then.
        errors.Unavailable: The state service does not answer.
    """
    origin = await bench.store.read(lambda unit: _origin(unit, actor, requests[0]))
    new = []
    for place, request in enumerate(requests):
        with refusing(f"runs[{place}]"):
            new.append(_new_run(origin, actor, request))
    return await bench.state.create_runs(actor.workspace_id, new)


async def _origin(unit: Unit, actor: Actor, request: RunRequest) -> _Origin:
    deployment = await unit.deployments.load(actor.workspace_id, request.deployment_id)
    if deployment is None:
        raise errors.NotFound(f"there is no deployment {request.deployment_id}", reason="DEPLOYMENT_NOT_FOUND")
    content, version_id = deployment.content, deployment.version_id
    placement = deployment.placement
    if request.version_id is not None and request.version_id != version_id:
        version = await unit.deployments.load_version(actor.workspace_id, request.version_id)
        if version is None or version.deployment_id != deployment.deployment_id:
            raise errors.NotFound(
                f"the deployment has no version {request.version_id}", reason="DEPLOYMENT_VERSION_NOT_FOUND"
            )
        content, version_id = version.content, version.version_id
        placement = await contents.place_content(unit, actor.workspace_id, content)
        deployment = dataclasses.replace(deployment, placement=placement)
    if placement is None:
        with refusing():
            if request.work_queue_name:
                raise Invalid.of_field(
                    "work_queue_name", "the deployment runs in the process that serves it, not in a pool"
                )
        return _Origin(deployment, version_id, content, None, None)
    queue_name = request.work_queue_name or placement.work_queue_name
    placed = await contents.place(unit, actor.workspace_id, placement.work_pool_name, queue_name, field="")
    if placed is None:
        raise errors.FailedPrecondition(f"there is no work pool {placement.work_pool_name}", reason="NO_WORK_POOL")
    return _Origin(deployment, version_id, content, placed[1], placed[2])


def _new_run(origin: _Origin, actor: Actor, request: RunRequest) -> NewRun:
    deployment, content = origin.deployment, origin.content
    given = {**content.parameters, **request.parameters}
    parameters.check_size(given, "parameters")
    enforces = content.enforce_parameter_schema if request.enforces_schema is None else request.enforces_schema
    if enforces:
        parameters.check_values(content.parameter_schema, given, "parameters")
    job_variables = job_template.merged(content.job_variables, request.job_variables)
    if origin.pool is not None:
        job_template.check_variables(origin.pool.base_job_template, job_variables, "job_variables", is_complete=True)
    concurrency = deployment.concurrency
    return NewRun(
        flow_run_id=request.flow_run_id or uuid7(),
        deployment=deployment,
        version_id=origin.version_id,
        flow_version=content.version,
        name=request.name,
        scheduled_at=request.scheduled_at,
        parameters=given,
        job_variables=job_variables,
        context=request.context,
        tags=tuple(dict.fromkeys((*content.tags, *request.tags))),
        labels={**content.labels, **request.labels},
        retry_policy=request.retry_policy or content.retry_policy,
        creator=_creator(actor, request),
        idempotency_key=request.idempotency_key,
        parent_task_run_id=request.parent_task_run_id,
        parent_flow_run_id=request.parent_flow_run_id,
        work_queue=origin.work_queue,
        limits=(concurrency.shared_limit_name,) if concurrency.shared_limit_name else (),
        strategy=concurrency.strategy,
        worker_labels=content.worker_labels,
        keyed_limits={**deployment.keyed_limits(given), **request.keyed_limits},
    )


def _creator(actor: Actor, request: RunRequest) -> Creator:
    if request.parent_flow_run_id is not None:
        return Creator("FLOW_RUN", str(request.parent_flow_run_id), "")
    return actor.creator
