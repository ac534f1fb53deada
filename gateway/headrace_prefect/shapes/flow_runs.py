"""Flow runs."""

from __future__ import annotations

import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_prefect.routing import is_id
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.states import state_json, type_name

_RETRY_TYPES = {
    flow_run_pb2.RETRY_KIND_IN_PROCESS: "in_process",
    flow_run_pb2.RETRY_KIND_RESCHEDULE: "reschedule",
}
_CREATORS = {
    state_pb2.CREATOR_KIND_USER: "USER",
    state_pb2.CREATOR_KIND_SERVICE_ACCOUNT: "SERVICE_ACCOUNT",
    state_pb2.CREATOR_KIND_SCHEDULE: "SCHEDULE",
    state_pb2.CREATOR_KIND_AUTOMATION: "AUTOMATION",
    state_pb2.CREATOR_KIND_BACKFILL: "BACKFILL",
    state_pb2.CREATOR_KIND_FLOW_RUN: "FLOW_RUN",
    state_pb2.CREATOR_KIND_SYSTEM: "SYSTEM",
}
_FINAL = frozenset(
    {
        state_pb2.STATE_TYPE_CANCELLED,
        state_pb2.STATE_TYPE_COMPLETED,
        state_pb2.STATE_TYPE_FAILED,
        state_pb2.STATE_TYPE_CRASHED,
    }
)


def flow_run_json(run: flow_run_pb2.FlowRun) -> dict[str, Any]:
    """Return a flow run with its state."""
    total = scalars.seconds(run, "total_run_time") or 0.0
    return {
        "id": run.flow_run_id,
        "created": scalars.moment(run, "created_at"),
        "updated": scalars.moment(run, "updated_at"),
        "name": run.name,
        "flow_id": run.flow_id,
        "state_id": run.state.state_id,
        "deployment_id": run.deployment_id or None,
        "deployment_version": run.deployment_version_id or None,
        "work_queue_id": run.work_queue_id or None,
        "work_queue_name": run.work_queue_name or None,
        "flow_version": run.flow_version or None,
        "parameters": scalars.of_struct(run.parameters),
        "idempotency_key": run.idempotency_key or None,
        "context": scalars.of_struct(run.context),
        "empirical_policy": _policy(run),
        "tags": list(run.tags),
        "labels": scalars.of_struct(run.labels),
        "parent_task_run_id": run.parent_task_run_id or None,
        "state_type": type_name(run.state.type),
        "state_name": run.state.name,
        "run_count": run.run_count,
        "expected_start_time": scalars.moment(run, "expected_start_at"),
        "next_scheduled_start_time": scalars.moment(run, "next_scheduled_start_at"),
        "start_time": scalars.moment(run, "started_at"),
        "end_time": scalars.moment(run, "ended_at"),
        "total_run_time": total,
        "estimated_run_time": total + running_seconds(run.state),
        "estimated_start_time_delta": lateness(run),
        "auto_scheduled": run.auto_scheduled,
        "infrastructure_document_id": None,
        "infrastructure_pid": run.infrastructure_id or None,
        "created_by": _creator(run.creator) if run.HasField("creator") else None,
        "work_pool_id": run.work_pool_id or None,
        "work_pool_name": run.work_pool_name or None,
        "state": state_json(run.state, flow_run_id=run.flow_run_id),
        "job_variables": scalars.of_struct(run.job_variables),
    }


def running_seconds(state: state_pb2.State) -> float:
    """Return how long a run has been in a state in which it runs, 0 in any other."""
    return max(0.0, _now() - _seconds(state.occurred_at)) if state.type == state_pb2.STATE_TYPE_RUNNING else 0.0


def lateness(run: Any) -> float:
    """Return how much later than expected a run began, or would begin now, in seconds."""
    if not run.HasField("expected_start_at"):
        return 0.0
    expected = _seconds(run.expected_start_at)
    if run.HasField("started_at"):
        return max(0.0, _seconds(run.started_at) - expected)
    return 0.0 if run.state.type in _FINAL else max(0.0, _now() - expected)


def _policy(run: flow_run_pb2.FlowRun) -> dict[str, Any]:
    policy = run.retry_policy
    delay = round(policy.delay_seconds[0]) if policy.delay_seconds else None
    return {
        "max_retries": 0,
        "retry_delay_seconds": 0.0,
        "retries": policy.retries if run.HasField("retry_policy") else None,
        "retry_delay": delay,
        "pause_keys": list(policy.pause_keys),
        "resuming": policy.resuming,
        "retry_type": _RETRY_TYPES.get(policy.kind),
    }


def _creator(creator: state_pb2.Creator) -> dict[str, Any]:
    return {
        "id": creator.creator_id if is_id(creator.creator_id) else None,
        "type": _CREATORS.get(creator.kind),
        "display_value": creator.display_name or None,
    }


def _seconds(stamp: Timestamp) -> float:
    return stamp.seconds + stamp.nanos / 1e9


def _now() -> float:
    return datetime.datetime.now(datetime.UTC).timestamp()
