"""Flows."""

from __future__ import annotations

from typing import Any

from headrace.api.v1 import flow_pb2
from headrace_prefect.shapes import scalars


def flow_json(flow: flow_pb2.Flow) -> dict[str, Any]:
    """Return a flow."""
    return {
        "id": flow.flow_id,
        "created": scalars.moment(flow, "created_at"),
        "updated": scalars.moment(flow, "updated_at"),
        "name": flow.name,
        "tags": list(flow.tags),
        "labels": scalars.of_struct(flow.labels),
    }
