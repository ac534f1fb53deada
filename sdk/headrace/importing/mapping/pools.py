"""Work pools and their queues, and limits by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import concurrency_pb2, work_pool_pb2
from headrace.importing.mapping.values import struct, text

DEFAULT_QUEUE = "default"
OWNED = ("deployment:", "work-pool:", "work-queue:")
"""How names of limits begin that belong to something else, and come with it."""


def work_pool(found: Mapping[str, Any]) -> work_pool_pb2.WorkPool:
    """Return a work pool. Queues are strictly by priority, as there."""
    return work_pool_pb2.WorkPool(
        name=text(found["name"]),
        description=text(found.get("description")),
        type=text(found.get("type")),
        base_job_template=struct(found.get("base_job_template")),
        paused=bool(found.get("is_paused")),
        concurrency_limit=found.get("concurrency_limit"),
        queue_policy=work_pool_pb2.QUEUE_POLICY_STRICT,
        storage_configuration=struct(_set(found.get("storage_configuration"))),
    )


def work_queue(found: Mapping[str, Any]) -> work_pool_pb2.WorkQueue:
    """Return a work queue."""
    return work_pool_pb2.WorkQueue(
        name=text(found["name"]),
        description=text(found.get("description")),
        priority=int(found.get("priority") or 1),
        paused=bool(found.get("is_paused")),
        concurrency_limit=found.get("concurrency_limit"),
    )


def limit(found: Mapping[str, Any]) -> concurrency_pb2.SetConcurrencyLimitRequest:
    """Return a limit by name; those of tags are named `tag:<tag>` on both sides."""
    return concurrency_pb2.SetConcurrencyLimitRequest(
        name=text(found["name"]),
        limit=int(found["limit"]),
        active=bool(found.get("active", True)),
        slot_decay_per_second=float(found.get("slot_decay_per_second") or 0.0),
    )


def tag_limit(found: Mapping[str, Any]) -> concurrency_pb2.SetConcurrencyLimitRequest:
    """Return the limit of a tag, as older servers list it."""
    return concurrency_pb2.SetConcurrencyLimitRequest(
        name=f"tag:{text(found['tag'])}", limit=int(found["concurrency_limit"]), active=True
    )


def _set(found: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (found or {}).items() if value is not None}
