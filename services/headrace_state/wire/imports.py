"""Runs that ended on another server: messages to rows."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import artifact_pb2, run_import_pb2, state_pb2
from headrace.ids import uuid7
from headrace_state.rules.imports import Imported, Past, PastArtifact, PastFlowRun, PastTaskRun, is_younger
from headrace_state.rules.policies import policy_to_json
from headrace_state.rules.states import USUAL_NAMES, StateType, is_final
from headrace_state.wire import artifacts, creation, states, values

RESULTS = {
    Imported.CREATED: run_import_pb2.IMPORT_RESULT_CREATED,
    Imported.THERE_BEFORE: run_import_pb2.IMPORT_RESULT_THERE_BEFORE,
    Imported.CONFLICT: run_import_pb2.IMPORT_RESULT_CONFLICT,
}


def to_past(request: run_import_pb2.ImportRunsRequest) -> Past:
    """Return what a request brings.

    Raises:
        errors.InvalidArgument: A value is not what its field is for, or a flow run has not ended.
    """
    return Past(
        [to_flow_run(message, f"flow_runs[{place}]") for place, message in enumerate(request.flow_runs)],
        [to_task_run(message, f"task_runs[{place}]") for place, message in enumerate(request.task_runs)],
        [to_artifact(message, f"artifacts[{place}]") for place, message in enumerate(request.artifacts)],
    )


def to_flow_run(message: run_import_pb2.ImportedFlowRun, field: str) -> PastFlowRun:
    """Return a flow run that has ended."""
    run = message.flow_run
    flow_run_id = values.to_id(run.flow_run_id, f"{field}.flow_run.flow_run_id")
    history = _history(message.states or [run.state], flow_run_id, flow_run_id, run.attempt, f"{field}.states")
    last = history[-1]
    if not is_final(last["state_type"]):
        raise errors.InvalidArgument.of_field(f"{field}.flow_run.state", "must be final")
    columns = {
        **_current(last),
        "name": run.name,
        "deployment_id": values.to_optional_id(run.deployment_id, f"{field}.flow_run.deployment_id"),
        "deployment_name": run.deployment_name,
        "deployment_version_id": values.to_optional_id(run.deployment_version_id, f"{field}.deployment_version_id"),
        "flow_version": run.flow_version,
        "work_pool_id": values.to_optional_id(run.work_pool_id, f"{field}.flow_run.work_pool_id"),
        "work_pool_name": run.work_pool_name,
        "work_queue_id": values.to_optional_id(run.work_queue_id, f"{field}.flow_run.work_queue_id"),
        "work_queue_name": run.work_queue_name,
        "worker_id": "",
        "worker_name": run.worker_name,
        "tags": creation.unique(run.tags),
        "labels": values.to_object(run.labels, f"{field}.flow_run.labels"),
        "notes": run.notes,
        "parent_task_run_id": values.to_optional_id(run.parent_task_run_id, f"{field}.flow_run.parent_task_run_id"),
        "idempotency_key": run.idempotency_key or None,
        "creator_kind": states.creator_kind(run.creator.kind),
        "creator_id": run.creator.creator_id,
        "creator_name": run.creator.display_name,
        "auto_scheduled": run.auto_scheduled,
        "retry_policy": policy_to_json(states.to_retry_policy(run.retry_policy)),
        "retries_used": 0,
        "infrastructure_retries_used": 0,
        "attempt": run.attempt,
        "attempt_token": None,
        "lease_id": None,
        "answers": [],
        "limits": [],
        "concurrency_strategy": 0,
        "maximum_lateness_seconds": None,
        "worker_labels": {},
        "next_scheduled_start_at": None,
        "start_delay_seconds": values.to_seconds(run.start_delay) if run.HasField("start_delay") else None,
        "infrastructure_id": run.infrastructure_id,
        **_times(run, history, f"{field}.flow_run"),
    }
    payloads = {
        name: values.to_object(getattr(run, name), f"{field}.flow_run.{name}")
        for name in ("parameters", "job_variables", "context")
    }
    parent_id = values.to_optional_id(run.parent_flow_run_id, f"{field}.flow_run.parent_flow_run_id")
    flow_id = values.to_id(run.flow_id, f"{field}.flow_run.flow_id")
    return PastFlowRun(flow_run_id, flow_id, parent_id, columns, payloads, history)


def to_task_run(message: run_import_pb2.ImportedTaskRun, field: str) -> PastTaskRun:
    """Return a task run that was recorded elsewhere."""
    run = message.task_run
    task_run_id = values.to_id(run.task_run_id, f"{field}.task_run.task_run_id")
    flow_run_id = values.to_optional_id(run.flow_run_id, f"{field}.task_run.flow_run_id")
    history = _history(message.states or [run.state], task_run_id, flow_run_id, 1, f"{field}.states")
    policy = run.retry_policy
    columns = {
        **_current(history[-1]),
        "flow_run_id": flow_run_id,
        "task_key": run.task_key,
        "dynamic_key": run.dynamic_key,
        "name": run.name,
        "tags": creation.unique(run.tags),
        "labels": values.to_object(run.labels, f"{field}.task_run.labels"),
        "task_version": run.task_version,
        "inputs": [{"parameter": each.parameter, "kind": each.kind, "source": each.source} for each in run.inputs]
        or None,
        "retry_policy": {
            "retries": policy.retries,
            "delay_seconds": list(policy.delay_seconds),
            "jitter_factor": policy.jitter_factor,
        }
        if run.HasField("retry_policy")
        else None,
        "cache_key": run.cache_key,
        "cache_expires_at": _time(run, "cache_expires_at", f"{field}.task_run"),
        "flow_run_run_count": run.flow_run_run_count,
        "attempt": 1,
        "child_flow_run_id": values.to_optional_id(run.child_flow_run_id, f"{field}.task_run.child_flow_run_id"),
        **_times(run, history, f"{field}.task_run"),
    }
    return PastTaskRun(task_run_id, columns, history)


def to_artifact(message: artifact_pb2.Artifact, field: str) -> PastArtifact:
    """Return an artifact that was made elsewhere."""
    artifact_id = values.to_id(message.artifact_id, f"{field}.artifact_id")
    new = artifacts.to_new_artifact(message)
    created_at = _time(message, "created_at", field)
    if created_at is None:
        raise errors.InvalidArgument.of_field(f"{field}.created_at", "must be set")
    data = new.content.data
    columns = {
        "kind": new.kind,
        "type": new.type,
        "content": new.content.value,
        # As Postgres writes bytes.
        "data": f"\\x{base64.b16encode(data).decode().lower()}" if data is not None else None,
        "description": new.description,
        "metadata": dict(new.metadata),
        "flow_run_id": new.flow_run_id,
        "task_run_id": new.task_run_id,
        "created_at": created_at,
        "updated_at": _time(message, "updated_at", field) or created_at,
    }
    return PastArtifact(artifact_id, new.key, columns)


def _history(
    messages: Sequence[state_pb2.State], run_id: uuid.UUID, flow_run_id: uuid.UUID | None, attempt: int, field: str
) -> list[dict[str, Any]]:
    rows = []
    for place, state in enumerate(messages):
        where = f"{field}[{place}]"
        if not 0 < state.type < len(states.TYPE_NAMES):
            raise errors.InvalidArgument.of_field(f"{where}.type", "must be a state type")
        occurred_at = _time(state, "occurred_at", where)
        if occurred_at is None:
            raise errors.InvalidArgument.of_field(f"{where}.occurred_at", "must be set")
        rows.append(
            {
                "run_id": run_id,
                "version": place + 1,
                "occurred_at": occurred_at,
                "flow_run_id": flow_run_id,
                "attempt": attempt,
                "state_id": values.to_optional_id(state.state_id, f"{where}.state_id") or uuid7(),
                "state_type": states.TYPE_NAMES[state.type],
                "state_name": state.name or USUAL_NAMES[StateType(states.TYPE_NAMES[state.type])],
                "message": state.message,
                "details": states.details_to_json(state.details) or None,
                "result": states.result_to_json(state.result) if state.HasField("result") else None,
                "proposal_id": None,
                "answer": None,
            }
        )
    if is_younger(run_id, rows[0]["occurred_at"]):
        raise errors.InvalidArgument.of_field(field, "begin more than a day before the run's id was made")
    return rows


def _current(last: dict[str, Any]) -> dict[str, Any]:
    return {
        "state_id": last["state_id"],
        "state_type": last["state_type"],
        "state_name": last["state_name"],
        "state_message": last["message"],
        "state_at": last["occurred_at"],
        "state_version": last["version"],
        "state_details": last["details"] or {},
        "state_result": last["result"],
    }


def _times(run: Any, history: Sequence[dict[str, Any]], field: str) -> dict[str, Any]:
    created_at = _time(run, "created_at", field) or history[0]["occurred_at"]
    return {
        "created_at": created_at,
        "updated_at": _time(run, "updated_at", field) or history[-1]["occurred_at"],
        "expected_start_at": _time(run, "expected_start_at", field),
        "started_at": _time(run, "started_at", field),
        "ended_at": _time(run, "ended_at", field)
        or (history[-1]["occurred_at"] if is_final(history[-1]["state_type"]) else None),
        "run_seconds": values.to_seconds(run.total_run_time),
        "run_count": run.run_count,
    }


def _time(message: Any, name: str, field: str) -> Any:
    if not message.HasField(name):
        return None
    stamp: Timestamp = getattr(message, name)
    return values.to_time(stamp, f"{field}.{name}")
