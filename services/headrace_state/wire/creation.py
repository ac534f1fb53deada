"""Requests to create and change flow runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import flow_run_pb2
from headrace_state.rules.facts import NewState
from headrace_state.rules.policies import policy_to_json
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.rules.wishes import PoolPlace, Wish
from headrace_state.wire import states, values

_CREATORS = {
    "user": "USER",
    "local": "USER",
    "service_account": "SERVICE_ACCOUNT",
    "service": "SYSTEM",
    "flow_run": "FLOW_RUN",
}

SCHEDULED_NOW = NewState(StateType.SCHEDULED, USUAL_NAMES[StateType.SCHEDULED])
"""The first state of a run for which none is given."""


def to_wish(
    request: flow_run_pb2.CreateFlowRunRequest,
    kind: str,
    principal_id: str,
    display_name: str,
    place: PoolPlace | None = None,
) -> Wish:
    """Return the flow run that a request asks for.

    Args:
        request: The request.
        kind: What kind of principal the caller is.
        principal_id: The caller.
        display_name: The caller's name.
        place: Where it waits for a worker.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    has_state = request.HasField("state")
    parent_id = values.to_optional_id(request.parent_flow_run_id, "parent_flow_run_id")
    creator = ("FLOW_RUN", str(parent_id), "") if parent_id else creator_of(kind, principal_id, display_name)
    return Wish(
        state=states.to_new_state(request.state) if has_state else SCHEDULED_NOW,
        flow_run_id=values.to_optional_id(request.flow_run_id, "flow_run_id"),
        state_id=values.to_optional_id(request.state.state_id, "state.state_id") if has_state else None,
        flow_id=values.to_optional_id(request.flow_id, "flow_id"),
        flow_name=request.flow_name,
        name=request.name,
        policy=states.to_retry_policy(request.retry_policy),
        columns={
            "flow_version": request.flow_version,
            "tags": unique(request.tags),
            "labels": values.to_object(request.labels, "labels"),
            "idempotency_key": request.idempotency_key or None,
            "parent_task_run_id": values.to_optional_id(request.parent_task_run_id, "parent_task_run_id"),
            "parent_flow_run_id": parent_id,
            "infrastructure_id": request.infrastructure_id,
            "creator_kind": creator[0],
            "creator_id": creator[1],
            "creator_name": creator[2],
            **_place_columns(place),
            "worker_labels": values.to_object(request.worker_labels, "worker_labels"),
        },
        payloads={
            "parameters": values.to_object(request.parameters, "parameters"),
            "job_variables": values.to_object(request.job_variables, "job_variables"),
            "context": values.to_object(request.context, "context"),
        },
        own_token=values.to_optional_id(request.own_token, "own_token"),
    )


def _place_columns(place: PoolPlace | None) -> dict[str, Any]:
    if place is None:
        return {}
    limits = [f"work-pool:{place.work_pool_id}", f"work-queue:{place.work_queue_id}"]
    return {**dataclasses.asdict(place), "limits": limits}


def creator_of(kind: str, principal_id: str, display_name: str) -> tuple[str, str, str]:
    """Return the stored kind, id and name of a caller as the creator of something."""
    return _CREATORS.get(kind, ""), principal_id, display_name


def unique(words: Iterable[str]) -> list[str]:
    """Return words once each, in their order."""
    return list(dict.fromkeys(words))


def to_changes(flow_run: flow_run_pb2.FlowRun, fields: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the columns and the payloads that an update of `fields` changes.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    columns: dict[str, Any] = {}
    payloads: dict[str, Any] = {}
    for field in fields:
        match field:
            case "parameters" | "job_variables":
                payloads[field] = values.to_object(getattr(flow_run, field), f"flow_run.{field}")
            case "labels":
                columns[field] = values.to_object(flow_run.labels, "flow_run.labels")
            case "tags":
                columns[field] = unique(flow_run.tags)
            case "retry_policy":
                columns[field] = policy_to_json(states.to_retry_policy(flow_run.retry_policy))
            case "name" if not flow_run.name:
                raise errors.InvalidArgument.of_field("flow_run.name", "must not be empty")
            case _:
                columns[field] = getattr(flow_run, field)
    return columns, payloads
