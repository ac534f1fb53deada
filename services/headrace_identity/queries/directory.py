"""Users, service accounts and teams in Postgres."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Database
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.rules.principals import Principal, Team


class PostgresDirectory:
    """Implements `repository.Directory`."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def insert_principal(
        self,
        principal_id: uuid.UUID,
        handle: str,
        display_name: str,
        *,
        kind: str = "user",
        workspace_id: uuid.UUID | None = None,
        external_id: str = "",
    ) -> Principal | None:
        """Store a user or service account; None where the handle or external id is taken."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL.insert_principal, principal_id, workspace_id, kind, handle, display_name, external_id
            )
        return principal_of(row) if row is not None else None

    async def load_principal(self, principal_id: uuid.UUID) -> Principal | None:
        """Return a user or service account by id."""
        return await self._principal(SQL.load_principal, principal_id)

    async def load_user(self, handle: str) -> Principal | None:
        """Return a user by e-mail address in small letters."""
        return await self._principal(SQL.load_user_by_handle, handle)

    async def load_service_account(self, workspace_id: uuid.UUID, handle: str) -> Principal | None:
        """Return a service account of a workspace by handle."""
        return await self._principal(SQL.load_service_account_by_handle, workspace_id, handle)

    async def list_users(
        self, *, after: str, limit: int, in_workspace: uuid.UUID | None, pattern: str, external_id: str = ""
    ) -> Sequence[Principal]:
        """Return users in order of their addresses."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_users, after, in_workspace, pattern, external_id, limit)
        return [principal_of(row) for row in rows]

    async def list_service_accounts(self, workspace_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return service accounts of a workspace in order of their handles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_service_accounts, workspace_id, after, limit)
        return [principal_of(row) for row in rows]

    async def update_principal(
        self,
        principal_id: uuid.UUID,
        *,
        handle: str | None,
        display_name: str | None,
        is_active: bool | None,
        external_id: str | None = None,
        if_updated_at: datetime.datetime | None = None,
    ) -> Principal | None:
        """Change a principal, only one that last changed then if that is given; None if there is none."""
        try:
            async with self._changes.begin() as connection:
                row = await connection.fetchrow(
                    SQL.update_principal, principal_id, handle, display_name, is_active, external_id, if_updated_at
                )
        except asyncpg.UniqueViolationError as error:
            raise errors.AlreadyExists(f"{_taken(error, handle, external_id)} is taken") from error
        return principal_of(row) if row is not None else None

    async def delete_principal(
        self,
        principal_id: uuid.UUID,
        kind: str,
        workspace_id: uuid.UUID | None = None,
        *,
        if_updated_at: datetime.datetime | None = None,
    ) -> bool:
        """Delete a principal with all keys, sessions and roles, only one that last changed then if that is given; False
        if there is none."""
        async with self._changes.begin() as connection:
            gone = await connection.execute(SQL.delete_principal, principal_id, kind, workspace_id, if_updated_at)
        return _count(gone) > 0

    async def count_users(self) -> int:
        """Return how many users there are."""
        async with self._database.connection() as connection:
            count: int = await connection.fetchval(SQL.count_users)
        return count

    async def insert_team(
        self, team_id: uuid.UUID, handle: str, name: str, description: str, external_id: str = ""
    ) -> Team | None:
        """Store a team; None where the handle or external id is taken."""
        return await self._team(SQL.insert_team, team_id, handle, name, description, external_id)

    async def load_team(self, team_id: uuid.UUID | None, handle: str) -> Team | None:
        """Return a team by id or handle."""
        return await self._team(SQL.load_team, team_id, handle)

    async def list_teams(self, *, after: str, limit: int, external_id: str = "") -> Sequence[Team]:
        """Return teams in order of their handles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_teams, after, external_id, limit)
        return [_team(row) for row in rows]

    async def update_team(
        self,
        team_id: uuid.UUID,
        *,
        handle: str | None,
        name: str | None,
        description: str | None,
        external_id: str | None = None,
        added: Sequence[uuid.UUID] = (),
        removed: Sequence[uuid.UUID] = (),
        if_updated_at: datetime.datetime | None = None,
    ) -> Team | None:
        """Change a team and who is in it, only one that last changed then if that is given; None if there is none."""
        begin = self._changes.begin if added or removed else self._database.transaction
        try:
            async with begin() as connection:
                row = await connection.fetchrow(
                    SQL.update_team, team_id, handle, name, description, external_id, if_updated_at
                )
                if row is not None and (added or removed):
                    await connection.execute(SQL.add_team_members, team_id, list(added))
                    await connection.execute(SQL.remove_team_members, team_id, list(removed))
        except asyncpg.UniqueViolationError as error:
            raise errors.AlreadyExists(f"{_taken(error, handle, external_id)} is another team's") from error
        return _team(row) if row is not None else None

    async def delete_team(self, team_id: uuid.UUID, *, if_updated_at: datetime.datetime | None = None) -> bool:
        """Delete a team with the roles that it holds, only one that last changed then if that is given; False if there
        is none."""
        async with self._changes.begin() as connection:
            return _count(await connection.execute(SQL.delete_team, team_id, if_updated_at)) > 0

    async def list_team_members(self, team_id: uuid.UUID, *, after: str, limit: int) -> Sequence[Principal]:
        """Return the users of a team in order of their addresses."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_team_members, team_id, after, limit)
        return [principal_of(row) for row in rows]

    async def _principal(self, statement: str, *arguments: object) -> Principal | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statement, *arguments)
        return principal_of(row) if row is not None else None

    async def _team(self, statement: str, *arguments: object) -> Team | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statement, *arguments)
        return _team(row) if row is not None else None


def principal_of(row: asyncpg.Record) -> Principal:
    """Return the principal of a row."""
    return Principal(**{name: row[name] for name in Principal.__dataclass_fields__})


def _team(row: asyncpg.Record) -> Team:
    return Team(**{name: row[name] for name in Team.__dataclass_fields__})


def _taken(error: asyncpg.UniqueViolationError, handle: str | None, external_id: str | None) -> str:
    is_external = str(getattr(error, "constraint_name", "")).endswith("external_id_idx")
    return f"the external id {external_id}" if is_external else str(handle)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
