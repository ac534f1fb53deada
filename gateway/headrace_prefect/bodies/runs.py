"""States, retry policies and inputs of runs, as Prefect's client sends them."""

from __future__ import annotations

import datetime
from typing import Any

from headrace.api.v1 import flow_run_pb2, state_pb2, task_run_pb2
from headrace_prefect.bodies import fields
from headrace_prefect.bodies.fields import Body, Field, Fields
from headrace_prefect.shapes.scalars import to_struct, to_timestamp, to_value
from headrace_prefect.shapes.states import TRANSITION_ID

STATE_TYPES = {name.removeprefix("STATE_TYPE_"): number for name, number in state_pb2.StateType.items() if number}
"""Numbers of state types by Prefect's names."""

DETAILS: Fields = {
    "child_flow_run_id": Field(fields.identifier),
    "scheduled_time": Field(fields.moment),
    "cache_key": Field(fields.string),
    "cache_expiration": Field(fields.moment),
    "deferred": Field(fields.boolean),
    "untrackable_result": Field(fields.boolean),
    "pause_timeout": Field(fields.moment),
    "pause_reschedule": Field(fields.boolean),
    "pause_key": Field(fields.string),
    "run_input_keyset": Field(fields.json_object),
    "refresh_cache": Field(fields.boolean),
    "retriable": Field(fields.boolean),
    "transition_id": Field(fields.identifier),
    "task_parameters_id": Field(fields.identifier),
    "traceparent": Field(fields.string),
    "deployment_concurrency_lease_id": Field(fields.identifier),
}

STATE: Fields = {
    "type": Field(fields.one_of(STATE_TYPES), required=True),
    "name": Field(fields.string),
    "message": Field(fields.string),
    "data": Field(fields.anything),
    "state_details": Field(fields.nested(DETAILS), default=lambda: Body(dict.fromkeys(DETAILS))),
}
"""A state that is proposed or that a run begins in."""

state = fields.nested(STATE)
"""The kind of a field with a state."""

PENDING = state({"type": "PENDING"})
"""The state in which a run begins for which none is given."""

FLOW_RUN_POLICY: Fields = {
    "retries": Field(fields.integer),
    "retry_delay": Field(fields.number),
    "max_retries": Field(fields.integer),
    "retry_delay_seconds": Field(fields.number),
    "pause_keys": Field(fields.strings, default=list),
    "resuming": Field(fields.boolean),
    "retry_type": Field(fields.one_of(("in_process", "reschedule"))),
}

TASK_RUN_POLICY: Fields = {
    "retries": Field(fields.integer),
    "retry_delay": Field(fields.one_kind_of(fields.number, fields.list_of(fields.number, 50))),
    "max_retries": Field(fields.integer),
    "retry_delay_seconds": Field(fields.number),
    "retry_jitter_factor": Field(fields.number),
}

_MOST_MESSAGE = 65_536
_MOST_TYPES = 255
_RETRY_KINDS = {
    "in_process": flow_run_pb2.RETRY_KIND_IN_PROCESS,
    "reschedule": flow_run_pb2.RETRY_KIND_RESCHEDULE,
}
_INPUT_KINDS = {
    "task_run": (task_run_pb2.TASK_INPUT_KIND_TASK_RUN, "id"),
    "flow_run": (task_run_pb2.TASK_INPUT_KIND_FLOW_RUN, "id"),
    "parameter": (task_run_pb2.TASK_INPUT_KIND_PARAMETER, "name"),
    "constant": (task_run_pb2.TASK_INPUT_KIND_CONSTANT, "type"),
}


def to_state(body: Body, now: datetime.datetime | None = None) -> state_pb2.State:
    """Return a state of a body by `STATE`.

    The transition's id becomes the state's: a proposal that is sent again is answered with the first answer.

    Args:
        body: The state.
        now: When a SCHEDULED state without a time is due; None leaves that to the server.
    """
    details = body["state_details"]
    message = state_pb2.State(
        state_id=details["transition_id"] or "",
        type=STATE_TYPES[body["type"]],
        name=(body["name"] or "")[:_MOST_TYPES],
        message=(body["message"] or "")[:_MOST_MESSAGE],
        details=to_details(details),
    )
    if now is not None and message.type == state_pb2.STATE_TYPE_SCHEDULED and not details["scheduled_time"]:
        message.details.scheduled_at.CopyFrom(to_timestamp(now))
    fill_result(message, body["data"])
    return message


def to_details(body: Body) -> state_pb2.StateDetails:
    """Return the details of a state."""
    extra = {TRANSITION_ID: body["transition_id"]} if body["transition_id"] else None
    return state_pb2.StateDetails(
        scheduled_at=to_timestamp(body["scheduled_time"]),
        child_flow_run_id=body["child_flow_run_id"] or "",
        cache_key=body["cache_key"] or "",
        cache_expires_at=to_timestamp(body["cache_expiration"]),
        refresh_cache=body["refresh_cache"],
        deferred=body["deferred"] or None,
        untrackable_result=body["untrackable_result"] or None,
        pause_expires_at=to_timestamp(body["pause_timeout"]),
        pause_reschedule=body["pause_reschedule"] or None,
        pause_key=body["pause_key"] or "",
        run_input_keyset={
            key: value for key, value in (body["run_input_keyset"] or {}).items() if isinstance(value, str)
        },
        retriable=body["retriable"],
        task_parameters_id=body["task_parameters_id"] or "",
        traceparent=body["traceparent"] or "",
        concurrency_lease_id=body["deployment_concurrency_lease_id"] or "",
        extra=to_struct(extra),
    )


def fill_result(message: state_pb2.State, data: Any) -> None:
    """Set where the result of a state lies, from the state's data.

    The server keeps the data as it is; what it can read of it, others see, too.
    """
    if data is None:
        return
    message.result.foreign.CopyFrom(to_value(data))
    if isinstance(data, dict):
        key = data.get("storage_key")
        if isinstance(key, str):
            message.result.storage_key = key
        block = data.get("storage_block_id")
        if isinstance(block, str):
            message.result.storage_block_id = block


def to_flow_run_policy(body: Body | None) -> flow_run_pb2.RetryPolicy | None:
    """Return the retry policy of a flow run, None where there is none."""
    if body is None:
        return None
    retries = body["retries"] if body["retries"] is not None else body["max_retries"] or 0
    delay = body["retry_delay"] if body["retry_delay"] is not None else body["retry_delay_seconds"]
    return flow_run_pb2.RetryPolicy(
        retries=max(0, retries),
        delay_seconds=[max(0.0, delay)] if delay is not None else [],
        kind=_RETRY_KINDS.get(body["retry_type"], flow_run_pb2.RETRY_KIND_UNSPECIFIED),
        pause_keys=body["pause_keys"],
        resuming=bool(body["resuming"]),
        # Prefect's server gives a lost run up; automations may take care of it.
        infrastructure_retries=-1,
    )


def to_task_run_policy(body: Body | None) -> task_run_pb2.TaskRetryPolicy | None:
    """Return the retry policy of a task run, None where there is none."""
    if body is None:
        return None
    delay = body["retry_delay"] if body["retry_delay"] is not None else body["retry_delay_seconds"]
    delays = delay if isinstance(delay, list) else [delay] if delay else []
    return task_run_pb2.TaskRetryPolicy(
        retries=body["retries"] if body["retries"] is not None else body["max_retries"] or 0,
        delay_seconds=delays,
        jitter_factor=body["retry_jitter_factor"] or 0.0,
    )


def to_inputs(value: dict[str, Any]) -> list[task_run_pb2.TaskInput]:
    """Return what the parameters of a task run came from; what is not known is left out."""
    found = []
    for parameter, sources in value.items():
        for source in sources if isinstance(sources, list) else ():
            if not isinstance(source, dict) or source.get("input_type") not in _INPUT_KINDS:
                continue
            kind, key = _INPUT_KINDS[source["input_type"]]
            if parameter == "wait_for" and source["input_type"] == "task_run":
                kind = task_run_pb2.TASK_INPUT_KIND_WAIT_FOR
            found.append(task_run_pb2.TaskInput(parameter=parameter, kind=kind, source=str(source.get(key) or "")))
    return found
