"""Deployments in requests."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace_prefect.bodies import fields, schedules
from headrace_prefect.bodies.fields import Body, Field, Fields, Wrong
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.deployments import KEPT_LABEL, STRATEGIES, WORKER_LABELS
from headrace_prefect.shapes.schemas import opened

_OPTIONS: Fields = {
    "collision_strategy": Field(fields.one_of(STRATEGIES), required=True),
    "grace_period_seconds": Field(fields.at_least(60)),
}


def pull_step(value: Any) -> deployment_pb2.PullStep:
    """Take a step: an object with one key, which says what to do, and its inputs."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Wrong("A step is an object with one key", "value_error")
    [(step, inputs)] = value.items()
    if inputs is not None and not isinstance(inputs, dict):
        raise Wrong("The inputs of a step are an object", "dict_type", (step,))
    step_id = (inputs or {}).get("id")
    return deployment_pb2.PullStep(
        step=step, step_id=step_id if isinstance(step_id, str) else "", inputs=scalars.to_struct(inputs or {})
    )


CHANGE_FIELDS: Fields = {
    "version": Field(fields.string),
    "paused": Field(fields.boolean),
    "schedules": Field(fields.list_of(schedules.schedule_change)),
    "concurrency_limit": Field(fields.at_least(1)),
    "concurrency_options": Field(fields.nested(_OPTIONS)),
    "global_concurrency_limit_id": Field(fields.identifier),
    "description": Field(fields.string),
    "parameters": Field(fields.json_object),
    "parameter_openapi_schema": Field(fields.json_object),
    "tags": Field(fields.strings),
    "labels": Field(fields.json_object),
    "work_queue_name": Field(fields.string),
    "work_pool_name": Field(fields.string),
    "path": Field(fields.string),
    "job_variables": Field(fields.json_object),
    "pull_steps": Field(fields.list_of(pull_step)),
    "entrypoint": Field(fields.string),
    "storage_document_id": Field(fields.identifier),
    "infrastructure_document_id": Field(fields.identifier),
    "enforce_parameter_schema": Field(fields.boolean),
    "version_info": Field(fields.json_object),
}
FIELDS: Fields = {
    **CHANGE_FIELDS,
    "name": Field(fields.name, required=True),
    "flow_id": Field(fields.identifier, required=True),
    "schedules": Field(fields.list_of(schedules.schedule)),
}


def new_content() -> deployment_pb2.DeploymentContent:
    """Return what a deployment has of which a request says nothing."""
    return deployment_pb2.DeploymentContent(
        enforce_parameter_schema=True,
        parameter_schema=scalars.to_struct(opened({"type": "object", "properties": {}})),
        worker_labels=scalars.to_struct(WORKER_LABELS),
        # What crashed stays crashed: Prefect's client decides about it.
        retry_policy=flow_run_pb2.RetryPolicy(infrastructure_retries=-1),
    )


_TEXTS = {
    "version": "version",
    "description": "description",
    "work_queue_name": "work_queue_name",
    "work_pool_name": "work_pool_name",
    "path": "path",
    "entrypoint": "entrypoint",
}
_OBJECTS = {
    "parameters": "parameters",
    "job_variables": "job_variables",
}
_KEPT = ("storage_document_id", "infrastructure_document_id")


def fill(content: deployment_pb2.DeploymentContent, body: Body) -> None:
    """Set in `content` what a body gives of it, be it null."""
    for name in body.given:
        value = body[name]
        if name in _TEXTS:
            setattr(content, _TEXTS[name], value or "")
        elif name == "parameter_openapi_schema":
            content.parameter_schema.CopyFrom(scalars.to_struct(opened(value or {})))
        elif name in _OBJECTS:
            getattr(content, _OBJECTS[name]).CopyFrom(scalars.to_struct(value or {}))
        elif name == "enforce_parameter_schema":
            content.enforce_parameter_schema = True if value is None else value
        elif name == "tags":
            del content.tags[:]
            content.tags.extend(dict.fromkeys(value or ()))
        elif name == "pull_steps":
            del content.pull_steps[:]
            content.pull_steps.extend(value or ())
        elif name == "version_info":
            content.version_info.CopyFrom(_version_info(value or {}))
    _fill_labels(content, body)
    if body["work_pool_name"] is not None and "work_queue_name" not in body.given:
        content.work_queue_name = ""


def _fill_labels(content: deployment_pb2.DeploymentContent, body: Body) -> None:
    before = scalars.of_struct(content.labels)
    labels = {name: value for name, value in before.items() if name.startswith(KEPT_LABEL)}
    labels |= (body["labels"] or {}) if "labels" in body.given else before
    for name in _KEPT:
        if name in body.given:
            labels.pop(KEPT_LABEL + name, None)
            if body[name] is not None:
                labels[KEPT_LABEL + name] = body[name]
    if labels != before:
        content.labels.CopyFrom(scalars.to_struct(labels))


def _version_info(value: dict[str, Any]) -> deployment_pb2.VersionInfo:
    def text(*names: str) -> str:
        return next((found for name in names if isinstance(found := value.get(name), str)), "")

    return deployment_pb2.VersionInfo(
        type=text("type"),
        revision=text("version", "commit_sha"),
        branch=text("branch"),
        message=text("message"),
        url=text("url"),
    )


def fill_concurrency(concurrency: deployment_pb2.DeploymentConcurrency, body: Body, shared_limit_name: str) -> None:
    """Set in `concurrency` what a body gives of it, be it null.

    Args:
        concurrency: What is to be filled.
        body: The body.
        shared_limit_name: The name of the limit that it names by its id, empty if it names none.
    """
    if "concurrency_limit" in body.given:
        concurrency.ClearField("limit")
        if body["concurrency_limit"] is not None:
            concurrency.limit = body["concurrency_limit"]
    if "global_concurrency_limit_id" in body.given:
        concurrency.shared_limit_name = shared_limit_name
    if "concurrency_options" in body.given:
        options = body["concurrency_options"]
        concurrency.ClearField("strategy")
        concurrency.ClearField("grace_period")
        if options is not None:
            concurrency.strategy = STRATEGIES[options["collision_strategy"]]
            if options["grace_period_seconds"] is not None:
                concurrency.grace_period.FromSeconds(options["grace_period_seconds"])
