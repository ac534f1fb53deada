"""Workspaces in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.scope import everywhere
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange


class PostgresWorkspaces:
    """Implements `repository.Workspaces`. Which of them a caller may see is for its callers to say."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def insert(self, new: NewWorkspace) -> Workspace | None:
        """Store a workspace; None if its id or handle is taken."""
        return await self._row(SQL.insert_workspace, new.workspace_id, new.handle, new.name, new.description)

    async def load(self, workspace_id: uuid.UUID) -> Workspace | None:
        """Return the workspace with an id."""
        return await self._row(SQL.load_workspace, workspace_id)

    async def load_by_handle(self, handle: str) -> Workspace | None:
        """Return the workspace with a handle."""
        return await self._row(SQL.load_workspace_by_handle, handle)

    async def list_page(
        self, *, after_handle: str, limit: int, only: Sequence[uuid.UUID] | None
    ) -> Sequence[Workspace]:
        """Return workspaces in order of their handles."""
        with everywhere():
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    SQL.list_workspaces, after_handle, list(only) if only is not None else None, limit
                )
        return [_workspace(row) for row in rows]

    async def update(self, workspace_id: uuid.UUID, change: WorkspaceChange) -> Workspace | None:
        """Change a workspace; None if there is none."""
        try:
            with everywhere():
                async with self._changes.begin() as connection:
                    row = await connection.fetchrow(
                        SQL.update_workspace,
                        workspace_id,
                        change.handle,
                        change.name,
                        change.description,
                        change.calls_per_second,
                        change.concurrent_calls,
                    )
            return _workspace(row) if row is not None else None
        except asyncpg.UniqueViolationError as error:
            raise errors.AlreadyExists(f"another workspace has the handle {change.handle}") from error

    async def load_installation_id(self) -> uuid.UUID:
        """Return the id that was made with the database."""
        async with self._database.connection() as connection:
            installation_id: uuid.UUID = await connection.fetchval(SQL.load_installation)
        return installation_id

    async def _row(self, statement: str, *arguments: object) -> Workspace | None:
        with everywhere():
            async with self._database.connection() as connection:
                row = await connection.fetchrow(statement, *arguments)
        return _workspace(row) if row is not None else None


def _workspace(row: asyncpg.Record) -> Workspace:
    return Workspace(
        workspace_id=row["workspace_id"],
        account_id=row["account_id"],
        handle=row["handle"],
        name=row["name"],
        description=row["description"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        calls_per_second=row["calls_per_second"] or 0.0,
        concurrent_calls=row["concurrent_calls"] or 0,
    )
