"""States of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import state_pb2
from headrace.importing.mapping.values import any_value, moment, stamp, text

FINAL = frozenset({"CANCELLED", "COMPLETED", "FAILED", "CRASHED"})
"""Types of states that a run does not leave by itself."""

_MOST_MESSAGE = 65_536
_TEXTS = {
    "child_flow_run_id": "child_flow_run_id",
    "cache_key": "cache_key",
    "pause_key": "pause_key",
    "task_parameters_id": "task_parameters_id",
    "traceparent": "traceparent",
    "deployment_concurrency_lease_id": "concurrency_lease_id",
}
_TIMES = {
    "scheduled_time": "scheduled_at",
    "cache_expiration": "cache_expires_at",
    "pause_timeout": "pause_expires_at",
}
_FLAGS = ("refresh_cache", "retriable")
# These are false where nobody says so: only what is true tells something.
_CLAIMS = ("deferred", "untrackable_result", "pause_reschedule")


def state(found: Mapping[str, Any]) -> state_pb2.State:
    """Return a state with its id and time."""
    return state_pb2.State(
        state_id=str(found["id"]),
        type=state_pb2.StateType.Value(f"STATE_TYPE_{found['type']}"),
        name=text(found.get("name"), 255),
        message=text(found.get("message"), _MOST_MESSAGE),
        occurred_at=stamp(found["timestamp"]),
        details=_details(found.get("state_details") or {}),
        result=_result(found.get("data")),
    )


def history(found: list[dict[str, Any]], current: Mapping[str, Any] | None) -> list[state_pb2.State]:
    """Return the states that a run went through, oldest first, the one that it is in last.

    Args:
        found: As the server lists them.
        current: The one that the run is in.
    """
    by_id = {str(each["id"]): each for each in found}
    ordered = sorted(by_id.values(), key=lambda each: (moment(each["timestamp"]), str(each["id"])))
    if current is not None:
        ordered = [each for each in ordered if str(each["id"]) != str(current["id"])]
        ordered.append(by_id.get(str(current["id"]), dict(current)))
    return [state(each) for each in ordered]


def _details(found: Mapping[str, Any]) -> state_pb2.StateDetails | None:
    details = state_pb2.StateDetails()
    for theirs, ours in _TEXTS.items():
        if value := found.get(theirs):
            setattr(details, ours, text(str(value)))
    for theirs, ours in _TIMES.items():
        if at := stamp(found.get(theirs)):
            getattr(details, ours).CopyFrom(at)
    for name in _FLAGS:
        if (flag := found.get(name)) is not None:
            setattr(details, name, bool(flag))
    for name in _CLAIMS:
        if found.get(name):
            setattr(details, name, True)
    for role, key in (found.get("run_input_keyset") or {}).items():
        details.run_input_keyset[role] = key
    if transition_id := found.get("transition_id"):
        details.extra["transition_id"] = str(transition_id)
    return details if details.ListFields() else None


def _result(data: Any) -> state_pb2.ResultReference | None:
    if data is None:
        return None
    if isinstance(data, Mapping) and data.get("storage_key"):
        return state_pb2.ResultReference(
            storage_key=text(str(data["storage_key"])),
            storage_block_id=str(data.get("storage_block_id") or ""),
            serializer=_serializer(data.get("serializer")),
            expires_at=stamp(data.get("expiration")),
            foreign=any_value(data),
        )
    return state_pb2.ResultReference(foreign=any_value(data))


def _serializer(found: Any) -> str:
    if isinstance(found, Mapping):
        return text(str(found.get("type") or ""))
    return text(found if isinstance(found, str) else "")
