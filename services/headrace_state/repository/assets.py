"""Assets."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Sequence
from typing import Any, Protocol

from headrace_state.rules.assets import AssetFilter, MaterializationFilter, MaterializationReport
from headrace_state.rules.rows import Row


@dataclasses.dataclass(frozen=True, slots=True)
class Lineage:
    """Assets that are connected with one."""

    assets: Sequence[Row]
    dependencies: Sequence[Row]
    is_truncated: bool


class Assets(Protocol):
    """The assets of all workspaces."""

    async def record(self, workspace_id: uuid.UUID, report: MaterializationReport) -> list[Row]:
        """Store what a task run made and from what; return the materializations in the given order.

        Those whose ids are known are left alone.

        Raises:
            errors.AlreadyExists: An id is taken in another workspace.
        """
        ...

    async def load(self, workspace_id: uuid.UUID, asset_id: uuid.UUID) -> Row | None:
        """Return an asset with its last materialization, None if there is none."""
        ...

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: AssetFilter, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, by key, and the key to go on behind it (None at the end)."""
        ...

    async def list_materializations(
        self, workspace_id: uuid.UUID, chosen: MaterializationFilter, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, newest first, and the key to go on behind it (None at the end)."""
        ...

    async def load_lineage(
        self, workspace_id: uuid.UUID, asset_id: uuid.UUID, *, upstream: bool, downstream: bool, depth: int
    ) -> Lineage:
        """Return what an asset is made from, and what is made from it, up to so many steps away."""
        ...

    async def delete(self, workspace_id: uuid.UUID, asset_id: uuid.UUID) -> bool:
        """Delete an asset with its materializations and dependencies; return whether there was one."""
        ...
