"""Flows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from headrace_state.rules.filters import FlowFilter
from headrace_state.rules.flows import NewFlow
from headrace_state.rules.rows import Row


class Flows(Protocol):
    """The flows of all workspaces."""

    async def create(self, workspace_id: uuid.UUID, new: NewFlow) -> tuple[Row, bool]:
        """Create a flow, or return the one that has its name; and whether it was created.

        Raises:
            errors.AlreadyExists: The id is taken by another flow.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> Row | None:
        """Return a flow, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: FlowFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end); see `FlowRunReads.list_page`."""
        ...

    async def update(self, workspace_id: uuid.UUID, flow_id: uuid.UUID, columns: Mapping[str, Any]) -> Row | None:
        """Change columns of a flow; None if there is none."""
        ...

    async def delete(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> None:
        """Delete a flow with its runs.

        Raises:
            errors.NotFound: There is no such flow.
            errors.FailedPrecondition: Runs are in progress.
        """
        ...


class Deployments(Protocol):
    """The deployments, which another service keeps."""

    async def find_of_flow(self, flow_id: uuid.UUID) -> str | None:
        """Return the name of a deployment of a flow, None if there is none.

        Raises:
            errors.Unavailable: Whoever keeps them does not answer.
        """
        ...
