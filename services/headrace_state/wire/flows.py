"""Flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace.api.v1 import flow_pb2
from headrace.ids import uuid7
from headrace_state.rules.flows import NewFlow
from headrace_state.rules.rows import Row
from headrace_state.wire.creation import unique
from headrace_state.wire.values import from_object, from_time, to_object, to_optional_id


def flow(row: Row) -> flow_pb2.Flow:
    """Return the flow in a row."""
    return flow_pb2.Flow(
        flow_id=str(row["flow_id"]),
        name=row["name"],
        description=row["description"],
        tags=row["tags"],
        labels=from_object(row["labels"]),
        created_at=from_time(row["created_at"]),
        updated_at=from_time(row["updated_at"]),
    )


def to_new_flow(request: flow_pb2.CreateFlowRequest) -> NewFlow:
    """Return the flow that a request asks for.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    return NewFlow(
        flow_id=to_optional_id(request.flow_id, "flow_id") or uuid7(),
        name=request.name,
        description=request.description,
        tags=tuple(unique(request.tags)),
        labels=to_object(request.labels, "labels"),
    )


def to_changes(message: flow_pb2.Flow, fields: Sequence[str]) -> dict[str, Any]:
    """Return the columns that an update of `fields` changes.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    found: dict[str, Any] = {}
    for field in fields:
        match field:
            case "labels":
                found[field] = to_object(message.labels, "flow.labels")
            case "tags":
                found[field] = unique(message.tags)
            case _:
                found[field] = message.description
    return found
