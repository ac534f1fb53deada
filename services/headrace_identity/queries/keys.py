"""API keys, invitations and keys that sign, in Postgres."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.scope import everywhere
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.repository import NewApiKey, SigningKey
from headrace_identity.rules.keys import StoredKey
from headrace_identity.rules.principals import ApiKey, Invitation


class PostgresApiKeys:
    """Implements `repository.ApiKeys`."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def insert(self, new: NewApiKey) -> ApiKey:
        """Store a key."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.insert_api_key, *_arguments(new))
            row = await connection.fetchrow(SQL.load_api_key, new.api_key_id)
        return _key(row)

    async def load(self, api_key_id: str) -> ApiKey | None:
        """Return a key by its id."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_api_key, api_key_id)
        return _key(row) if row is not None else None

    async def load_proof(self, api_key_id: str) -> StoredKey | None:
        """Return what a key is checked by."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_key_proof, api_key_id)
        if row is None:
            return None
        return StoredKey(
            row["api_key_id"],
            row["principal_id"],
            row["workspace_id"],
            row["secret_hash"],
            frozenset(row["permissions"]),
            row["expires_at"],
            row["revoked_at"],
            row["last_used_at"],
        )

    async def note_use(self, api_key_id: str, principal_id: uuid.UUID) -> None:
        """Write down that a key was just used, to about a minute."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.use_api_key, api_key_id)
            await connection.execute(SQL.see_principal, principal_id)

    async def list_page(
        self,
        *,
        principal_id: uuid.UUID | None,
        workspace_id: uuid.UUID | None,
        with_dead: bool,
        after: tuple[datetime.datetime, str] | None,
        limit: int,
    ) -> Sequence[ApiKey]:
        """Return keys, newest first."""
        created_at, api_key_id = after if after is not None else (None, "")
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_api_keys, principal_id, workspace_id, with_dead, created_at, api_key_id, limit
            )
        return [_key(row) for row in rows]

    async def rotate(self, old_id: str, new: NewApiKey, overlap_seconds: float) -> ApiKey:
        """Store a key in place of another, which ends after the overlap.

        Raises:
            errors.FailedPrecondition: The other does not work any more.
        """
        async with self._changes.begin() as connection:
            replaced = await connection.execute(SQL.replace_api_key, old_id, new.api_key_id, overlap_seconds)
            if replaced == "UPDATE 0":
                raise errors.FailedPrecondition("the key does not work any more", reason="API_KEY_DEAD")
            await connection.execute(SQL.insert_api_key, *_arguments(new))
            row = await connection.fetchrow(SQL.load_api_key, new.api_key_id)
        return _key(row)

    async def revoke(self, api_key_id: str) -> None:
        """Make a key useless."""
        async with self._changes.begin() as connection:
            await connection.execute(SQL.revoke_api_key, api_key_id)


class PostgresInvitations:
    """Implements `repository.Invitations`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(
        self,
        workspace_id: uuid.UUID,
        invitation_id: uuid.UUID,
        *,
        email: str,
        role: str,
        secret_hash: bytes,
        invited_by: str,
        lifetime_seconds: float,
    ) -> Invitation:
        """Store an invitation."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL.insert_invitation,
                invitation_id,
                workspace_id,
                email,
                role,
                secret_hash,
                invited_by,
                lifetime_seconds,
            )
        return _invitation(row)

    async def list_page(
        self, workspace_id: uuid.UUID, *, after: tuple[datetime.datetime, uuid.UUID] | None, limit: int
    ) -> Sequence[Invitation]:
        """Return open invitations, newest first."""
        created_at, invitation_id = after if after is not None else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_invitations, workspace_id, created_at, invitation_id, limit)
        return [_invitation(row) for row in rows]

    async def delete(self, workspace_id: uuid.UUID, invitation_id: uuid.UUID) -> bool:
        """Take an open invitation back; False if there is none."""
        async with self._database.connection() as connection:
            return str(await connection.execute(SQL.delete_invitation, workspace_id, invitation_id)) != "DELETE 0"

    async def load(self, secret_hash: bytes) -> Invitation | None:
        """Return an open invitation; None for one that there is not, or not any more."""
        with everywhere():
            async with self._database.connection() as connection:
                row = await connection.fetchrow(SQL.load_invitation, secret_hash)
        return _invitation(row) if row is not None else None

    async def take(self, secret_hash: bytes) -> Invitation | None:
        """Take an open invitation up; None for one that there is not, or not any more."""
        with everywhere():
            async with self._database.connection() as connection:
                row = await connection.fetchrow(SQL.take_invitation, secret_hash)
        return _invitation(row) if row is not None else None

    async def set_setup_token(self, secret_hash: bytes, lifetime_seconds: float) -> None:
        """Store what the first administrator gets in with."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.set_setup_token, secret_hash, lifetime_seconds)

    async def take_setup_token(self, secret_hash: bytes) -> bool:
        """Take up what the first administrator gets in with; only one can."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SQL.take_setup_token, secret_hash))


class PostgresSigningKeys:
    """Implements `repository.SigningKeys`."""

    def __init__(self, database: Database, changes: Changes) -> None:
        self._database = database
        self._changes = changes

    async def list_all(self) -> Sequence[SigningKey]:
        """Return the keys that tokens may be signed with, newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_signing_keys)
        return [SigningKey(row["key_id"], row["public_key"], row["private_key"], row["created_at"]) for row in rows]

    async def insert(self, key_id: str, public_key: bytes, private_key: str) -> None:
        """Store a key; its private half is sealed."""
        async with self._changes.begin() as connection:
            await connection.execute(SQL.insert_signing_key, key_id, public_key, private_key)

    async def retire(self, after_seconds: float) -> None:
        """Forget keys that were replaced so long ago."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.retire_signing_keys, after_seconds)

    async def load_version(self) -> int:
        """Return how often rights have changed."""
        async with self._database.connection() as connection:
            version: int = await connection.fetchval(SQL.load_access_version)
        return version

    async def load_limits(self, workspace_id: uuid.UUID) -> tuple[float, int]:
        """Return what a workspace may call in each process: per second, and at once; 0 is as much as it likes."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_workspace_limits, workspace_id)
        return (row["calls_per_second"] or 0.0, row["concurrent_calls"] or 0) if row is not None else (0.0, 0)


def _arguments(new: NewApiKey) -> tuple[object, ...]:
    return (
        new.api_key_id,
        new.principal_id,
        new.workspace_id,
        new.name,
        new.secret_hash,
        list(new.permissions),
        new.lifetime_seconds,
    )


def _key(row: asyncpg.Record | None) -> ApiKey:
    if row is None:
        raise errors.NotFound("the holder of the key is gone")
    fields = {name: row[name] for name in ApiKey.__dataclass_fields__}
    return ApiKey(**{**fields, "permissions": tuple(row["permissions"])})


def _invitation(row: asyncpg.Record | None) -> Invitation:
    if row is None:
        raise errors.Internal("an invitation was not stored")
    return Invitation(**{name: row[name] for name in Invitation.__dataclass_fields__})
