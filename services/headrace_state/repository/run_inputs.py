"""Run inputs."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from headrace_state.repository.limits import Bell
from headrace_state.rules.rows import Row


class RunInputs(Protocol):
    """The inputs of the flow runs of all workspaces."""

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str) -> Row | None:
        """Return an input, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, prefix: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, oldest first, and the key to go on behind it (None at the end)."""
        ...

    async def list_new(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, prefix: str, known: Sequence[str], limit: int
    ) -> list[Row]:
        """Return inputs whose keys are not among the known ones, oldest first."""
        ...

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str) -> bool:
        """Delete an input; return whether there was one."""
        ...

    def bell(self, flow_run_id: uuid.UUID) -> contextlib.AbstractAsyncContextManager[Bell]:
        """Lend what rings when an input came to a flow run."""
        ...
