"""Bulk operations."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace_state.rules.bulk import BulkAction, BulkProgress
from headrace_state.rules.rows import Row

CHANNEL = "bulk-operation"
"""Notified whenever an operation came further."""


@dataclasses.dataclass(frozen=True, slots=True)
class NewBulkOperation:
    """An operation that is to be started."""

    bulk_operation_id: uuid.UUID
    action: BulkAction
    filter: Mapping[str, Any]
    """As it was asked for, in JSON."""
    run_count: int
    is_capped: bool
    creator: tuple[str, str, str]
    """Kind, id and name of who starts it."""


class BulkOperations(Protocol):
    """The bulk operations of all workspaces."""

    async def create(self, workspace_id: uuid.UUID, new: NewBulkOperation) -> Row:
        """Start an operation, or return the one with its id.

        Raises:
            errors.AlreadyExists: The id is taken.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, bulk_operation_id: uuid.UUID) -> Row | None:
        """Return an operation, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, statuses: Sequence[str], after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, newest first, and the key to go on behind it (None at the end)."""
        ...

    async def cancel(self, workspace_id: uuid.UUID, bulk_operation_id: uuid.UUID) -> Row | None:
        """End an operation unless it has ended; return it, None if there is none."""
        ...

    async def find_unfinished(self) -> Row | None:
        """Return the operation of any workspace that was not advanced for the longest time, None if none is left."""
        ...

    async def advance(self, operation: Row, progress: BulkProgress) -> bool:
        """Store how far an operation has come since it was found; without a last run it has ended.

        Returns:
            Whether it stood where it was found: nobody else advanced or cancelled it.
        """
        ...

    async def change_tags(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, action: BulkAction) -> bool:
        """Change the tags of a run and tell others; return whether they were others.

        Raises:
            errors.NotFound: There is no such flow run.
        """
        ...

    async def drop_ended(self, days: float, limit: int) -> int:
        """Forget operations that ended so many days ago; return how many."""
        ...
