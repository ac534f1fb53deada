"""Work pools, their queues, and the workers that take from them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_scheduler.rules.deployment import Status

DEFAULT_QUEUE = "default"


class QueuePolicy(enum.StrEnum):
    """How queues share the workers of their pool."""

    WEIGHTED = "WEIGHTED"
    STRICT = "STRICT"


class WorkerStatus(enum.StrEnum):
    """Whether a worker is there."""

    ONLINE = "ONLINE"
    DRAINING = "DRAINING"
    PAUSED = "PAUSED"
    OFFLINE = "OFFLINE"


@dataclasses.dataclass(frozen=True, slots=True)
class WorkQueue:
    """A line in a work pool."""

    work_queue_id: uuid.UUID
    workspace_id: uuid.UUID
    work_pool_id: uuid.UUID
    work_pool_name: str
    name: str
    description: str
    priority: int
    weight: int
    paused: bool
    concurrency_limit: int | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    status: Status = Status.NOT_READY


@dataclasses.dataclass(frozen=True, slots=True)
class WorkPool:
    """Where due runs wait for workers of one kind."""

    work_pool_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    description: str
    type: str
    base_job_template: Mapping[str, Any]
    paused: bool
    concurrency_limit: int | None
    default_queue_id: uuid.UUID
    queue_policy: QueuePolicy
    start_timeout_seconds: float | None
    storage_configuration: Mapping[str, Any]
    created_at: datetime.datetime
    updated_at: datetime.datetime
    status: Status = Status.NOT_READY


@dataclasses.dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes runs: of a pool, or of the deployments that it serves."""

    worker_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    work_pool_id: uuid.UUID | None
    work_pool_name: str
    work_queue_names: tuple[str, ...]
    deployment_ids: tuple[uuid.UUID, ...]
    type: str
    status: WorkerStatus
    capacity: int
    flow_run_ids: tuple[uuid.UUID, ...]
    labels: Mapping[str, Any]
    client_version: str
    host: str
    started_at: datetime.datetime
    last_heartbeat_at: datetime.datetime
    drain_reason: str = ""
    pause_reason: str = ""
    """Why it was told to take nothing new; empty if it was not, or paused itself."""


def check_name(name: str, field: str, what: str) -> str | None:
    """Return what is wrong with a name, None if nothing is."""
    if not name.strip():
        return f"the {what} needs a name"
    if len(name) > 255:
        return "must have at most 255 characters"
    if any(sign in name for sign in "/%&<>") or name != name.strip():
        return "must not contain / % & < > nor begin or end with a space"
    return None
