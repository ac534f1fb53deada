"""What storage offers to the identity service."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Protocol

from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange


class Workspaces(Protocol):
    """The workspaces of an installation. Every method is one transaction."""

    async def insert(self, new: NewWorkspace) -> Workspace | None:
        """Store a workspace in the account of the installation.

        Returns:
            It, or None if its id or handle is taken.
        """
        ...

    async def load(self, workspace_id: uuid.UUID) -> Workspace | None:
        """Return the workspace with an id, None if there is none."""
        ...

    async def load_by_handle(self, handle: str) -> Workspace | None:
        """Return the workspace with a handle, None if there is none."""
        ...

    async def list_page(self, *, after_handle: str, limit: int, only: uuid.UUID | None) -> Sequence[Workspace]:
        """Return workspaces in order of their handles.

        Args:
            after_handle: Begin behind it; "" is the beginning.
            limit: Most to return.
            only: The one workspace that may be seen; None for all.
        """
        ...

    async def update(self, workspace_id: uuid.UUID, change: WorkspaceChange) -> Workspace | None:
        """Change a workspace.

        Returns:
            It with its new values, or None if there is none.

        Raises:
            errors.AlreadyExists: The new handle is taken.
        """
        ...

    async def load_installation_id(self) -> uuid.UUID:
        """Return the id that was made with the database."""
        ...
