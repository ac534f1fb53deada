"""Background tasks: their queue, and who serves them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_state.rules.background import NewBackgroundTask, Server
from headrace_state.rules.frames import Frame
from headrace_state.rules.rows import Row

CHANNEL = "background"
"""Woken when there is something for task servers to look at."""


class BackgroundTasks(Protocol):
    """Background tasks of all workspaces."""

    async def create(self, workspace_id: uuid.UUID, tasks: Sequence[NewBackgroundTask], frame: Frame) -> int:
        """Queue task runs that were not queued before, and record their first states; return how many.

        Args:
            workspace_id: Whose.
            tasks: The task runs.
            frame: Their first transitions, in the same order.
        """
        ...

    async def cancel(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> bool:
        """Cancel a task run that waits, or note that its server has to; return whether it is over."""
        ...

    async def queued_by(
        self, workspace_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID]
    ) -> dict[uuid.UUID, uuid.UUID | None]:
        """Return which flow runs queued those of the task runs that are not over; None where it was no flow run."""
        ...

    async def claim(self, workspace_id: uuid.UUID, server: Server, limit: int) -> list[Row]:
        """Give task runs to a server, in the order of the queue."""
        ...

    async def give_back(self, workspace_id: uuid.UUID, tokens: Sequence[uuid.UUID]) -> None:
        """Put task runs back that a server has and does not begin."""
        ...

    async def keep(self, workspace_id: uuid.UUID, tokens: Sequence[uuid.UUID]) -> None:
        """Leave task runs to those who have them, for ever."""
        ...

    async def list_cancels(self, workspace_id: uuid.UUID, server: Server) -> list[uuid.UUID]:
        """Return what a server has and has to end."""
        ...

    async def greet(self, workspace_id: uuid.UUID, server: Server) -> None:
        """Note a sign of life."""
        ...

    async def part(self, workspace_id: uuid.UUID, server: Server) -> None:
        """Note that a server is not connected any more."""
        ...

    async def list_servers(self, workspace_id: uuid.UUID) -> tuple[list[Row], list[Row]]:
        """Return the servers that are there, and what waits and runs for each task."""
        ...

    async def reap(self, limit: int) -> int:
        """Settle task runs whose servers have gone; return how many."""
        ...

    async def ready(self, limit: int) -> int:
        """Let go what waited for task runs that are over; return how many."""
        ...

    async def drop_servers(self) -> None:
        """Forget servers that gave no sign of life for long."""
        ...
