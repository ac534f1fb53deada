"""Deployments with their schedules, in the form in which Prefect's clients read and change them here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace.importing.mapping.values import plain, span, stamp, struct, text

_STRATEGIES = {
    "ENQUEUE": deployment_pb2.CONCURRENCY_STRATEGY_ENQUEUE,
    "CANCEL_NEW": deployment_pb2.CONCURRENCY_STRATEGY_CANCEL_NEW,
}
WORKER_LABELS = {"client": "prefect"}
"""What runs ask of their workers: those of Prefect, for others could not load their flows."""
KEPT_LABEL = "prefect.kept."
"""How labels begin that keep what only Prefect's clients want to know."""
UNNAMED = "unnamed-"
"""How slugs begin that stand for none."""

_NO_PARAMETERS = {"type": "object", "properties": {}}


def deployment(found: Mapping[str, Any], flow_name: str) -> tuple[deployment_pb2.ApplyDeploymentRequest, list[str]]:
    """Return a deployment, and what of it could not be carried over.

    Args:
        found: As the server tells it.
        flow_name: The name of its flow.
    """
    lost = []
    labels = dict(found.get("labels") or {})
    for field in ("storage_document_id", "infrastructure_document_id"):
        if found.get(field):
            labels[KEPT_LABEL + field] = str(found[field])
            lost.append(f"the block that it names by {field}, a field of older clients")
    steps, lost_steps = _pull_steps(found.get("pull_steps") or [])
    schedules, lost_schedules = _schedules(found.get("schedules") or [])
    content = deployment_pb2.DeploymentContent(
        version=text(found.get("version"), 255),
        description=text(found.get("description")),
        tags=[text(tag) for tag in found.get("tags") or ()],
        labels=struct(labels),
        entrypoint=text(found.get("entrypoint")),
        path=text(found.get("path")),
        pull_steps=steps,
        parameters=struct(found.get("parameters")),
        parameter_schema=struct(found.get("parameter_openapi_schema") or _NO_PARAMETERS),
        enforce_parameter_schema=bool(found.get("enforce_parameter_schema")),
        job_variables=struct(found.get("job_variables")),
        work_pool_name=text(found.get("work_pool_name")),
        work_queue_name=text(found.get("work_queue_name")) if found.get("work_pool_name") else "",
        worker_labels=struct(WORKER_LABELS),
        # What crashed stays crashed: Prefect's client decides about it.
        retry_policy=flow_run_pb2.RetryPolicy(infrastructure_retries=-1),
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
                inputs=struct(inputs),
            )
        )
    return steps, lost


def _schedules(found: list[Mapping[str, Any]]) -> tuple[list[deployment_pb2.Schedule], list[str]]:
    schedules, lost = [], []
    taken = {text(each.get("slug"), 255) for each in found}
    for each in found:
        rule = rule_of(each.get("schedule") or {})
        if rule is None:
            lost.append(f"a schedule of a kind that is not known: {sorted(each.get('schedule') or {})}")
            continue
        schedules.append(
            deployment_pb2.Schedule(
                slug=text(each.get("slug"), 255) or _made_up_slug(rule, each.get("parameters") or {}, taken),
                rule=rule,
                active=bool(each.get("active", True)),
                parameters=struct(each.get("parameters")),
            )
        )
        taken.add(schedules[-1].slug)
    return schedules, lost


def _made_up_slug(rule: deployment_pb2.ScheduleRule, parameters: Mapping[str, Any], taken: Collection[str]) -> str:
    # The same as for one that a client of Prefect applies here, so that it is still the same schedule then.
    content = rule.SerializeToString(deterministic=True) + orjson.dumps(plain(parameters), option=orjson.OPT_SORT_KEYS)
    slug = numbered = UNNAMED + hashlib.sha256(content).hexdigest()[:16]
    number = 2
    while numbered in taken:
        numbered, number = f"{slug}-{number}", number + 1
    return numbered


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
    is_own = not name or name.startswith("deployment:")
    return deployment_pb2.DeploymentConcurrency(
        limit=most if is_own else None,
        strategy=_STRATEGIES.get(
            str(options.get("collision_strategy") or ""), deployment_pb2.CONCURRENCY_STRATEGY_UNSPECIFIED
        ),
        grace_period=span(options.get("grace_period_seconds")),
        shared_limit_name="" if is_own else name,
    )
