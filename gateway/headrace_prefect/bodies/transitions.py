"""States of task runs, which Prefect's client tells as events, as transitions to be recorded.

The event's id is the state's, so that an event that is sent again changes nothing; its time, in microseconds, is the
state's version, so that the newest state stands whatever order the events come in.
"""

from __future__ import annotations

import datetime
from typing import Any

from headrace.api.v1 import task_run_pb2
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.bodies import fields, runs
from headrace_prefect.bodies.fields import Body, Field, Fields, Wrong
from headrace_prefect.shapes.scalars import to_struct, to_timestamp

PREFIX = "prefect.task-run."
"""How the names of these events begin, and the ids of what they are about."""

_FLOW_RUN = "prefect.flow-run."
_ID = "prefect.resource.id"
_ROLE = "prefect.resource.role"
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_MOST_NAME = 255

_TASK_RUN: Fields = {
    "task_key": Field(fields.string, default=""),
    "dynamic_key": Field(fields.string, default=""),
    "name": Field(fields.string, default=""),
    "tags": Field(fields.strings, default=list),
    "labels": Field(fields.json_object),
    "task_version": Field(fields.string),
    "task_inputs": Field(fields.json_object, default=dict),
    "empirical_policy": Field(fields.nested(runs.TASK_RUN_POLICY)),
    "cache_key": Field(fields.string),
    "cache_expiration": Field(fields.moment),
    "run_count": Field(fields.at_least(0), default=0),
    "flow_run_run_count": Field(fields.at_least(0), default=0),
    "expected_start_time": Field(fields.moment),
}
"""What an event says of the task run, and a body that creates one."""

_EVENT = fields.nested(
    {
        "id": Field(fields.identifier, required=True),
        "occurred": Field(fields.moment, required=True),
        "resource": Field(fields.json_object, required=True),
        "related": Field(fields.list_of(fields.json_object), default=list),
        "payload": Field(
            fields.nested(
                {
                    "validated_state": Field(runs.state, required=True),
                    "task_run": Field(fields.nested(_TASK_RUN), required=True),
                }
            ),
            required=True,
        ),
    }
)

TASK_RUN = _TASK_RUN
"""The table of what a body says of a task run."""


def is_transition(event: Any) -> bool:
    """Return whether an event tells that a task run entered a state."""
    if not isinstance(event, dict):
        return False
    name, payload = event.get("event"), event.get("payload")
    return (
        isinstance(name, str)
        and name.startswith(PREFIX)
        and isinstance(payload, dict)
        and isinstance(payload.get("task_run"), dict)
        and isinstance(payload.get("validated_state"), dict)
    )


def to_transition(event: Any) -> tuple[task_run_pb2.RecordAttempt, task_run_pb2.TaskRunTransition]:
    """Return the transition that an event tells of, and what it is recorded under.

    Raises:
        Wrong: The event does not fit.
    """
    body = _EVENT(event)
    resource = body["resource"].get(_ID)
    if not isinstance(resource, str) or not resource.startswith(PREFIX):
        raise Wrong("The resource must be a task run", "value_error", ("resource",))
    task_run_id = fields.identifier(resource.removeprefix(PREFIX))
    described = body["payload"]["task_run"]
    state = runs.to_state(body["payload"]["validated_state"])
    state.state_id = body["id"]
    state.occurred_at.CopyFrom(to_timestamp(body["occurred"]))
    state.version = version_of(body["occurred"])
    transition = task_run_pb2.TaskRunTransition(
        task_run_id=task_run_id,
        state=state,
        spec=to_spec(described, state.details.child_flow_run_id),
        run_count=described["run_count"],
    )
    return attempt_of(_flow_run_id(body), task_run_id), transition


def version_of(occurred: datetime.datetime) -> int:
    """Return the version of a state that a task run entered at a time."""
    return (occurred - _EPOCH) // _MICROSECOND


def attempt_of(flow_run_id: str, task_run_id: str) -> task_run_pb2.RecordAttempt:
    """Return what states of a task run are recorded under; outside of flow runs they stand for themselves."""
    if not flow_run_id:
        return task_run_pb2.RecordAttempt(flow_run_id=task_run_id, token=task_run_id)
    return task_run_pb2.RecordAttempt(flow_run_id=flow_run_id, token=attempt_token_of(flow_run_id))


def to_spec(body: Body, child_flow_run_id: str = "") -> task_run_pb2.TaskRunSpec:
    """Return what describes a task run."""
    return task_run_pb2.TaskRunSpec(
        task_key=body["task_key"],
        dynamic_key=body["dynamic_key"],
        name=body["name"][:_MOST_NAME],
        tags=body["tags"],
        labels=to_struct(body["labels"]),
        task_version=body["task_version"] or "",
        inputs=runs.to_inputs(body["task_inputs"]),
        retry_policy=runs.to_task_run_policy(body["empirical_policy"]),
        cache_key=body["cache_key"] or "",
        cache_expires_at=to_timestamp(body["cache_expiration"]),
        flow_run_run_count=body["flow_run_run_count"],
        child_flow_run_id=child_flow_run_id,
        expected_start_at=to_timestamp(body["expected_start_time"]),
    )


def _flow_run_id(body: Body) -> str:
    for related in body["related"]:
        resource = related.get(_ID)
        if related.get(_ROLE) == "flow-run" and isinstance(resource, str) and resource.startswith(_FLOW_RUN):
            return str(fields.identifier(resource.removeprefix(_FLOW_RUN)))
    return ""
