"""Variables."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from headrace_state.rules.rows import Row
from headrace_state.rules.variables import VariableFilter


class Variables(Protocol):
    """The variables of all workspaces."""

    async def set(
        self, workspace_id: uuid.UUID, name: str, value: Any, tags: Sequence[str], *, overwrite: bool
    ) -> Row | None:
        """Set a variable; None if it exists and must not be overwritten."""
        ...

    async def replace(
        self, workspace_id: uuid.UUID, variable_id: uuid.UUID, name: str, value: Any, tags: Sequence[str]
    ) -> Row | None:
        """Set the variable with an id and give it a name; None if there is none.

        Raises:
            errors.AlreadyExists: Another variable has the name.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, name: str) -> Row | None:
        """Return a variable, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: VariableFilter, after: str | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by name, and the key to go on behind it (None at the end)."""
        ...

    async def delete(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a variable; return whether there was one."""
        ...
