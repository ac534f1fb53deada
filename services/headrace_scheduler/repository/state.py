"""What the state service offers, in words of the domain."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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
    maximum_lateness_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CreatedRun:
    """A run that was created or found."""

    flow_run: object
    """As the state service tells it; handed on as it is."""
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


class StateService(Protocol):
    """What the scheduler asks of the state service, always for one workspace."""

    async def find_or_create_flow(self, workspace_id: uuid.UUID, name: str) -> uuid.UUID:
        """Return the id of the flow with a name."""
        ...

    async def create_runs(self, workspace_id: uuid.UUID, runs: Sequence[NewRun]) -> list[CreatedRun]:
        """Create up to 1,000 scheduled runs, or find those that exist, in the given order."""
        ...

    async def claim(self, workspace_id: uuid.UUID, claim: Claim) -> Claimed:
        """Claim due runs."""
        ...

    async def return_runs(self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], reason: str) -> None:
        """Give claimed runs back that nobody took."""
        ...

    async def renew(self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float) -> Renewed:
        """Renew the leases of attempts."""
        ...

    async def end_attempts(self, workspace_id: uuid.UUID, ended: Sequence[EndedAttempt]) -> None:
        """Store how attempts ended."""
        ...

    async def drop_runs(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: uuid.UUID | None, *, all_runs: bool
    ) -> int:
        """Drop runs that did not start; return how many."""
        ...

    async def next_due(
        self, workspace_id: uuid.UUID, work_pool_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID]
    ) -> datetime.datetime | None:
        """Return when the next run of these places is due, None if nothing waits."""
        ...

    async def set_limit(self, workspace_id: uuid.UUID, name: str, limit: int | None) -> None:
        """Set or remove a limit that belongs to a thing."""
        ...

    async def count_active(
        self, workspace_id: uuid.UUID, *, work_pool_id: uuid.UUID | None = None, work_queue_id: uuid.UUID | None = None
    ) -> int:
        """Return how many runs of a pool or queue hold a slot of it."""
        ...
