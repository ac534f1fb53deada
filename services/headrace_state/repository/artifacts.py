"""Artifacts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from headrace_state.rules.artifacts import ArtifactChange, NewArtifact
from headrace_state.rules.filters import ArtifactFilter
from headrace_state.rules.rows import Row


class Artifacts(Protocol):
    """The artifacts of all workspaces."""

    async def create(self, workspace_id: uuid.UUID, new: NewArtifact) -> Row:
        """Create an artifact, or return the one with its id; it becomes the latest of its key.

        Raises:
            errors.AlreadyExists: The id is taken.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID) -> Row | None:
        """Return an artifact, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: ArtifactFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end); see `FlowRunReads.list_page`."""
        ...

    async def update(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID, change: ArtifactChange) -> Row | None:
        """Change an artifact and return it; None if there is none."""
        ...

    async def delete(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID) -> bool:
        """Delete an artifact; the one before it becomes the latest of its key. Return whether there was one."""
        ...
