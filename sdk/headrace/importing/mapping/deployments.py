"""Deployments with their schedules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration

from headrace.api.v1 import deployment_pb2
from headrace.importing.mapping.values import span, stamp, struct, text

_STRATEGIES = {
    "ENQUEUE": deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
    "CANCEL_NEW": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW,
}
_STEP_WORDS = frozenset({"id", "requires"})


def deployment(found: Mapping[str, Any], flow_name: str) -> tuple[deployment_pb2.ApplyDeploymentRequest, list[str]]:
    """Return a deployment, and what of it could not be carried over.

    Args:
        found: As the server tells it.
        flow_name: The name of its flow.
    """
    lost = []
    for field, words in (
        ("storage_document_id", "its storage block, a field of older clients"),
        ("infrastructure_document_id", "its infrastructure block, a field of older clients"),
    ):
        if found.get(field):
            lost.append(words)
    steps, lost_steps = _pull_steps(found.get("pull_steps") or [])
    schedules, lost_schedules = _schedules(found.get("schedules") or [])
    content = deployment_pb2.DeploymentContent(
        version=text(found.get("version"), 255),
        description=text(found.get("description")),
        tags=[text(tag) for tag in found.get("tags") or ()],
        labels=struct(found.get("labels")),
        entrypoint=text(found.get("entrypoint")),
        path=text(found.get("path")),
        pull_steps=steps,
        parameters=struct(found.get("parameters")),
        parameter_schema=struct(found.get("parameter_openapi_schema")),
        enforce_parameter_schema=bool(found.get("enforce_parameter_schema")),
        job_variables=struct(found.get("job_variables")),
        work_pool_name=text(found.get("work_pool_name")),
        work_queue_name=text(found.get("work_queue_name")) if found.get("work_pool_name") else "",
    )
    request = deployment_pb2.ApplyDeploymentRequest(
        deployment_id=str(found["id"]),
        flow_name=text(flow_name, 255),
        name=text(found["name"], 255),
        content=content,
        schedules=schedules,
        concurrency=_concurrency(found),
        paused=bool(found.get("paused")),
    )
    return request, [*lost, *lost_steps, *lost_schedules]


def _pull_steps(found: list[Any]) -> tuple[list[deployment_pb2.PullStep], list[str]]:
    steps, lost = [], []
    for place, step in enumerate(found):
        if not isinstance(step, Mapping) or len(step) != 1:
            lost.append(f"pull step {place + 1}, which is not one step with its inputs")
            continue
        [(name, given)] = step.items()
        inputs = given if isinstance(given, Mapping) else {}
        steps.append(
            deployment_pb2.PullStep(
                step=text(name),
                step_id=text(str(inputs.get("id") or "")),
                inputs=struct({key: value for key, value in inputs.items() if key not in _STEP_WORDS}),
            )
        )
        if inputs.get("requires"):
            lost.append(f"that pull step {place + 1} installs {inputs['requires']!r} where it is missing")
    return steps, lost


def _schedules(found: list[Mapping[str, Any]]) -> tuple[list[deployment_pb2.Schedule], list[str]]:
    schedules, lost = [], []
    for each in found:
        rule = rule_of(each.get("schedule") or {})
        if rule is None:
            lost.append(f"a schedule of a kind that is not known: {sorted(each.get('schedule') or {})}")
            continue
        schedules.append(
            deployment_pb2.Schedule(
                slug=text(each.get("slug"), 255),
                rule=rule,
                active=bool(each.get("active", True)),
                parameters=struct(each.get("parameters")),
            )
        )
    return schedules, lost


def rule_of(found: Mapping[str, Any]) -> deployment_pb2.ScheduleRule | None:
    """Return the rule of a schedule; None for a kind that is not known."""
    zone = text(found.get("timezone"))
    if found.get("cron"):
        day_or = bool(found.get("day_or", True))
        cron = deployment_pb2.CronRule(expression=text(found["cron"]), time_zone=zone, day_or=day_or)
        return deployment_pb2.ScheduleRule(cron=cron)
    if found.get("interval") is not None:
        interval = deployment_pb2.IntervalRule(
            every=span(float(found["interval"])), anchor_at=stamp(found.get("anchor_date")), time_zone=zone
        )
        return deployment_pb2.ScheduleRule(interval=interval)
    if found.get("rrule"):
        recurrence = deployment_pb2.RecurrenceRule(rule=text(found["rrule"]), time_zone=zone)
        return deployment_pb2.ScheduleRule(recurrence=recurrence)
    return None


def _concurrency(found: Mapping[str, Any]) -> deployment_pb2.DeploymentConcurrency | None:
    shared: Mapping[str, Any] = found.get("global_concurrency_limit") or {}
    options: Mapping[str, Any] = found.get("concurrency_options") or {}
    most = found.get("concurrency_limit")
    if most is None:
        most = shared.get("limit")
    if most is None and not options:
        return None
    name = text(shared.get("name"))
    grace: Duration | None = span(options.get("grace_period_seconds"))
    is_own = not name or name.startswith("deployment:")
    return deployment_pb2.DeploymentConcurrency(
        limit=most if is_own else None,
        strategy=_STRATEGIES.get(
            str(options.get("collision_strategy") or ""), deployment_pb2.CONCURRENCY_STRATEGY_UNSPECIFIED
        ),
        grace_period=grace,
        shared_limit_name="" if is_own else name,
    )
