"""Concurrency limits.

Limits have names here and no ids; the id that Prefect's client sees is made from the name, so it is always the same.
"""

from __future__ import annotations

import uuid
from typing import Any

from headrace.api.v1 import concurrency_pb2
from headrace_prefect.shapes import scalars

LIMITS = uuid.UUID("0d9b5c0e-7f1e-5d8c-8f64-0d0c5dbd9a01")
"""Ids of limits are made from this one and the name."""
TAG = "tag:"
TASK_RUN = "task-run"

_OCCUPANCY_SECONDS = 2.0


def limit_id(name: str) -> str:
    """Return the id that stands for the limit with a name."""
    return str(uuid.uuid5(LIMITS, name))


def shape(limit: concurrency_pb2.ConcurrencyLimit) -> dict[str, Any]:
    """Return a limit."""
    return {
        "id": limit_id(limit.name),
        "created": scalars.moment(limit, "created_at"),
        "updated": scalars.moment(limit, "updated_at"),
        "active": limit.active,
        "name": limit.name,
        "limit": limit.limit,
        "active_slots": limit.active_slots,
        "denied_slots": sum(waiter.slots for waiter in limit.waiters),
        "slot_decay_per_second": limit.slot_decay_per_second,
        "avg_slot_occupancy_seconds": _OCCUPANCY_SECONDS,
    }


def minimal(limit: concurrency_pb2.ConcurrencyLimit) -> dict[str, Any]:
    """Return a limit as those who take slots see it."""
    return {"id": limit_id(limit.name), "name": limit.name, "limit": limit.limit}


def of_tag(limit: concurrency_pb2.ConcurrencyLimit) -> dict[str, Any]:
    """Return a limit of tasks with a tag; `active_slots` are the task runs that hold its slots."""
    return {
        "id": limit_id(limit.name),
        "created": scalars.moment(limit, "created_at"),
        "updated": scalars.moment(limit, "updated_at"),
        "tag": limit.name.removeprefix(TAG),
        "concurrency_limit": limit.limit,
        "active_slots": [holder.holder_id for holder in limit.holders if _is_task_run(holder)],
    }


def _is_task_run(holder: concurrency_pb2.SlotHolder) -> bool:
    try:
        uuid.UUID(holder.holder_id)
    except ValueError:
        return False
    return holder.holder_kind == TASK_RUN
