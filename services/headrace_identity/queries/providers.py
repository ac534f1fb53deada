"""Identity providers in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import asyncpg

from headrace.ids import uuid7
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.rules.sign_in import GroupRole, Provider


class PostgresProviders:
    """Implements `repository.Providers`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._database = changes.database

    async def save(self, provider: Provider) -> Provider:
        """Store a provider."""
        group_roles = [
            {
                "group": each.group,
                "role": each.role,
                "workspace_id": str(each.workspace_id) if each.workspace_id is not None else None,
            }
            for each in provider.group_roles
        ]
        async with self._changes.begin() as connection:
            row = await connection.fetchrow(
                SQL.save_identity_provider,
                provider.handle,
                provider.name,
                provider.kind,
                provider.is_enabled,
                provider.creates_users,
                dict(provider.settings),
                provider.secret,
                group_roles,
            )
        assert row is not None
        return _provider(row)

    async def load(self, handle: str) -> Provider | None:
        """Return a provider."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_identity_provider, handle)
        return _provider(row) if row is not None else None

    async def list_page(self, *, after: str, limit: int) -> Sequence[Provider]:
        """Return providers in order of their handles."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_identity_providers, after, limit)
        return [_provider(row) for row in rows]

    async def delete(self, handle: str) -> bool:
        """Delete a provider."""
        async with self._changes.begin() as connection:
            return await connection.fetchrow(SQL.delete_identity_provider, handle) is not None

    async def replace_secret(self, handle: str, old: str, new: str) -> None:
        """Store a secret that was sealed anew."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.replace_provider_secret, handle, old, new)

    async def find_known(self, provider: str, subject: str) -> uuid.UUID | None:
        """Return the user that a provider knows as `subject`."""
        async with self._database.connection() as connection:
            found: uuid.UUID | None = await connection.fetchval(SQL.find_external_identity, provider, subject)
        return found

    async def link(self, provider: str, subject: str, principal_id: uuid.UUID) -> None:
        """Store that a provider knows a user."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.insert_external_identity, provider, subject, principal_id)

    async def sync_roles(
        self,
        principal_id: uuid.UUID,
        held: Sequence[tuple[str, uuid.UUID | None]],
        given_up: Sequence[tuple[str, uuid.UUID | None]],
    ) -> None:
        """Give a user some roles, and take others away."""
        async with self._database.transaction() as connection:
            changed = False
            for role, workspace_id in given_up:
                changed |= await connection.fetchrow(SQL.take_group_role, principal_id, workspace_id, role) is not None
            for role, workspace_id in held:
                given = await connection.fetchrow(SQL.give_group_role, principal_id, uuid7(), workspace_id, role)
                changed |= given is not None
            if changed:
                await self._changes.note(connection)


def _provider(row: asyncpg.Record) -> Provider:
    return Provider(
        handle=row["handle"],
        name=row["name"],
        kind=row["kind"],
        is_enabled=row["is_enabled"],
        creates_users=row["creates_users"],
        settings=row["settings"],
        secret=row["secret"],
        group_roles=tuple(
            GroupRole(each["group"], each["role"], uuid.UUID(each["workspace_id"]) if each["workspace_id"] else None)
            for each in row["group_roles"]
        ),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
