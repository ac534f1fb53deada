"""Flow runs."""

from __future__ import annotations

import time
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_prefect.routing import is_id
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.states import state_json, type_name
from headrace_prefect.shapes.texts import Clock, Texts

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
    return {**_lasting(run), **clock_of(run).read(time.time())}


def flow_run_text(run: flow_run_pb2.FlowRun) -> orjson.Fragment:
    """Return what `flow_run_json` does as a part of an answer."""
    return _TEXTS.of(run)


def _lasting(run: flow_run_pb2.FlowRun) -> dict[str, Any]:
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
        "total_run_time": scalars.seconds(run, "total_run_time") or 0.0,
        "auto_scheduled": run.auto_scheduled,
        "infrastructure_document_id": None,
        "infrastructure_pid": run.infrastructure_id or None,
        "created_by": _creator(run.creator) if run.HasField("creator") else None,
        "work_pool_id": run.work_pool_id or None,
        "work_pool_name": run.work_pool_name or None,
        "state": state_json(run.state, flow_run_id=run.flow_run_id),
        "job_variables": scalars.of_struct(run.job_variables),
    }


def clock_of(run: Any) -> Clock:
    """Return what the time that passes changes in a flow run or task run."""
    state = run.state
    late_seconds, late_since = 0.0, None
    if run.HasField("expected_start_at"):
        expected = _seconds(run.expected_start_at)
        if run.HasField("started_at"):
            late_seconds = max(0.0, _seconds(run.started_at) - expected)
        elif state.type not in _FINAL:
            late_since = expected
    return Clock(
        run_seconds=scalars.seconds(run, "total_run_time") or 0.0,
        running_since=_seconds(state.occurred_at) if state.type == state_pb2.STATE_TYPE_RUNNING else None,
        late_seconds=late_seconds,
        late_since=late_since,
    )


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


_TEXTS = Texts(_lasting, clock_of)
