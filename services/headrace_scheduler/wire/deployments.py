"""Deployments and their versions to and from the wire."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from headrace.api.v1 import deployment_pb2 as pb
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_scheduler.rules.deployment import (
    Concurrency,
    Content,
    Creator,
    Deployment,
    DeploymentFilter,
    PullStep,
    RetryPolicy,
    Status,
    Strategy,
    Version,
    VersionInfo,
)
from headrace_scheduler.rules.versions import Difference, VersionChange, digest
from headrace_scheduler.wire import schedules, values

_STRATEGIES = {
    pb.CONCURRENCY_STRATEGY_UNSPECIFIED: Strategy.ENQUEUE,
    pb.CONCURRENCY_STRATEGY_ENQUEUE: Strategy.ENQUEUE,
    pb.CONCURRENCY_STRATEGY_CANCEL_NEW: Strategy.CANCEL_NEW,
    pb.CONCURRENCY_STRATEGY_CANCEL_RUNNING: Strategy.CANCEL_RUNNING,
}
_RETRY_KINDS = {
    flow_run_pb2.RETRY_KIND_UNSPECIFIED: "",
    flow_run_pb2.RETRY_KIND_IN_PROCESS: "IN_PROCESS",
    flow_run_pb2.RETRY_KIND_RESCHEDULE: "RESCHEDULE",
}
_STATUSES = {
    Status.READY: pb.DEPLOYMENT_STATUS_READY,
    Status.NOT_READY: pb.DEPLOYMENT_STATUS_NOT_READY,
    Status.PAUSED: pb.DEPLOYMENT_STATUS_NOT_READY,
}


def to_content(message: pb.DeploymentContent) -> Content:
    """Return the content that a user gives.

    Raises:
        errors.InvalidArgument: A value cannot be read.
    """
    info = message.version_info
    return Content(
        version=message.version,
        description=message.description,
        tags=tuple(dict.fromkeys(message.tags)),
        labels=values.to_object(message.labels, "content.labels"),
        entrypoint=message.entrypoint,
        path=message.path,
        pull_steps=tuple(
            PullStep(step.step, step.step_id, values.to_object(step.inputs, f"content.pull_steps[{place}].inputs"))
            for place, step in enumerate(message.pull_steps)
        ),
        parameters=values.to_object(message.parameters, "content.parameters"),
        parameter_schema=values.to_object(message.parameter_schema, "content.parameter_schema"),
        enforce_parameter_schema=message.enforce_parameter_schema,
        job_variables=values.to_object(message.job_variables, "content.job_variables"),
        work_pool_name=message.work_pool_name,
        work_queue_name=message.work_queue_name,
        retry_policy=to_retry_policy(message.retry_policy) if message.HasField("retry_policy") else None,
        version_info=VersionInfo(info.type, info.revision, info.branch, info.message, info.url)
        if message.HasField("version_info")
        else None,
        worker_labels=values.to_object(message.worker_labels, "content.worker_labels"),
    )


def from_content(content: Content) -> pb.DeploymentContent:
    """Return content as a message."""
    info = content.version_info
    return pb.DeploymentContent(
        version=content.version,
        description=content.description,
        tags=content.tags,
        labels=values.from_object(content.labels),
        entrypoint=content.entrypoint,
        path=content.path,
        pull_steps=[
            pb.PullStep(step=step.step, step_id=step.step_id, inputs=values.from_object(step.inputs))
            for step in content.pull_steps
        ],
        parameters=values.from_object(content.parameters),
        parameter_schema=values.from_object(content.parameter_schema),
        enforce_parameter_schema=content.enforce_parameter_schema,
        job_variables=values.from_object(content.job_variables),
        work_pool_name=content.work_pool_name,
        work_queue_name=content.work_queue_name,
        retry_policy=from_retry_policy(content.retry_policy),
        version_info=pb.VersionInfo(
            type=info.type, revision=info.revision, branch=info.branch, message=info.message, url=info.url
        )
        if info is not None
        else None,
        worker_labels=values.from_object(content.worker_labels),
    )


def to_retry_policy(message: flow_run_pb2.RetryPolicy) -> RetryPolicy:
    """Return a retry policy."""
    return RetryPolicy(
        retries=message.retries,
        delay_seconds=tuple(message.delay_seconds),
        jitter_factor=message.jitter_factor,
        infrastructure_retries=message.infrastructure_retries,
        kind=_RETRY_KINDS.get(message.kind, ""),
    )


def from_retry_policy(policy: RetryPolicy | None) -> flow_run_pb2.RetryPolicy | None:
    """Return a retry policy as a message; None leaves it unset."""
    if policy is None:
        return None
    kind = f"RETRY_KIND_{policy.kind or 'UNSPECIFIED'}"
    return flow_run_pb2.RetryPolicy(
        retries=policy.retries,
        delay_seconds=policy.delay_seconds,
        jitter_factor=policy.jitter_factor,
        infrastructure_retries=policy.infrastructure_retries,
        kind=flow_run_pb2.RetryKind.Value(kind),
    )


def to_concurrency(message: pb.DeploymentConcurrency) -> Concurrency:
    """Return concurrency settings.

    Raises:
        errors.InvalidArgument: The grace period is negative.
    """
    return Concurrency(
        limit=message.limit if message.HasField("limit") else None,
        strategy=_STRATEGIES.get(message.strategy, Strategy.ENQUEUE),
        grace_seconds=values.to_seconds(message, "grace_period"),
        shared_limit_name=message.shared_limit_name,
        key=message.key,
        key_limit=message.key_limit if message.HasField("key_limit") else None,
    )


def from_concurrency(concurrency: Concurrency) -> pb.DeploymentConcurrency:
    """Return concurrency settings as a message."""
    return pb.DeploymentConcurrency(
        limit=concurrency.limit,
        strategy=strategy_number(concurrency.strategy),
        grace_period=values.from_seconds(concurrency.grace_seconds),
        shared_limit_name=concurrency.shared_limit_name,
        key=concurrency.key,
        key_limit=concurrency.key_limit,
    )


def strategy_number(strategy: Strategy) -> pb.ConcurrencyStrategy.ValueType:
    """Return a strategy as the contract numbers it."""
    return pb.ConcurrencyStrategy.Value(f"CONCURRENCY_STRATEGY_{strategy}")


def from_creator(creator: Creator) -> state_pb2.Creator:
    """Return who made something as a message."""
    return state_pb2.Creator(
        kind=state_pb2.CreatorKind.Value(f"CREATOR_KIND_{creator.kind or 'UNSPECIFIED'}"),
        creator_id=creator.creator_id,
        display_name=creator.display_name,
    )


def from_deployment(deployment: Deployment, now: datetime.datetime | None = None) -> pb.Deployment:
    """Return a deployment as a message.

    Args:
        deployment: The deployment.
        now: The present time, for when its schedules make their next runs.
    """
    moment = now or datetime.datetime.now(datetime.UTC)
    return pb.Deployment(
        deployment_id=str(deployment.deployment_id),
        flow_id=str(deployment.flow_id),
        flow_name=deployment.flow_name,
        name=deployment.name,
        content=from_content(deployment.content),
        current_version_id=str(deployment.version_id),
        version_number=deployment.version_number,
        paused=deployment.paused,
        status=_STATUSES[deployment.status],
        schedules=[
            schedules.from_schedule(schedule, moment, is_paused=deployment.paused) for schedule in deployment.schedules
        ],
        concurrency=from_concurrency(deployment.concurrency),
        creator=from_creator(deployment.creator),
        created_at=values.from_time(deployment.created_at),
        updated_at=values.from_time(deployment.updated_at),
        work_pool_id=str(deployment.placement.work_pool_id) if deployment.placement is not None else "",
        work_queue_id=str(deployment.placement.work_queue_id) if deployment.placement is not None else "",
    )


def from_version(version: Version, changes: Iterable[VersionChange] = ()) -> pb.DeploymentVersion:
    """Return a version as a message, with what differs from the one that it replaced."""
    return pb.DeploymentVersion(
        deployment_version_id=str(version.version_id),
        deployment_id=str(version.deployment_id),
        number=version.number,
        content=from_content(version.content),
        creator=from_creator(version.creator),
        created_at=values.from_time(version.created_at),
        current=version.is_current,
        digest=digest(version.content),
        message=version.message,
        former_number=version.former_number,
        changes=from_changes(changes),
    )


def from_changes(changes: Iterable[VersionChange]) -> list[pb.VersionChange]:
    """Return differences between versions as messages."""
    return [
        pb.VersionChange(
            path=change.path,
            kind=pb.VersionChangeKind.Value(f"VERSION_CHANGE_KIND_{change.kind}"),
            before=None if change.kind is Difference.ADDED else values.from_json(change.before),
            after=None if change.kind is Difference.REMOVED else values.from_json(change.after),
        )
        for change in changes
    ]


def to_filter(message: pb.DeploymentFilter) -> DeploymentFilter:
    """Return which deployments a list is about.

    Raises:
        errors.InvalidArgument: An id cannot be read.
    """
    return DeploymentFilter(
        deployment_ids=values.to_ids(message.deployment_ids, "filter.deployment_ids"),
        flow_ids=values.to_ids(message.flow_ids, "filter.flow_ids"),
        names=tuple(message.names),
        name_contains=message.name_contains,
        tags_all=tuple(message.tags_all),
        tags_any=tuple(message.tags_any),
        tags_none=tuple(message.tags_none),
        labels=values.to_object(message.labels, "filter.labels"),
        work_pool_names=tuple(message.work_pool_names),
        work_queue_names=tuple(message.work_queue_names),
        paused=message.paused if message.HasField("paused") else None,
        has_concurrency_limit=message.has_concurrency_limit if message.HasField("has_concurrency_limit") else None,
        scheduled=message.scheduled if message.HasField("scheduled") else None,
    )
