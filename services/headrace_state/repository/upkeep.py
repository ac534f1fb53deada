"""What loops look for."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A lease that was not renewed in time."""

    lease_id: uuid.UUID
    workspace_id: uuid.UUID
    flow_run_id: uuid.UUID | None
    """The run that it is for; None for a client's."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunRef:
    """A flow run and whose it is."""

    workspace_id: uuid.UUID
    flow_run_id: uuid.UUID


@dataclasses.dataclass(frozen=True, slots=True)
class WithoutSlot:
    """A due run that found no slot."""

    run: RunRef
    strategy: int
    """Number of the concurrency strategy."""


class Upkeep(Protocol):
    """What loops look for, in all workspaces."""

    async def now(self) -> datetime.datetime:
        """Return the time by the database's clock."""
        ...

    async def list_expired_leases(self, since: datetime.datetime, limit: int) -> list[ExpiredLease]:
        """Return leases that expired, and whose holders had the time of a whole lease since `since` to renew them."""
        ...

    async def drop_gone_waiters(self) -> int:
        """Take those out of line who did not come back; return how many."""
        ...

    async def mark_late(self, after_seconds: float, limit: int, within_seconds: float | None = None) -> int:
        """Mark runs late that are due since `after_seconds`, cancel those that are too late to run; return how many.

        Args:
            after_seconds: How long a run is due that is late.
            limit: How many at most.
            within_seconds: Only those that are due no longer than that; None looks at all.
        """
        ...

    async def list_without_slots(self, limit: int) -> list[WithoutSlot]:
        """Return due runs that found no slot and whose deployments say that somebody has to give way."""
        ...

    async def find_oldest_running(self, ref: RunRef) -> uuid.UUID | None:
        """Return the oldest run of the same deployment that is executed; None if none is, or one stops already."""
        ...

    async def list_expired_pauses(self, limit: int) -> list[RunRef]:
        """Return runs whose pause timed out."""
        ...

    async def list_stuck_cancellations(self, after_seconds: float, limit: int) -> list[RunRef]:
        """Return runs that were asked to stop `after_seconds` ago and have not stopped."""
        ...
