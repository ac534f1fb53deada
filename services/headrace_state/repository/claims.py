"""The queue of due runs."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_state.repository.flow_runs import Held
from headrace_state.rules.claims import ClaimingWorker, Place, Wanted
from headrace_state.rules.rows import Row


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimedRun:
    """A run that was claimed, with its payloads."""

    row: Row
    attempt: Held
    worker_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim brought."""

    runs: tuple[ClaimedRun, ...]
    next_due_at: datetime.datetime | None
    """When the next run that is not due yet will be, if the claim looked that far."""
    is_blocked: bool
    """Whether limits hold back runs that are due."""


class Claims(Protocol):
    """The queue of due runs."""

    async def claim(
        self, workspace_id: uuid.UUID, place: Place, workers: Sequence[ClaimingWorker], lease_seconds: float
    ) -> Claimed:
        """Move due runs to PENDING under leases, with a slot of each of their limits, in one transaction.

        Args:
            workspace_id: Whose runs.
            place: Where from.
            workers: Who takes them.
            lease_seconds: How long the leases hold without a renewal.
        """
        ...

    async def find(self, workspace_id: uuid.UUID, wanted: Wanted) -> list[Row]:
        """Return runs that could be claimed, with their payloads, in the order in which they are to be claimed."""
        ...

    async def next_due_at(
        self, workspace_id: uuid.UUID, work_pool_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID]
    ) -> datetime.datetime | None:
        """Return when the next run of pools, or of deployments without one, is due; None if nothing waits."""
        ...

    async def drop_scheduled(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: str | None, *, with_past: bool
    ) -> int:
        """Delete runs that schedules made of a deployment and that did not start; return how many.

        Args:
            workspace_id: Whose runs.
            deployment_id: The deployment.
            schedule_id: Only runs of this schedule; None for all.
            with_past: Whether runs that were due already are deleted, too.
        """
        ...

    async def move(
        self, workspace_id: uuid.UUID, from_queue_id: uuid.UUID, to_queue_id: uuid.UUID, to_queue_name: str
    ) -> int:
        """Move the runs that wait in a queue into another one of its pool; return how many."""
        ...

    async def list_waiting(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the runs of a deployment that did not start."""
        ...
