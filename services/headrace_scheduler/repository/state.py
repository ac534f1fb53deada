"""What the state service offers, in words of the domain."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from headrace_scheduler.rules.explanation import RunFacts
from headrace_scheduler.rules.runs import (
    AttemptRef,
    Claim,
    Claimed,
    ClaimSearch,
    CreatedRun,
    EndedAttempt,
    NewRun,
    Renewed,
)
from headrace_scheduler.rules.service_level import LevelRun


class StateService(Protocol):
    """What the scheduler asks of the state service, always for one workspace."""

    async def find_or_create_flow(self, workspace_id: uuid.UUID, name: str) -> uuid.UUID:
        """Return the id of the flow with a name."""
        ...

    async def create_runs(self, workspace_id: uuid.UUID, runs: Sequence[NewRun]) -> list[CreatedRun]:
        """Create up to 1,000 scheduled runs, or find those that exist, in the given order."""
        ...

    async def state_types(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
        """Return the types of the states of those runs that exist."""
        ...

    async def cancel_run(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, reason: str) -> None:
        """Ask a run to stop; one that is gone or over is left alone."""
        ...

    async def latest_completed(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> LevelRun | None:
        """Return the run of a deployment that completed last, None if none has."""
        ...

    async def runs_to_judge(
        self,
        workspace_id: uuid.UUID,
        deployment_id: uuid.UUID,
        *,
        started: bool,
        open_since: datetime.datetime,
        over_since: datetime.datetime,
    ) -> list[LevelRun]:
        """Return runs of a deployment that promises are about, at most 200 of each sort.

        Args:
            workspace_id: Whose runs.
            deployment_id: Of which deployment.
            started: True: runs that started before `open_since` and are not over, and those that ended after
                `over_since`. False: runs that were expected before `open_since` and have not started, and those that
                started after `over_since`.
            open_since: See `started`.
            over_since: See `started`.
        """
        ...

    async def claim(self, workspace_id: uuid.UUID, claim: Claim) -> Claimed:
        """Claim due runs."""
        ...

    async def find_claimable(self, workspace_id: uuid.UUID, search: ClaimSearch) -> list[object]:
        """Return runs that could be claimed, in the order in which they are to be, as the state service tells them."""
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

    async def describe_run(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> RunFacts:
        """Return all that is known about why a run is where it is.

        Raises:
            errors.NotFound: There is no such run.
        """
        ...

    async def move_runs(
        self, workspace_id: uuid.UUID, from_queue_id: uuid.UUID, to_queue_id: uuid.UUID, to_queue_name: str
    ) -> int:
        """Move the runs that wait in a queue into another one of its pool; return how many."""
        ...

    async def count_active(
        self, workspace_id: uuid.UUID, *, work_pool_id: uuid.UUID | None = None, work_queue_id: uuid.UUID | None = None
    ) -> int:
        """Return how many runs of a pool or queue hold a slot of it."""
        ...


class StateChanges(Protocol):
    """What happens in the state service, as it happens."""

    def cancelling(self) -> AsyncIterator[list[uuid.UUID]]:
        """Yield runs that entered CANCELLING from now on; never ends by itself.

        Raises:
            errors.Unavailable: The state service does not answer, or no longer.
        """
        ...
