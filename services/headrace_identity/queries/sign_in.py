"""Passwords, sessions and programs that wait, in Postgres."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Sequence

import asyncpg

from headrace_chassis.database import Database
from headrace_identity.queries.changes import Changes
from headrace_identity.queries.statements import SQL
from headrace_identity.rules.sign_in import DeviceSignIn, Password, Session


class PostgresSignIns:
    """Implements `repository.SignIns`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._database = changes.database

    async def load_password(self, principal_id: uuid.UUID) -> Password | None:
        """Return what is kept of a user's password."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_password, principal_id)
        if row is None:
            return None
        return Password(
            principal_id=row["principal_id"],
            hash=row["hash"],
            totp_secret=row["totp_secret"],
            totp_confirmed=row["totp_confirmed"],
            totp_last_step=row["totp_last_step"],
            recovery_hashes=tuple(row["recovery_hashes"]),
        )

    async def save_password(self, principal_id: uuid.UUID, hashed: str, *, keep_session: uuid.UUID | None) -> None:
        """Store a password, and end all sessions of the user but one."""
        async with self._changes.begin() as connection:
            await connection.execute(SQL.save_password, principal_id, hashed)
            await connection.fetch(SQL.end_sessions, principal_id, None, keep_session)

    async def replace_hash(self, principal_id: uuid.UUID, hashed: str) -> None:
        """Store the same password with newer parameters."""
        await self._execute(SQL.replace_password_hash, principal_id, hashed)

    async def save_totp(self, principal_id: uuid.UUID, sealed: str) -> None:
        """Store a secret that has not been confirmed."""
        await self._execute(SQL.save_totp, principal_id, sealed)

    async def confirm_totp(self, principal_id: uuid.UUID, step: int, recovery_hashes: Sequence[bytes]) -> None:
        """Ask for codes from now on."""
        await self._execute(SQL.confirm_totp, principal_id, step, list(recovery_hashes))

    async def remove_totp(self, principal_id: uuid.UUID) -> None:
        """Forget the secret and the recovery codes."""
        await self._execute(SQL.remove_totp, principal_id)

    async def take_totp_step(self, principal_id: uuid.UUID, step: int) -> bool:
        """Use up the code of a step."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.take_totp_step, principal_id, step) is not None

    async def take_recovery_code(self, principal_id: uuid.UUID, code_hash: bytes) -> bool:
        """Use up a recovery code."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.take_recovery_code, principal_id, code_hash) is not None

    async def list_totp(self) -> Sequence[tuple[uuid.UUID, str]]:
        """Return all sealed secrets with their users."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_totp)
        return [(row["principal_id"], row["totp_secret"]) for row in rows]

    async def replace_totp(self, principal_id: uuid.UUID, old: str, new: str) -> None:
        """Store a secret that was sealed anew."""
        await self._execute(SQL.replace_totp, principal_id, old, new)

    async def insert_session(self, session: Session) -> None:
        """Store a session."""
        await self._execute(
            SQL.insert_session,
            session.session_id,
            session.principal_id,
            session.secret_hash,
            session.provider,
            session.address,
            session.user_agent,
            session.created_at,
            session.last_used_at,
            session.expires_at,
        )

    async def load_session(self, session_id: uuid.UUID) -> Session | None:
        """Return a session."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_session, session_id)
        return _session(row) if row is not None else None

    async def touch_session(self, session_id: uuid.UUID) -> None:
        """Write down that a session was just used."""
        await self._execute(SQL.touch_session, session_id)

    async def list_sessions(
        self, principal_id: uuid.UUID, *, before: uuid.UUID | None, limit: int
    ) -> Sequence[Session]:
        """Return sessions of a user that go on."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_sessions, principal_id, before, limit)
        return [_session(row) for row in rows]

    async def end_sessions(self, principal_id: uuid.UUID, session_id: uuid.UUID | None) -> int:
        """End one session of a user, or all."""
        async with self._changes.begin() as connection:
            return len(await connection.fetch(SQL.end_sessions, principal_id, session_id, None))

    async def _execute(self, statement: str, *arguments: object) -> None:
        async with self._database.connection() as connection:
            await connection.execute(statement, *arguments)


class PostgresSignInTries:
    """Implements `repository.SignInTries`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(
        self, provider: str, name_digest: str, now: datetime.datetime, lock_seconds: Callable[[int], float]
    ) -> float | None:
        """Count a try, as a wrong one until it is known to be right."""
        async with self._database.transaction() as connection:
            [row] = await connection.fetch(SQL.begin_sign_in_try, provider, name_digest, now)
            if row["locked_until"] is not None and row["locked_until"] > now:
                return float((row["locked_until"] - now).total_seconds())
            seconds = lock_seconds(row["failures"])
            if seconds:
                until = now + datetime.timedelta(seconds=seconds)
                await connection.execute(SQL.lock_sign_in_name, provider, name_digest, until)
        return None

    async def give_back(self, provider: str, name_digest: str) -> None:
        """Take the last try back: it was not wrong."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.give_back_sign_in_try, provider, name_digest)

    async def forget(self, provider: str, name_digest: str) -> None:
        """Begin to count anew."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.forget_sign_in_tries, provider, name_digest)


class PostgresDevices:
    """Implements `repository.Devices`."""

    def __init__(self, changes: Changes) -> None:
        self._database = changes.database

    async def insert(self, device: DeviceSignIn, device_hash: bytes) -> bool:
        """Store one; False if its code is taken."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                SQL.insert_device_sign_in,
                device.user_code,
                device_hash,
                device.client_name,
                device.loopback_port,
                device.address,
                device.created_at,
                device.expires_at,
            )
        return row is not None

    async def load(self, user_code: str) -> DeviceSignIn | None:
        """Return one that waits."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_device_sign_in, user_code)
        return _device(row) if row is not None else None

    async def decide(self, user_code: str, principal_id: uuid.UUID, *, approve: bool) -> DeviceSignIn | None:
        """Approve or refuse one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.decide_device_sign_in, user_code, principal_id, approve)
        return _device(row) if row is not None else None

    async def collect(self, device_hash: bytes) -> DeviceSignIn | None:
        """Return one by its secret, and delete it if it is decided."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL.load_device_by_secret, device_hash)
            if row is not None and row["is_approved"] is not None:
                await connection.execute(SQL.delete_device_sign_in, row["user_code"])
        return _device(row) if row is not None else None


def _session(row: asyncpg.Record) -> Session:
    return Session(
        session_id=row["session_id"],
        principal_id=row["principal_id"],
        secret_hash=row["secret_hash"],
        provider=row["provider"],
        address=row["address"],
        user_agent=row["user_agent"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
    )


def _device(row: asyncpg.Record) -> DeviceSignIn:
    return DeviceSignIn(
        user_code=row["user_code"],
        client_name=row["client_name"],
        loopback_port=row["loopback_port"],
        address=row["address"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        is_approved=row["is_approved"],
        principal_id=row["principal_id"],
    )
