"""What storage offers, in words of the domain."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from headrace_scheduler.repository.backfills import Backfills
from headrace_scheduler.repository.calendars import Calendars
from headrace_scheduler.repository.service_levels import ServiceLevels
from headrace_scheduler.rules.changes import Change, Violation
from headrace_scheduler.rules.deployment import Concurrency, Content, Deployment, DeploymentFilter, Version
from headrace_scheduler.rules.errands import Errand
from headrace_scheduler.rules.schedule import Schedule
from headrace_scheduler.rules.work_pool import Worker, WorkerStatus, WorkPool, WorkQueue

Result = TypeVar("Result")
Key = tuple[Any, ...]
"""The sort key of the last row of a page."""


@dataclasses.dataclass(frozen=True, slots=True)
class DueSchedule:
    """A schedule that needs its next runs made, with what these runs are made of."""

    schedule: Schedule
    deployment: Deployment


@dataclasses.dataclass(frozen=True, slots=True)
class Advance:
    """How far a schedule has come, if nobody changed it since `revision`."""

    schedule_id: uuid.UUID
    revision: int
    cursor_at: datetime.datetime
    next_at: datetime.datetime | None
    upcoming_at: tuple[datetime.datetime, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a worker on a stream."""

    worker_id: uuid.UUID
    connection_id: uuid.UUID
    is_draining: bool
    has_paused: bool
    flow_run_ids: tuple[uuid.UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What a stream learns when the signs of life of its worker are stored."""

    worker_id: uuid.UUID
    is_connected: bool
    """False if the worker has connected anew elsewhere, or is unknown."""
    drain_reason: str | None
    """Why it shall drain, None if it need not."""
    pause_reason: str
    """Why it shall take nothing new until it is resumed; empty if it may."""


@dataclasses.dataclass(frozen=True, slots=True)
class Executable:
    """What a worker needs of a deployment to run it."""

    content: Content
    concurrency: Concurrency


@dataclasses.dataclass(frozen=True, slots=True)
class StatusChange:
    """A worker whose status changed."""

    worker: Worker
    before: WorkerStatus


class Deployments(Protocol):
    """Deployments and their versions, with their schedules and current content."""

    async def load(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, *, lock: bool = False) -> Deployment | None:
        """Return a deployment, None if there is none."""
        ...

    async def load_by_name(
        self, workspace_id: uuid.UUID, flow_name: str, name: str, *, lock: bool = False
    ) -> Deployment | None:
        """Return a deployment, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: DeploymentFilter, order: str, after: Key | None, limit: int
    ) -> tuple[list[Deployment], Key | None]:
        """Return a page in an order of the contract (`CREATED_DESC`), and the key to go on behind it."""
        ...

    async def insert(self, deployment: Deployment) -> None:
        """Store a new deployment without its version and schedules.

        Raises:
            errors.AlreadyExists: The id or the name is taken.
        """
        ...

    async def update(self, deployment: Deployment) -> None:
        """Store a changed deployment without its schedules."""
        ...

    async def delete(self, deployment_id: uuid.UUID) -> None:
        """Delete a deployment with its versions and schedules."""
        ...

    async def insert_version(self, workspace_id: uuid.UUID, version: Version) -> None:
        """Store a version."""
        ...

    async def load_version(self, workspace_id: uuid.UUID, version_id: uuid.UUID) -> Version | None:
        """Return a version, None if there is none."""
        ...

    async def load_numbered(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, number: int) -> Version | None:
        """Return a version by its number, None if there is none."""
        ...

    async def load_executables(self, version_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Executable]:
        """Return what workers need of those versions that exist."""
        ...

    async def list_versions(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, before: int | None, limit: int
    ) -> list[Version]:
        """Return versions with numbers below `before`, newest first."""
        ...


class Schedules(Protocol):
    """Schedules."""

    async def load(self, workspace_id: uuid.UUID, schedule_id: uuid.UUID) -> Schedule | None:
        """Return a schedule, None if there is none."""
        ...

    async def insert(self, workspace_id: uuid.UUID, schedule: Schedule) -> None:
        """Store a new schedule.

        Raises:
            errors.AlreadyExists: The slug is taken in the deployment.
        """
        ...

    async def update(self, schedule: Schedule) -> None:
        """Store a schedule that a user changed.

        Raises:
            errors.AlreadyExists: The slug is taken in the deployment.
        """
        ...

    async def delete(self, schedule_id: uuid.UUID) -> None:
        """Delete a schedule."""
        ...

    async def list_due(self, limit: int) -> tuple[list[DueSchedule], datetime.datetime]:
        """Return schedules that need runs made, longest due first, and the time by the database's clock.

        Schedules whose earlier runs have yet to be dropped are left out.
        """
        ...

    async def advance(self, advances: Sequence[Advance]) -> set[uuid.UUID]:
        """Store how far schedules have come; return those that nobody had changed."""
        ...

    async def reopen(self, schedule_ids: Sequence[uuid.UUID]) -> None:
        """Have the runs to come of schedules made anew, as after a change by a user."""
        ...


class Pools(Protocol):
    """Work pools and work queues."""

    async def load(self, workspace_id: uuid.UUID, name: str, *, lock: bool = False) -> WorkPool | None:
        """Return a pool by name, None if there is none."""
        ...

    async def load_by_id(self, work_pool_id: uuid.UUID) -> WorkPool | None:
        """Return a pool, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, types: Sequence[str], name_contains: str, after: str | None, limit: int
    ) -> list[WorkPool]:
        """Return pools with names behind `after`, by name."""
        ...

    async def insert(self, pool: WorkPool) -> bool:
        """Store a new pool; False if its name is taken."""
        ...

    async def update(self, pool: WorkPool) -> None:
        """Store a changed pool."""
        ...

    async def delete(self, work_pool_id: uuid.UUID) -> None:
        """Delete a pool with its queues and workers."""
        ...

    async def count_deployments(self, work_pool_id: uuid.UUID, work_queue_id: uuid.UUID | None = None) -> int:
        """Return how many deployments name the pool, or its queue."""
        ...

    async def list_queues(self, work_pool_id: uuid.UUID) -> list[WorkQueue]:
        """Return the queues of a pool by priority."""
        ...

    async def load_queue(self, work_pool_id: uuid.UUID, name: str) -> WorkQueue | None:
        """Return a queue by name, None if there is none."""
        ...

    async def load_queue_by_id(self, workspace_id: uuid.UUID, work_queue_id: uuid.UUID) -> WorkQueue | None:
        """Return a queue, None if there is none."""
        ...

    async def insert_queue(self, queue: WorkQueue) -> bool:
        """Store a new queue; False if its name is taken."""
        ...

    async def update_queue(self, queue: WorkQueue) -> None:
        """Store a changed queue."""
        ...

    async def delete_queue(self, work_queue_id: uuid.UUID) -> None:
        """Delete a queue."""
        ...


class Workers(Protocol):
    """Workers."""

    async def connect(self, worker: Worker, connection_id: uuid.UUID) -> tuple[Worker, WorkerStatus | None]:
        """Store that a worker stands on a new stream; return it and its status before, None for a new one.

        Raises:
            errors.AlreadyExists: The id belongs to a worker of another workspace.
        """
        ...

    async def poll(self, worker: Worker, silent_seconds: float) -> tuple[Worker, WorkerStatus | None]:
        """Store a sign of life of a worker without a stream; return it and its status before, None for a new one.

        Raises:
            errors.AlreadyExists: The id belongs to a worker of another workspace.
        """
        ...

    async def delete(self, workspace_id: uuid.UUID, worker_id: uuid.UUID) -> Worker | None:
        """Delete a worker and return it, None if there is none."""
        ...

    async def disconnect(self, worker_id: uuid.UUID, connection_id: uuid.UUID) -> StatusChange | None:
        """Make a worker OFFLINE if it still stands on that stream; None if it does not."""
        ...

    async def beat(self, beats: Sequence[Beat]) -> tuple[list[Heard], list[StatusChange]]:
        """Store signs of life; return what streams have to know, and workers whose status changed by it."""
        ...

    async def expire(self, silent_seconds: float) -> list[StatusChange]:
        """Make workers OFFLINE that were not heard of for so long, and return them."""
        ...

    async def forget(self, offline_seconds: float) -> int:
        """Delete workers that were not heard of for so long; return how many."""
        ...

    async def request_drain(self, workspace_id: uuid.UUID, worker_id: uuid.UUID, reason: str) -> Worker | None:
        """Store that a worker shall drain; None if there is none."""
        ...

    async def request_pause(self, workspace_id: uuid.UUID, worker_id: uuid.UUID, reason: str | None) -> Worker | None:
        """Store why a worker shall pause, None if it shall go on; None if there is no such worker."""
        ...

    async def load(self, worker_id: uuid.UUID) -> Worker | None:
        """Return a worker, None if there is none."""
        ...

    async def list_serving(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[Worker]:
        """Return the processes that serve a deployment and are not OFFLINE."""
        ...

    async def count_online(self, work_pool_id: uuid.UUID) -> int:
        """Return how many workers of a pool are ONLINE."""
        ...

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        work_pool_name: str,
        statuses: Sequence[WorkerStatus],
        after: uuid.UUID | None,
        limit: int,
    ) -> list[Worker]:
        """Return workers behind an id, by id."""
        ...


class Errands(Protocol):
    """What the state service has yet to be told."""

    async def add(self, errand: Errand) -> None:
        """Store an errand with the change that makes it necessary."""
        ...

    async def list_open(self, limit: int) -> list[Errand]:
        """Return errands, oldest first."""
        ...

    async def take(self, errand: Errand, *, wait: bool) -> Errand | None:
        """Lock an errand and return it as it is now.

        Args:
            errand: Which one.
            wait: Whether to wait where another runs it; else it is left to that one.

        Returns:
            None if it is done, or left to another.
        """
        ...

    async def finish(self, errand: Errand) -> None:
        """Delete a taken errand."""
        ...

    async def current_limit(self, kind: str, identifier: uuid.UUID) -> int | None:
        """Return the limit that a `work-pool`, `work-queue` or `deployment` has now; None if none or it is gone."""
        ...


class Unit(Protocol):
    """One transaction on the scheduler's tables."""

    @property
    def deployments(self) -> Deployments:
        """Deployments."""
        ...

    @property
    def schedules(self) -> Schedules:
        """Schedules."""
        ...

    @property
    def pools(self) -> Pools:
        """Work pools."""
        ...

    @property
    def workers(self) -> Workers:
        """Workers."""
        ...

    @property
    def calendars(self) -> Calendars:
        """Calendars."""
        ...

    @property
    def backfills(self) -> Backfills:
        """Backfills."""
        ...

    @property
    def service_levels(self) -> ServiceLevels:
        """Service levels."""
        ...

    @property
    def errands(self) -> Errands:
        """Errands."""
        ...

    async def now(self) -> datetime.datetime:
        """Return the time of the transaction by the database's clock."""
        ...

    async def tell(self, change: Change) -> None:
        """Tell others of a change, once the transaction has committed."""
        ...

    async def tell_violation(self, violation: Violation) -> None:
        """Tell others that a promise was broken, once the transaction has committed."""
        ...

    def wake(self, channel: str) -> None:
        """Wake whoever waits on a channel, once the transaction has committed."""
        ...


class Store(Protocol):
    """The scheduler's tables."""

    async def run(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction; again from the start if it lost against another."""
        ...

    async def rehearse(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction, and undo it."""
        ...

    async def read(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work`, which only reads, without a transaction around it."""
        ...
