"""Channels in the tables."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence

import asyncpg
import sqlalchemy
from sqlalchemy import any_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_notification.queries import SQL
from headrace_notification.queries.channel_deliveries import CHANNELS_CHANNEL
from headrace_notification.queries.rows import Row
from headrace_notification.rules.channels import Channel, policy_document, policy_from_document
from headrace_notification.tables import channel as channel_table


def channel_from_row(row: Row) -> Channel:
    """Return the channel in a row."""
    return Channel(
        channel_id=row["channel_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        kind=row["kind"],
        description=row["description"],
        paused=row["paused"],
        config=row["config"],
        secrets=row["secrets"],
        policy=policy_from_document(row["policy"]),
        held_until=row["held_until"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


class Work:
    """One change of channels, in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, channel: Channel) -> Channel | None:
        """Store a new channel and return it as stored; None if its id or its name is taken."""
        row = await self._connection.fetchrow(SQL.insert_channel, *_columns(channel))
        if row is None:
            return None
        return dataclasses.replace(channel, created_at=row["created_at"], updated_at=row["updated_at"])

    async def load(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> Channel | None:
        """Return a channel, locked."""
        text, arguments = compile_core(_one(workspace_id, channel_id).with_for_update())
        row = await self._connection.fetchrow(text, *arguments)
        return channel_from_row(row) if row is not None else None

    async def replace(self, channel: Channel) -> Channel | None:
        """Store new values and return it as stored; None if its name is taken."""
        try:
            async with self._connection.transaction():
                updated_at = await self._connection.fetchval(SQL.update_channel, *_columns(channel))
        except asyncpg.UniqueViolationError:
            return None
        return dataclasses.replace(channel, updated_at=updated_at, held_until=None)

    async def delete(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> bool:
        """Delete a channel and give up what waits for it; return whether it was there."""
        return await self._connection.fetchval(SQL.delete_channel, channel_id, workspace_id) is not None


class Channels:
    """Keeps channels.

    Args:
        database: The service's pool.
        wakeups: Who is told that something may be sent.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    @contextlib.asynccontextmanager
    async def change(self) -> AsyncIterator[Work]:
        """Begin a change; it holds once the block is left without an error."""
        async with self._database.transaction() as connection:
            yield Work(connection)
            self._database.after_commit(connection, lambda: self._wakeups.notify(CHANNELS_CHANNEL))

    async def load(self, workspace_id: uuid.UUID, channel_id: uuid.UUID) -> Channel | None:
        """Return a channel."""
        return await self._load(_one(workspace_id, channel_id))

    async def load_by_name(self, workspace_id: uuid.UUID, name: str) -> Channel | None:
        """Return the channel of a name."""
        table = channel_table
        return await self._load(
            sqlalchemy.select(table).where(table.c.workspace_id == workspace_id, table.c.name == name)
        )

    async def _load(self, statement: sqlalchemy.Select[tuple[object, ...]]) -> Channel | None:
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(text, *arguments)
        return channel_from_row(row) if row is not None else None

    async def list_channels(
        self, workspace_id: uuid.UUID, *, name_contains: str, kinds: Sequence[str], after: str | None, limit: int
    ) -> list[Channel]:
        """Return channels by name, behind the name `after`."""
        table = channel_table
        conditions = [table.c.workspace_id == workspace_id]
        if name_contains:
            conditions.append(table.c.name.icontains(name_contains, autoescape=True))
        if kinds:
            conditions.append(table.c.kind == any_(sqlalchemy.literal(list(kinds), ARRAY(sqlalchemy.Text))))
        if after is not None:
            conditions.append(table.c.name > after)
        return await self._list(sqlalchemy.select(table).where(*conditions).order_by(table.c.name).limit(limit))

    async def list_with_secrets(self, after: uuid.UUID, limit: int) -> list[Channel]:
        """Return channels of all workspaces that have secrets, in the order of their ids, behind `after`."""
        table = channel_table
        return await self._list(
            sqlalchemy.select(table)
            .where(table.c.channel_id > after, table.c.secrets != sqlalchemy.text("'{}'::jsonb"))
            .order_by(table.c.channel_id)
            .limit(limit)
        )

    async def _list(self, statement: sqlalchemy.Select[tuple[object, ...]]) -> list[Channel]:
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return [channel_from_row(row) for row in await connection.fetch(text, *arguments)]

    async def replace_secrets(self, channel: Channel, secrets: Mapping[str, str]) -> None:
        """Store the secrets of a channel encrypted anew, unless they changed meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(
                SQL.replace_channel_secrets, channel.channel_id, dict(secrets), dict(channel.secrets)
            )


def _one(workspace_id: uuid.UUID, channel_id: uuid.UUID) -> sqlalchemy.Select[tuple[object, ...]]:
    table = channel_table
    return sqlalchemy.select(table).where(table.c.channel_id == channel_id, table.c.workspace_id == workspace_id)


def _columns(channel: Channel) -> list[object]:
    return [
        channel.channel_id,
        channel.workspace_id,
        channel.name,
        channel.kind,
        channel.description,
        channel.paused,
        dict(channel.config),
        dict(channel.secrets),
        policy_document(channel.policy),
    ]
