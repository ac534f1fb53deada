"""Artifacts in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_state import tables
from headrace_state.queries import filters, pages
from headrace_state.queries.statements import SQL
from headrace_state.rules.artifacts import ArtifactChange, NewArtifact
from headrace_state.rules.filters import ArtifactFilter
from headrace_state.rules.rows import Row

_ARTIFACT = tables.artifact
_SEEN = [column for column in _ARTIFACT.c if column.name != "workspace_id"]

ORDERS: Mapping[str, pages.Order] = {
    "ID_DESC": pages.Order("artifact_id", descending=True),
    "ID_ASC": pages.Order("artifact_id"),
    "UPDATED_DESC": pages.Order("updated_at", descending=True),
    "KEY_ASC": pages.Order("key"),
    "KEY_DESC": pages.Order("key", descending=True),
}
"""Orders by the names in the contract."""


class PostgresArtifacts:
    """Implements `repository.artifacts.Artifacts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, workspace_id: uuid.UUID, new: NewArtifact) -> Row:
        """Create an artifact, or return the one with its id; it becomes the latest of its key."""

        async def work(connection: Connection) -> Row:
            if new.key:
                await connection.execute(SQL.lock_key, workspace_id, new.key)
                await connection.execute(SQL.outdate_artifacts, workspace_id, new.key, new.artifact_id)
            made = await connection.fetchrow(
                SQL.insert_artifact,
                workspace_id,
                new.artifact_id,
                new.key,
                new.kind,
                new.type,
                new.content.value,
                new.content.data,
                new.description,
                dict(new.metadata),
                new.flow_run_id,
                new.task_run_id,
            )
            found = made or await connection.fetchrow(SQL.load_artifact, workspace_id, new.artifact_id)
            if found is None:
                raise errors.AlreadyExists(f"the id {new.artifact_id} is taken")
            return found

        return await self._database.run(work)

    async def load(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID) -> Row | None:
        """Return an artifact, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_artifact, workspace_id, artifact_id)

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: ArtifactFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end)."""
        by = ORDERS[order]
        conditions = filters.artifact_conditions(workspace_id, chosen)
        statement = pages.page(_ARTIFACT, _SEEN, conditions, by, "artifact_id", after, limit + 1)
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], by, "artifact_id")

    async def update(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID, change: ArtifactChange) -> Row | None:
        """Change an artifact and return it; None if there is none."""
        content = change.content
        async with self._database.connection() as connection:
            return await connection.fetchrow(
                SQL.update_artifact,
                workspace_id,
                artifact_id,
                content is not None,
                content.value if content is not None else None,
                content.data if content is not None else None,
                change.description,
                dict(change.metadata) if change.metadata is not None else None,
            )

    async def delete(self, workspace_id: uuid.UUID, artifact_id: uuid.UUID) -> bool:
        """Delete an artifact; the one before it becomes the latest of its key."""

        async def work(connection: Connection) -> bool:
            found = await connection.fetchrow(SQL.load_artifact, workspace_id, artifact_id)
            if found is None:
                return False
            if found["key"]:
                await connection.execute(SQL.lock_key, workspace_id, found["key"])
            gone = await connection.fetchrow(SQL.delete_artifact, workspace_id, artifact_id)
            if gone is not None and gone["is_latest"] and gone["key"]:
                await connection.execute(SQL.promote_artifact, workspace_id, gone["key"])
            return gone is not None

        return await self._database.run(work)
