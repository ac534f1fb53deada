"""What goes when it is old, and how much there is."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_state.rules.retention import RetentionRule
from headrace_state.rules.rows import Row

Place = tuple[datetime.datetime, uuid.UUID]
"""A run's place among those that ended: when, and its id."""


@dataclasses.dataclass(frozen=True, slots=True)
class EndedRun:
    """A flow run that is final and part of no other's tree."""

    flow_run_id: uuid.UUID
    ended_at: datetime.datetime
    deployment_id: uuid.UUID | None
    tags: Sequence[str]

    @property
    def place(self) -> Place:
        """Where to go on behind it."""
        return self.ended_at, self.flow_run_id


class Retention(Protocol):
    """Rules of all workspaces, and what they are about."""

    async def list_rules(self, workspace_id: uuid.UUID) -> list[RetentionRule]:
        """Return the rules of a workspace, the most general first."""
        ...

    async def set_rule(self, workspace_id: uuid.UUID, rule: RetentionRule) -> RetentionRule:
        """Set a rule in place of the one for the same kind and subject; return it."""
        ...

    async def delete_rule(self, workspace_id: uuid.UUID, kind: str, scope: str, subject: str) -> bool:
        """Delete a rule; return whether there was one."""
        ...

    async def list_sizes(self) -> list[Row]:
        """Return how much room each table takes, the largest first."""
        ...

    async def database_bytes(self) -> int:
        """Return how much room the database takes."""
        ...

    async def list_workspaces(self) -> list[uuid.UUID]:
        """Return the workspaces that may have something to delete."""
        ...

    async def list_ended(
        self, workspace_id: uuid.UUID, older_than_days: float, after: Place | None, limit: int
    ) -> list[EndedRun]:
        """Return runs that ended so many days ago, without a tree or at its top, behind a place, oldest first."""
        ...

    async def delete_trees(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> int:
        """Delete runs with all that belongs to them, in small transactions that wait for nobody.

        Trees with a run that is not final are left alone.

        Returns:
            How many runs are gone, with those below the ones named.
        """
        ...

    async def delete_background_task_runs(self, workspace_id: uuid.UUID, older_than_days: float, limit: int) -> int:
        """Delete background task runs that ended so many days ago; return how many."""
        ...

    async def delete_artifacts(self, workspace_id: uuid.UUID, older_than_days: float, limit: int) -> int:
        """Delete artifacts that did not change for so many days, are not the latest of a key, and whose runs are gone.

        Returns:
            How many.
        """
        ...
