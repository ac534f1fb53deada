"""States, their details and results, verdicts and retry policies."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace_state.rules.facts import NewState, RetryKind, RetryPolicy, State
from headrace_state.rules.rows import Row
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.wire import values

TYPE_NAMES: tuple[str, ...] = ("", *(state_type.value for state_type in StateType))
"""Stored names by the numbers of `headrace.api.v1.StateType`."""

TYPE_NUMBERS: Mapping[str, int] = {name: number for number, name in enumerate(TYPE_NAMES) if name}

_TEXTS = (
    "child_flow_run_id",
    "cache_key",
    "pause_key",
    "task_parameters_id",
    "traceparent",
    "concurrency_lease_id",
    "reason",
    "error_type",
    "traceback",
)
MOST_PAUSE_SECONDS = 10 * 366 * 86_400.0
"""The longest time-out of a pause: ten years."""

_FLAGS = ("refresh_cache", "deferred", "untrackable_result", "pause_reschedule", "retriable")
_TIMES = ("scheduled_at", "cache_expires_at", "pause_expires_at")

_CREATORS = {kind: name.removeprefix("CREATOR_KIND_") for name, kind in state_pb2.CreatorKind.items() if kind}
_CREATOR_NUMBERS = {name: number for number, name in _CREATORS.items()}


def type_number(name: str) -> state_pb2.StateType.ValueType:
    """Return the number of a stored state type."""
    return state_pb2.StateType.ValueType(TYPE_NUMBERS[name])


def details_to_json(details: state_pb2.StateDetails) -> dict[str, Any]:
    """Return details as they are stored: only what is set, times as ISO 8601.

    Raises:
        errors.InvalidArgument: `extra` holds what JSON cannot.
    """
    found: dict[str, Any] = {}
    for field, value in details.ListFields():
        name = field.name
        if name in _TIMES:
            found[name] = values.to_time(value, f"details.{name}").isoformat()
        elif name == "run_input_keyset":
            found[name] = dict(value)
        elif name == "pause_timeout":
            found[name] = values.to_span(
                value, "details.pause_timeout", least=0.0, most=MOST_PAUSE_SECONDS, default=0.0
            )
        elif name == "extra":
            found[name] = values.to_object(value, "details.extra")
        else:
            found[name] = value
    return found


def fill_details(details: state_pb2.StateDetails, stored: Mapping[str, Any]) -> None:
    """Set the details of a message's field, which is empty."""
    for name, value in stored.items():
        if name in _TEXTS or name in _FLAGS:
            setattr(details, name, value)
        elif name in _TIMES:
            values.fill_time(getattr(details, name), datetime.datetime.fromisoformat(value))
        elif name == "run_input_keyset":
            details.run_input_keyset.update(value)
        elif name == "pause_timeout":
            values.fill_seconds(details.pause_timeout, value)
        elif name == "extra":
            values.fill_object(details.extra, value)
            details.extra.SetInParent()


def result_to_json(result: state_pb2.ResultReference) -> dict[str, Any]:
    """Return a result reference as it is stored: only what is set.

    Raises:
        errors.InvalidArgument: `foreign` holds what JSON cannot.
    """
    found: dict[str, Any] = {}
    for field, value in result.ListFields():
        name = field.name
        if name == "expires_at":
            found[name] = values.to_time(value, "result.expires_at").isoformat()
        elif name == "foreign":
            found[name] = values.to_json(value, "result.foreign")
        else:
            found[name] = value
    return found


def fill_result(result: state_pb2.ResultReference, stored: Mapping[str, Any]) -> None:
    """Set the result reference of a message's field, which is empty."""
    result.SetInParent()
    for name, value in stored.items():
        if name == "expires_at":
            values.fill_time(result.expires_at, datetime.datetime.fromisoformat(value))
        elif name == "foreign":
            result.foreign.CopyFrom(values.from_json(value))
        else:
            setattr(result, name, value)


def to_new_state(state: state_pb2.State, field: str = "state") -> NewState:
    """Return a proposed state.

    Raises:
        errors.InvalidArgument: It has no known type, or holds what cannot be stored.
    """
    if not 0 < state.type < len(TYPE_NAMES):
        raise errors.InvalidArgument.of_field(f"{field}.type", "must be a state type")
    state_type = StateType(TYPE_NAMES[state.type])
    details = details_to_json(state.details) if state.HasField("details") else {}
    scheduled_at = details.pop("scheduled_at", None)
    return NewState(
        type=state_type,
        name=state.name or USUAL_NAMES[state_type],
        message=state.message,
        details=details,
        result=result_to_json(state.result) if state.HasField("result") else None,
        scheduled_at=datetime.datetime.fromisoformat(scheduled_at) if scheduled_at is not None else None,
        pause_seconds=details.get("pause_timeout"),
    )


def from_state(state: State) -> state_pb2.State:
    """Return a state."""
    message = state_pb2.State()
    _fill(message, state.state_id, state.type, state.name, state.message, state.at, state.version)
    if state.details:
        fill_details(message.details, state.details)
    if state.result is not None:
        fill_result(message.result, state.result)
    return message


def verdict(name: str, state: State, code: str, reason: str, delay_seconds: float) -> state_pb2.Verdict:
    """Return the answer to a proposal.

    Args:
        name: `accepted`, `rejected`, `wait` or `aborted`.
        state: The state that the run is in.
        code: Stable word for the reason.
        reason: A sentence for people.
        delay_seconds: How long to wait, with `wait`.
    """
    match name:
        case "accepted":
            return state_pb2.Verdict(accepted=state_pb2.Verdict.Accepted(state=from_state(state)))
        case "rejected":
            return state_pb2.Verdict(
                rejected=state_pb2.Verdict.Rejected(state=from_state(state), reason=reason, code=code)
            )
        case "wait":
            delay = values.from_seconds(delay_seconds)
            return state_pb2.Verdict(wait=state_pb2.Verdict.Wait(delay=delay, reason=reason, code=code))
        case _:
            return state_pb2.Verdict(
                aborted=state_pb2.Verdict.Aborted(state=from_state(state), reason=reason, code=code)
            )


def fill_from_run_row(message: state_pb2.State, row: Row, *, with_result: bool) -> None:
    """Set a message's field to the current state of a run, with where its result lies or without."""
    _fill(
        message,
        row["state_id"],
        row["state_type"],
        row["state_name"],
        row["state_message"],
        row["state_at"],
        row["state_version"],
    )
    if details := row["state_details"]:
        fill_details(message.details, details)
    if with_result and (result := row["state_result"]) is not None:
        fill_result(message.result, result)


def from_transition_row(row: Row, *, with_result: bool) -> state_pb2.State:
    """Return the state that a row of history is about, with where its result lies or without."""
    message = state_pb2.State()
    _fill(
        message,
        row["state_id"],
        row["state_type"],
        row["state_name"],
        row["message"],
        row["occurred_at"],
        row["version"],
    )
    if details := row["details"]:
        fill_details(message.details, details)
    if with_result and (result := row["result"]) is not None:
        fill_result(message.result, result)
    return message


def _fill(
    message: state_pb2.State,
    state_id: uuid.UUID,
    state_type: str,
    name: str,
    text: str,
    at: datetime.datetime,
    version: int,
) -> None:
    message.state_id = str(state_id)
    message.type = TYPE_NUMBERS[state_type]  # type: ignore[assignment]
    message.name = name
    if text:
        message.message = text
    values.fill_time(message.occurred_at, at)
    message.version = version


def to_retry_policy(policy: flow_run_pb2.RetryPolicy) -> RetryPolicy:
    """Return a retry policy as the rules know it."""
    kinds = {
        flow_run_pb2.RETRY_KIND_IN_PROCESS: RetryKind.IN_PROCESS,
        flow_run_pb2.RETRY_KIND_RESCHEDULE: RetryKind.RESCHEDULE,
    }
    return RetryPolicy(
        retries=policy.retries,
        delay_seconds=tuple(policy.delay_seconds),
        jitter_factor=policy.jitter_factor,
        infrastructure_retries=max(policy.infrastructure_retries, 0),
        kind=kinds.get(policy.kind),
        pause_keys=tuple(policy.pause_keys),
        resuming=policy.resuming,
    )


def fill_retry_policy(message: flow_run_pb2.RetryPolicy, stored: Mapping[str, Any]) -> None:
    """Set the retry policy of a message's field, which is empty."""
    message.retries = stored.get("retries", 0)
    message.delay_seconds.extend(stored.get("delay_seconds", ()))
    message.jitter_factor = stored.get("jitter_factor", 0.0)
    message.infrastructure_retries = stored.get("infrastructure_retries", 0)
    if kind := stored.get("kind"):
        message.kind = flow_run_pb2.RetryKind.Value(f"RETRY_KIND_{kind}")
    message.pause_keys.extend(stored.get("pause_keys", ()))
    message.resuming = stored.get("resuming", False)


def creator_kind(number: int) -> str:
    """Return the stored name of a kind of creator, "" if it is not known."""
    return _CREATORS.get(number, "")  # type: ignore[call-overload, no-any-return]


def fill_creator(message: state_pb2.Creator, row: Row) -> None:
    """Set the creator of a message's field, which is empty."""
    message.kind = _CREATOR_NUMBERS.get(row["creator_kind"], state_pb2.CREATOR_KIND_UNSPECIFIED)
    message.creator_id = row["creator_id"]
    message.display_name = row["creator_name"]
