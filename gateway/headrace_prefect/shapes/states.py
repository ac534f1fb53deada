"""States, and what was decided about proposed ones."""

from __future__ import annotations

import math
from typing import Any

from headrace.api.v1 import state_pb2
from headrace_prefect.shapes import scalars

TRANSITION_ID = "transition_id"
"""Where a state keeps the id that Prefect's client gave its proposal."""

_TYPE_NAMES = {number: name.removeprefix("STATE_TYPE_") for name, number in state_pb2.StateType.items()}


def type_name(number: int) -> str:
    """Return the name of a state type, e.g. `RUNNING`."""
    return _TYPE_NAMES[number]  # type: ignore[index]


def state_json(state: state_pb2.State, *, flow_run_id: str | None = None, task_run_id: str | None = None) -> Any:
    """Return a state of a flow run, or of a task run of one.

    Args:
        state: The state.
        flow_run_id: The flow run.
        task_run_id: The task run, if it is a state of one.
    """
    details = state.details
    result = state.result
    occurred = scalars.of_timestamp(state.occurred_at)
    return {
        "id": state.state_id,
        "created": occurred,
        "updated": occurred,
        "type": _TYPE_NAMES[state.type],
        "name": state.name,
        "timestamp": occurred,
        "message": state.message or None,
        "data": scalars.of_value(result.foreign) if result.HasField("foreign") else None,
        "state_details": {
            "flow_run_id": flow_run_id or None,
            "task_run_id": task_run_id or None,
            "child_flow_run_id": details.child_flow_run_id or None,
            "scheduled_time": scalars.moment(details, "scheduled_at"),
            "cache_key": details.cache_key or None,
            "cache_expiration": scalars.moment(details, "cache_expires_at"),
            "deferred": details.deferred,
            "untrackable_result": details.untrackable_result,
            "pause_timeout": scalars.moment(details, "pause_expires_at"),
            "pause_reschedule": details.pause_reschedule,
            "pause_key": details.pause_key or None,
            "run_input_keyset": dict(details.run_input_keyset) or None,
            "refresh_cache": details.refresh_cache if details.HasField("refresh_cache") else None,
            "retriable": details.retriable if details.HasField("retriable") else None,
            "transition_id": _transition_id(details),
            "task_parameters_id": details.task_parameters_id or None,
            "traceparent": details.traceparent or None,
            "deployment_concurrency_lease_id": details.concurrency_lease_id or None,
        },
    }


def _transition_id(details: state_pb2.StateDetails) -> str | None:
    fields = details.extra.fields
    return fields[TRANSITION_ID].string_value if TRANSITION_ID in fields else None


def verdict_json(verdict: state_pb2.Verdict, *, flow_run_id: str) -> dict[str, Any]:
    """Return what was decided about a state proposed for a flow run."""
    kind = verdict.WhichOneof("verdict")
    if kind == "accepted":
        return decided("ACCEPT", state_json(verdict.accepted.state, flow_run_id=flow_run_id))
    if kind == "wait":
        delay = verdict.wait.delay
        seconds = max(1, math.ceil(delay.seconds + delay.nanos / 1e9))
        return decided("WAIT", None, verdict.wait.reason, delay_seconds=seconds)
    if kind == "rejected":
        state = state_json(verdict.rejected.state, flow_run_id=flow_run_id)
        return decided("REJECT", state, verdict.rejected.reason)
    state = state_json(verdict.aborted.state, flow_run_id=flow_run_id) if verdict.aborted.HasField("state") else None
    return decided("ABORT", state, verdict.aborted.reason)


def decided(status: str, state: Any, reason: str | None = None, **details: Any) -> dict[str, Any]:
    """Return an answer to a proposal: `ACCEPT`, `REJECT`, `WAIT` or `ABORT`."""
    told: dict[str, Any] = {"type": f"{status.lower()}_details", **details}
    if status != "ACCEPT":
        told["reason"] = reason or None
    return {"state": state, "status": status, "details": told}
