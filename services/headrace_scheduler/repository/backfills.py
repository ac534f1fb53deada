"""Where backfills are kept."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Protocol

from headrace_scheduler.rules.backfill import Backfill, Item, ItemState, Status


class Backfills(Protocol):
    """Backfills with their runs."""

    async def insert(self, backfill: Backfill, items: Sequence[Item]) -> bool:
        """Store a new backfill; False if its id is known."""
        ...

    async def load(self, workspace_id: uuid.UUID, backfill_id: uuid.UUID, *, lock: bool = False) -> Backfill | None:
        """Return a backfill with its progress, None if there is none."""
        ...

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        deployment_id: uuid.UUID | None,
        statuses: Sequence[Status],
        before: uuid.UUID | None,
        limit: int,
    ) -> list[Backfill]:
        """Return backfills with ids below `before`, newest first."""
        ...

    async def list_unsettled(self, limit: int) -> list[Backfill]:
        """Return backfills of all workspaces that make runs or wait for runs, those longest untouched first."""
        ...

    async def set_status(self, backfill: Backfill) -> None:
        """Store status, message and end of a backfill."""
        ...

    async def touch(self, backfill_id: uuid.UUID) -> None:
        """Note that a backfill was looked at, so that others come before it."""
        ...

    async def list_items(self, backfill_id: uuid.UUID, after: int, limit: int) -> list[Item]:
        """Return runs with numbers above `after`, in order."""
        ...

    async def list_in_state(self, backfill_id: uuid.UUID, state: ItemState, limit: int) -> list[Item]:
        """Return runs in a state, in order."""
        ...

    async def activate(self, backfill_id: uuid.UUID, flow_runs: Mapping[int, uuid.UUID]) -> None:
        """Store that runs were made, by number."""
        ...

    async def end_items(self, backfill_id: uuid.UUID, states: Mapping[int, ItemState]) -> None:
        """Store in which states runs ended, by number."""
        ...

    async def cancel_waiting(self, backfill_id: uuid.UUID) -> None:
        """Take runs that are not made yet as cancelled."""
        ...

    async def reopen_items(self, backfill_id: uuid.UUID) -> int:
        """Let runs that are over and did not complete wait again; return how many."""
        ...
