"""Workspaces in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.statements import Statements
from headrace_identity.rules.workspaces import NewWorkspace, Workspace, WorkspaceChange

SQL = Statements("headrace_identity.sql")


class PostgresWorkspaces:
    """Implements `repository.Workspaces`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, new: NewWorkspace) -> Workspace | None:
        """Store a workspace; None if its id or handle is taken."""
        return await self._row(SQL.insert_workspace, new.workspace_id, new.handle, new.name, new.description)

    async def load(self, workspace_id: uuid.UUID) -> Workspace | None:
        """Return the workspace with an id."""
        return await self._row(SQL.load_workspace, workspace_id)

    async def load_by_handle(self, handle: str) -> Workspace | None:
        """Return the workspace with a handle."""
        return await self._row(SQL.load_workspace_by_handle, handle)

    async def list_page(self, *, after_handle: str, limit: int, only: uuid.UUID | None) -> Sequence[Workspace]:
        """Return workspaces in order of their handles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_workspaces, after_handle, only, limit)
        return [_workspace(row) for row in rows]

    async def update(self, workspace_id: uuid.UUID, change: WorkspaceChange) -> Workspace | None:
        """Change a workspace; None if there is none."""
        try:
            return await self._row(SQL.update_workspace, workspace_id, change.handle, change.name, change.description)
        except asyncpg.UniqueViolationError as error:
            raise errors.AlreadyExists(f"another workspace has the handle {change.handle}") from error

    async def load_installation_id(self) -> uuid.UUID:
        """Return the id that was made with the database."""
        async with self._database.connection() as connection:
            installation_id: uuid.UUID = await connection.fetchval(SQL.load_installation)
        return installation_id

    async def _row(self, statement: str, *arguments: object) -> Workspace | None:
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
    )
