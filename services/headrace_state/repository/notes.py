"""Notes on flow runs."""

from __future__ import annotations

import uuid
from typing import Protocol

from headrace_state.rules.rows import Row


class RunNotes(Protocol):
    """The notes of all workspaces."""

    async def create(
        self,
        workspace_id: uuid.UUID,
        flow_run_id: uuid.UUID,
        run_note_id: uuid.UUID,
        text: str,
        creator: tuple[str, str, str],
    ) -> Row:
        """Add a note to a run, or return the one with its id.

        Raises:
            errors.NotFound: There is no such flow run.
            errors.AlreadyExists: The id is taken.
        """
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, after: uuid.UUID | None, limit: int
    ) -> list[Row]:
        """Return the notes on a run behind one, oldest first."""
        ...

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, run_note_id: uuid.UUID) -> bool:
        """Delete a note; return whether there was one."""
        ...
