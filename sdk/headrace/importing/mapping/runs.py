"""Flow runs and task runs that have ended, with their histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import deployment_pb2, flow_run_pb2, run_import_pb2, state_pb2, task_run_pb2
from headrace.importing.mapping import states
from headrace.importing.mapping.ids import Ids
from headrace.importing.mapping.values import span, stamp, struct, text

_CREATORS = {
    "SCHEDULE": state_pb2.CREATOR_KIND_SCHEDULE,
    "AUTOMATION": state_pb2.CREATOR_KIND_AUTOMATION,
    "USER": state_pb2.CREATOR_KIND_USER,
    "SERVICE_ACCOUNT": state_pb2.CREATOR_KIND_SERVICE_ACCOUNT,
    "BOT": state_pb2.CREATOR_KIND_SERVICE_ACCOUNT,
}
_RETRIES = {
    "in_process": flow_run_pb2.RETRY_KIND_IN_PROCESS,
    "reschedule": flow_run_pb2.RETRY_KIND_RESCHEDULE,
}
_INPUTS = {
    "task_run": task_run_pb2.TASK_INPUT_KIND_TASK_RUN,
    "flow_run": task_run_pb2.TASK_INPUT_KIND_FLOW_RUN,
    "parameter": task_run_pb2.TASK_INPUT_KIND_PARAMETER,
    "constant": task_run_pb2.TASK_INPUT_KIND_CONSTANT,
}
_WAITS = frozenset({"wait_for"})


def flow_run(
    found: Mapping[str, Any], history: list[dict[str, Any]], ids: Ids, parent_flow_run_id: str
) -> run_import_pb2.ImportedFlowRun:
    """Return a flow run that has ended.

    Args:
        found: The run, as the server tells it.
        history: Its states.
        ids: What flows, deployments and pools are called here.
        parent_flow_run_id: The run whose task run it belongs to; "" for none.
    """
    passed = states.history(history, found["state"])
    deployment_id = str(found.get("deployment_id") or "")
    pool_id, queue_id = str(found.get("work_pool_id") or ""), str(found.get("work_queue_id") or "")
    run = flow_run_pb2.FlowRun(
        flow_run_id=str(found["id"]),
        flow_id=ids.flows.get(str(found["flow_id"]), ""),
        name=text(found.get("name"), 255),
        state=passed[-1],
        # Where the deployment is gone its runs say what they were of all the same.
        deployment_id=ids.deployments.get(deployment_id, deployment_id),
        deployment_name=ids.deployment_names.get(deployment_id, ""),
        flow_version=text(found.get("flow_version")),
        work_pool_id=ids.pools.get(pool_id, ""),
        work_pool_name=text(found.get("work_pool_name")) if pool_id in ids.pools else "",
        work_queue_id=ids.queues.get(queue_id, ""),
        work_queue_name=text(found.get("work_queue_name")) if queue_id in ids.queues else "",
        parameters=struct(found.get("parameters")),
        job_variables=struct(found.get("job_variables")),
        context=struct(found.get("context")),
        tags=_words(found.get("tags")),
        labels=struct(found.get("labels")),
        parent_task_run_id=str(found.get("parent_task_run_id") or ""),
        parent_flow_run_id=parent_flow_run_id,
        idempotency_key=text(found.get("idempotency_key"), 1000),
        creator=creator(found.get("created_by")),
        auto_scheduled=bool(found.get("auto_scheduled")),
        retry_policy=flow_retries(found.get("empirical_policy")),
        run_count=int(found.get("run_count") or 0),
        attempt=int(found.get("run_count") or 0),
        created_at=stamp(found.get("created")),
        updated_at=stamp(found.get("updated")),
        expected_start_at=stamp(found.get("expected_start_time")),
        started_at=stamp(found.get("start_time")),
        ended_at=stamp(found.get("end_time")),
        total_run_time=span(found.get("total_run_time")),
        infrastructure_id=text(found.get("infrastructure_pid")),
    )
    return run_import_pb2.ImportedFlowRun(flow_run=run, states=passed)


def scheduled_run(found: Mapping[str, Any], deployment_id: str) -> deployment_pb2.RunDeploymentRequest:
    """Return a run that waits for its time, as one of a deployment that is here."""
    details = found["state"].get("state_details") or {}
    return deployment_pb2.RunDeploymentRequest(
        deployment_id=deployment_id,
        flow_run_id=str(found["id"]),
        name=text(found.get("name"), 255),
        scheduled_at=stamp(details.get("scheduled_time") or found.get("expected_start_time")),
        parameters=struct(found.get("parameters")),
        job_variables=struct(found.get("job_variables")),
        context=struct(found.get("context")),
        tags=_words(found.get("tags")),
        labels=struct(found.get("labels")),
        idempotency_key=text(found.get("idempotency_key"), 1000),
        # What was taken there is not judged again.
        enforce_parameter_schema=False,
    )


def task_run(found: Mapping[str, Any], history: list[dict[str, Any]]) -> run_import_pb2.ImportedTaskRun:
    """Return a task run."""
    passed = states.history(history, found["state"])
    details = found["state"].get("state_details") or {}
    run = task_run_pb2.TaskRun(
        task_run_id=str(found["id"]),
        flow_run_id=str(found.get("flow_run_id") or ""),
        task_key=text(found.get("task_key")),
        dynamic_key=text(found.get("dynamic_key")),
        name=text(found.get("name"), 255),
        state=passed[-1],
        tags=_words(found.get("tags")),
        labels=struct(found.get("labels")),
        task_version=text(found.get("task_version")),
        inputs=_inputs(found.get("task_inputs") or {}),
        retry_policy=task_retries(found.get("empirical_policy")),
        cache_key=text(found.get("cache_key")),
        cache_expires_at=stamp(found.get("cache_expiration")),
        run_count=int(found.get("run_count") or 0),
        flow_run_run_count=int(found.get("flow_run_run_count") or 0),
        child_flow_run_id=str(details.get("child_flow_run_id") or ""),
        created_at=stamp(found.get("created")),
        updated_at=stamp(found.get("updated")),
        expected_start_at=stamp(found.get("expected_start_time")),
        started_at=stamp(found.get("start_time")),
        ended_at=stamp(found.get("end_time")),
        total_run_time=span(found.get("total_run_time")),
    )
    return run_import_pb2.ImportedTaskRun(task_run=run, states=passed)


def creator(found: Mapping[str, Any] | None) -> state_pb2.Creator | None:
    """Return who made something; None where nobody knows."""
    if not found:
        return None
    return state_pb2.Creator(
        kind=_CREATORS.get(str(found.get("type") or "").upper(), state_pb2.CREATOR_KIND_UNSPECIFIED),
        creator_id=str(found.get("id") or ""),
        display_name=text(found.get("display_value")),
    )


def flow_retries(found: Mapping[str, Any] | None) -> flow_run_pb2.RetryPolicy | None:
    """Return how often a flow run was retried; None where that is not known."""
    if not found:
        return None
    delay = found.get("retry_delay")
    return flow_run_pb2.RetryPolicy(
        retries=max(0, int(found.get("retries") or 0)),
        delay_seconds=[float(delay)] if delay else [],
        kind=_RETRIES.get(found.get("retry_type") or "", flow_run_pb2.RETRY_KIND_UNSPECIFIED),
        pause_keys=sorted(found.get("pause_keys") or ()),
        resuming=bool(found.get("resuming")),
    )


def task_retries(found: Mapping[str, Any] | None) -> task_run_pb2.TaskRetryPolicy | None:
    """Return how often a task run was retried; None where that is not known."""
    if not found:
        return None
    delay = found.get("retry_delay")
    delays = delay if isinstance(delay, list) else [delay] if delay else []
    return task_run_pb2.TaskRetryPolicy(
        retries=max(0, int(found.get("retries") or 0)),
        delay_seconds=[float(each) for each in delays],
        jitter_factor=float(found.get("retry_jitter_factor") or 0.0),
    )


def _inputs(found: Mapping[str, list[Mapping[str, Any]]]) -> list[task_run_pb2.TaskInput]:
    inputs = []
    for parameter, sources in found.items():
        for source in sources:
            kind = str(source.get("input_type") or "")
            inputs.append(
                task_run_pb2.TaskInput(
                    parameter=text(parameter),
                    kind=task_run_pb2.TASK_INPUT_KIND_WAIT_FOR
                    if parameter in _WAITS
                    else _INPUTS.get(kind, task_run_pb2.TASK_INPUT_KIND_UNSPECIFIED),
                    source=text(str(source.get("id") or source.get("name") or source.get("type") or "")),
                )
            )
    return inputs


def _words(found: list[str] | None) -> list[str]:
    return [text(word) for word in found or ()]
