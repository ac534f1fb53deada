"""Roles, who holds them, and what that amounts to, in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Database
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.rules.principals import Role, RoleAssignment
from headrace_identity.rules.roles import OWNER, Assignment, BuiltIn


class PostgresRoles:
    """Implements `repository.Roles`.

    Args:
        database: The service's pool.
        changes: Tell of changed rights.
        built_in: The roles that come with the server.
    """

    def __init__(self, database: Database, changes: Changes, built_in: Mapping[str, BuiltIn]) -> None:
        self._database = database
        self._changes = changes
        self.built_in = built_in

    async def insert(self, handle: str, name: str, description: str, permissions: Sequence[str]) -> Role | None:
        """Store a role; None where the handle is taken."""
        return await self._row(SQL.insert_role, handle, name, description, list(permissions))

    async def load(self, handle: str) -> Role | None:
        """Return a role by its handle."""
        return await self._row(SQL.load_role, handle)

    async def list_page(self, *, after: str, limit: int) -> Sequence[Role]:
        """Return roles that users made, in order of their handles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_roles, after, limit)
        return [_role(row) for row in rows]

    async def update(
        self, handle: str, *, name: str | None, description: str | None, permissions: Sequence[str] | None
    ) -> Role | None:
        """Change a role; None if there is none."""
        async with self._changes.begin() as connection:
            row = await connection.fetchrow(
                SQL.update_role, handle, name, description, list(permissions) if permissions is not None else None
            )
        return _role(row) if row is not None else None

    async def delete(self, handle: str) -> bool:
        """Delete a role, also from those who hold it; False if there is none."""
        async with self._changes.begin() as connection:
            return str(await connection.execute(SQL.delete_role, handle)) != "DELETE 0"

    async def assign(
        self,
        assignment_id: uuid.UUID,
        role: str,
        *,
        workspace_id: uuid.UUID | None,
        principal_id: uuid.UUID | None,
        team_id: uuid.UUID | None,
        object_kind: str = "",
        object_name: str = "",
    ) -> RoleAssignment:
        """Give a role; what was given before is returned as it is."""
        place = (role, object_kind, object_name)
        try:
            async with self._changes.begin() as connection:
                await connection.execute(
                    SQL.insert_role_assignment, assignment_id, workspace_id, principal_id, team_id, *place
                )
                row = await connection.fetchrow(SQL.find_role_assignment, principal_id or team_id, workspace_id, *place)
        except asyncpg.ForeignKeyViolationError as error:
            raise errors.NotFound("there is no such user, service account or team") from error
        if row is None:
            raise errors.NotFound("there is no such user, service account or team")
        return _assignment(row)

    async def load_assignment(self, assignment_id: uuid.UUID) -> RoleAssignment | None:
        """Return one assignment."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL.load_role_assignment, assignment_id)
        return _assignment(row) if row is not None else None

    async def list_assignments(
        self,
        workspace_id: uuid.UUID,
        *,
        with_account: bool,
        principal_id: uuid.UUID | None,
        team_id: uuid.UUID | None,
        after: uuid.UUID | None,
        limit: int,
    ) -> Sequence[RoleAssignment]:
        """Return who holds which roles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_role_assignments, workspace_id, with_account, principal_id, team_id, after, limit
            )
        return [_assignment(row) for row in rows]

    async def unassign(self, assignment_id: uuid.UUID) -> None:
        """Take a role away.

        Raises:
            errors.FailedPrecondition: It is what the last owner of the account owns it by.
        """
        async with self._changes.begin() as connection:
            owners = [row["principal_id"] for row in await connection.fetch(SQL.lock_owners)]
            row = await connection.fetchrow(SQL.load_role_assignment, assignment_id)
            if row is None:
                return
            is_owner = row["role"] == OWNER and row["workspace_id"] is None
            if is_owner and owners == [row["principal_id"]]:
                raise errors.FailedPrecondition(
                    "the account would be left without an owner; give somebody else the role first",
                    reason="LAST_OWNER",
                )
            await connection.execute(SQL.delete_role_assignment, assignment_id)

    async def list_owners(self) -> Sequence[uuid.UUID]:
        """Return the users that own the account by themselves."""
        async with self._database.transaction() as connection:
            return [row["principal_id"] for row in await connection.fetch(SQL.lock_owners)]

    async def list_rights(self, principal_id: uuid.UUID) -> Sequence[Assignment]:
        """Return all that a principal may do, by itself and through teams."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_rights, principal_id)
        return [
            Assignment(row["workspace_id"], self._permissions(row), row["object_kind"], row["object"]) for row in rows
        ]

    async def list_member_workspaces(self, principal_id: uuid.UUID) -> Sequence[uuid.UUID | None]:
        """Return the workspaces in which a principal has a role; None stands for all of the account."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_member_workspaces, principal_id)
        return [row["workspace_id"] for row in rows]

    def _permissions(self, row: asyncpg.Record) -> frozenset[str]:
        built_in = self.built_in.get(row["role"])
        return built_in.permissions if built_in is not None else frozenset(row["permissions"] or ())

    async def _row(self, statement: str, *arguments: object) -> Role | None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(statement, *arguments)
        return _role(row) if row is not None else None


def _role(row: asyncpg.Record) -> Role:
    return Role(
        handle=row["handle"],
        name=row["name"],
        description=row["description"],
        permissions=frozenset(row["permissions"]),
        is_built_in=False,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _assignment(row: asyncpg.Record) -> RoleAssignment:
    return RoleAssignment(**{name: row[name] for name in RoleAssignment.__dataclass_fields__})
