"""Deployments."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import concurrency_pb2, deployment_pb2, state_pb2
from headrace_prefect.shapes import limits, scalars
from headrace_prefect.shapes.schedules import schedule_json
from headrace_prefect.shapes.schemas import as_given

WORKER_LABELS = {"client": "prefect"}
"""What runs of Prefect's deployments ask of their workers: others could not load their flows."""
KEPT_LABEL = "prefect.kept."
"""How labels begin that keep what only Prefect's client wants to know."""
STRATEGIES = {
    "ENQUEUE": deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
    "CANCEL_NEW": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW,
    "CANCEL_RUNNING": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_RUNNING,
}

_STRATEGY_NAMES = {number: name for name, number in STRATEGIES.items()}
_CREATORS = {
    state_pb2.CREATOR_KIND_SCHEDULE: "SCHEDULE",
    state_pb2.CREATOR_KIND_AUTOMATION: "AUTOMATION",
}


def deployment_json(
    deployment: deployment_pb2.Deployment, queue_id: str | None, limit: concurrency_pb2.ConcurrencyLimit | None
) -> dict[str, Any]:
    """Return a deployment.

    Args:
        deployment: The deployment.
        queue_id: The queue that its runs wait in, None without a pool.
        limit: How many of its runs there may be at a time, None for any number.
    """
    content = deployment.content
    labels = scalars.of_struct(content.labels)
    kept = {name.removeprefix(KEPT_LABEL): labels.pop(name) for name in list(labels) if name.startswith(KEPT_LABEL)}
    return {
        "id": deployment.deployment_id,
        "created": scalars.moment(deployment, "created_at"),
        "updated": scalars.moment(deployment, "updated_at"),
        "name": deployment.name,
        "version": scalars.word(content.version),
        "description": scalars.word(content.description),
        "flow_id": deployment.flow_id,
        "paused": deployment.paused,
        "schedules": [schedule_json(schedule) for schedule in deployment.schedules],
        "concurrency_limit": None,
        "global_concurrency_limit": limits.shape(limit) if limit is not None else None,
        "concurrency_options": _options(deployment.concurrency),
        "job_variables": scalars.of_struct(content.job_variables),
        "parameters": scalars.of_struct(content.parameters),
        "tags": list(content.tags),
        "labels": labels,
        "work_queue_name": scalars.word(content.work_queue_name) or ("default" if content.work_pool_name else None),
        "work_queue_id": queue_id,
        "last_polled": scalars.moment(deployment, "updated_at") if is_ready(deployment) else None,
        "parameter_openapi_schema": _schema(content),
        "path": scalars.word(content.path),
        "pull_steps": [pull_step_json(step) for step in content.pull_steps] or None,
        "entrypoint": scalars.word(content.entrypoint),
        "storage_document_id": kept.get("storage_document_id"),
        "infrastructure_document_id": kept.get("infrastructure_document_id"),
        "created_by": creator_json(deployment.creator),
        "updated_by": None,
        "work_pool_name": scalars.word(content.work_pool_name),
        "status": "READY" if is_ready(deployment) else "NOT_READY",
        "enforce_parameter_schema": content.enforce_parameter_schema,
    }


def is_ready(deployment: deployment_pb2.Deployment) -> bool:
    """Return whether somebody is there to run a deployment."""
    return deployment.status == deployment_pb2.DEPLOYMENT_STATUS_READY


def pull_step_json(step: deployment_pb2.PullStep) -> dict[str, Any]:
    """Return a step that is done before a flow is loaded."""
    inputs = scalars.of_struct(step.inputs)
    if step.step_id and "id" not in inputs:
        inputs["id"] = step.step_id
    return {step.step: inputs}


def creator_json(creator: state_pb2.Creator) -> dict[str, Any] | None:
    """Return who made something, None if that is not known."""
    if not creator.creator_id:
        return None
    return {
        "id": creator.creator_id if len(creator.creator_id) == 36 else None,
        "type": _CREATORS.get(creator.kind, "USER"),
        "display_value": scalars.word(creator.display_name),
    }


def _options(concurrency: deployment_pb2.DeploymentConcurrency) -> dict[str, Any] | None:
    grace = scalars.seconds(concurrency, "grace_period")
    is_usual = concurrency.strategy in (
        deployment_pb2.CONCURRENCY_STRATEGY_UNSPECIFIED,
        deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
    )
    if is_usual and grace is None and not concurrency.HasField("limit"):
        return None
    return {
        "collision_strategy": _STRATEGY_NAMES.get(concurrency.strategy, "ENQUEUE"),
        "grace_period_seconds": int(grace) if grace is not None else None,
    }


def _schema(content: deployment_pb2.DeploymentContent) -> dict[str, Any]:
    return as_given(scalars.of_struct(content.parameter_schema)) or {"type": "object", "properties": {}}
