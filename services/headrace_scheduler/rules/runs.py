"""Runs between the scheduler, the state service and workers."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

from headrace_scheduler.rules.deployment import Creator, Deployment, RetryPolicy, Strategy
from headrace_scheduler.rules.fair_shares import Quota
from headrace_scheduler.rules.work_pool import WorkQueue


@dataclasses.dataclass(frozen=True, slots=True)
class NewRun:
    """A run of a deployment that is to be created."""

    flow_run_id: uuid.UUID
    deployment: Deployment
    version_id: uuid.UUID
    flow_version: str
    name: str
    scheduled_at: datetime.datetime | None
    """None: now."""
    parameters: Mapping[str, Any]
    job_variables: Mapping[str, Any]
    context: Mapping[str, Any]
    tags: tuple[str, ...]
    labels: Mapping[str, Any]
    retry_policy: RetryPolicy | None
    creator: Creator
    idempotency_key: str = ""
    parent_task_run_id: uuid.UUID | None = None
    parent_flow_run_id: uuid.UUID | None = None
    work_queue: WorkQueue | None = None
    """A queue other than the deployment's."""
    auto_scheduled: bool = False
    limits: tuple[str, ...] = ()
    strategy: Strategy = Strategy.ENQUEUE
    worker_labels: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    maximum_lateness_seconds: float | None = None
    keyed_limits: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """Slots of limits, by name, that runs with the same key share."""


@dataclasses.dataclass(frozen=True, slots=True)
class CreatedRun:
    """A run that was created or found."""

    flow_run: object
    """As the state service tells it; handed on as it is."""
    flow_run_id: uuid.UUID
    is_new: bool


@dataclasses.dataclass(frozen=True, slots=True)
class AttemptRef:
    """Names an attempt."""

    flow_run_id: uuid.UUID
    token: str


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimFor:
    """A worker that takes some of the runs of a claim."""

    worker_id: uuid.UUID
    worker_name: str
    labels: Mapping[str, Any]
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Which due runs to claim for whom."""

    work_pool_id: uuid.UUID | None
    quotas: tuple[Quota, ...]
    deployment_ids: tuple[uuid.UUID, ...]
    count: int
    workers: tuple[ClaimFor, ...]
    lease_seconds: float
    start_timeout_seconds: float | None = None
    """How long their infrastructure may take to start; None: as long as it takes."""


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimSearch:
    """Which runs are looked for that could be claimed."""

    work_pool_id: uuid.UUID | None
    """None: those of the deployments."""
    work_queue_ids: tuple[uuid.UUID, ...]
    """In the order in which they are served."""
    deployment_ids: tuple[uuid.UUID, ...]
    labels: Mapping[str, Any]
    """Runs of a pool have to ask all of these of their worker."""
    count: int
    due_from: datetime.datetime | None = None
    due_before: datetime.datetime | None = None
    """None: now."""


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that was claimed for a worker."""

    attempt: AttemptRef
    worker_id: uuid.UUID | None
    """For whom; None if the state service does not say."""
    work_queue_id: uuid.UUID | None
    deployment_id: uuid.UUID | None
    version_id: uuid.UUID | None
    job_variables: Mapping[str, Any]
    flow_run: object
    """As the state service tells it; handed on as it is."""
    attempt_message: object


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """What came of a claim."""

    runs: tuple[ClaimedRun, ...]
    next_due_at: datetime.datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Renewed:
    """What came of renewing leases."""

    lease_expires_at: datetime.datetime | None
    flow_run_ids: frozenset[uuid.UUID]
    lost: Mapping[uuid.UUID, object]
    """Runs that an attempt no longer holds, with their states."""
    cancelling: frozenset[uuid.UUID]


class AttemptEnd(enum.StrEnum):
    """Which state a run enters at the end of an attempt, if it is not final."""

    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"
    SCHEDULED = "SCHEDULED"


@dataclasses.dataclass(frozen=True, slots=True)
class EndedAttempt:
    """How an attempt ended in the eyes of its worker."""

    attempt: AttemptRef
    state: AttemptEnd
    message: str
    reason: str
