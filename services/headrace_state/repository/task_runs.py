"""Task runs: reads, and where transitions are recorded."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace_state.rules.filters import TaskRunFilter
from headrace_state.rules.frames import Frame
from headrace_state.rules.rows import Row


class TaskRunReads(Protocol):
    """Reads of task runs, and what people change of them."""

    async def load(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> Row | None:
        """Return a task run, None if there is none."""
        ...

    async def load_many(self, workspace_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID]) -> list[Row]:
        """Return those task runs that exist."""
        ...

    async def update(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID, columns: Mapping[str, Any]) -> Row | None:
        """Change columns of a task run beside its state; return it, None if there is none."""
        ...

    async def delete(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> str | None:
        """Delete a task run that is not RUNNING, with its history; return its state before, None if there is none."""
        ...

    async def list_of_flow_run(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, after: uuid.UUID | None, limit: int
    ) -> list[Row]:
        """Return the task runs of a flow run behind one, in order of their ids."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: TaskRunFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end); see `FlowRunReads.list_page`."""
        ...

    async def count(self, workspace_id: uuid.UUID, chosen: TaskRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many task runs are in states of each type, and whether counting stopped at its bound."""
        ...


class Recording(Protocol):
    """Where transitions of task runs are recorded."""

    async def write(self, frames: Sequence[Frame]) -> list[frozenset[int]]:
        """Store frames of one workspace in one transaction.

        Returns:
            For each frame, which of its attempts may not write; nothing of these was stored.

        Raises:
            errors.InvalidArgument: A frame can never be stored.
            errors.Unavailable: Nothing was decided.
        """
        ...
