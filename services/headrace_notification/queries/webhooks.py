"""Webhooks in the tables."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

import sqlalchemy

from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_notification.queries import SQL
from headrace_notification.queries.rows import Row, creator_column
from headrace_notification.rules.automations import Creator
from headrace_notification.rules.webhooks import (
    Authentication,
    Handshake,
    Webhook,
    template_document,
    template_from_document,
)
from headrace_notification.tables import webhook as webhook_table


def webhook_from_row(row: Row) -> Webhook:
    """Return the webhook in a row."""
    return Webhook(
        webhook_id=row["webhook_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        slug=row["slug"],
        template=template_from_document(row["template"]),
        description=row["description"],
        paused=row["paused"],
        authentication=Authentication(row["authentication"]),
        secret=row["secret"],
        secret_before=row["secret_before"],
        grace_until=row["grace_until"],
        replay_window=datetime.timedelta(seconds=row["replay_window_seconds"]),
        most_bytes=row["most_bytes"],
        most_per_minute=row["most_per_minute"],
        handshake=Handshake(row["handshake"]),
        creator=Creator(**row["creator"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_received_at=row["last_received_at"],
        received_count=row["received_count"],
        last_error=row["last_error"],
        last_error_at=row["last_error_at"],
    )


def _columns(webhook: Webhook) -> list[Any]:
    return [
        webhook.webhook_id,
        webhook.workspace_id,
        webhook.name,
        webhook.slug,
        webhook.description,
        webhook.paused,
        webhook.authentication.value,
        webhook.secret,
        webhook.secret_before,
        webhook.grace_until,
        template_document(webhook.template),
        webhook.replay_window.total_seconds(),
        webhook.most_bytes,
        webhook.most_per_minute,
        webhook.handshake.value,
        creator_column(webhook.creator),
    ]


class Webhooks:
    """Keeps webhooks.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, webhook: Webhook) -> Webhook | None:
        """Store a new webhook and return it as stored; None if its id or its slug is taken."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL.insert_webhook, *_columns(webhook))
        if row is None:
            return None
        return dataclasses.replace(webhook, created_at=row["created_at"], updated_at=row["updated_at"])

    async def load(self, workspace_id: uuid.UUID, webhook_id: uuid.UUID) -> Webhook | None:
        """Return a webhook."""
        table = webhook_table
        found = await self._select(
            sqlalchemy.select(table).where(table.c.webhook_id == webhook_id, table.c.workspace_id == workspace_id)
        )
        return found[0] if found else None

    async def load_by_slug(self, slug: str, workspace_id: uuid.UUID | None = None) -> Webhook | None:
        """Return the webhook at an address, of any workspace or of one."""
        table = webhook_table
        statement = sqlalchemy.select(table).where(table.c.slug == slug)
        if workspace_id is not None:
            statement = statement.where(table.c.workspace_id == workspace_id)
        found = await self._select(statement)
        return found[0] if found else None

    async def list_webhooks(
        self, workspace_id: uuid.UUID, *, name_contains: str, after: tuple[str, uuid.UUID] | None, limit: int
    ) -> list[Webhook]:
        """Return webhooks by name."""
        table = webhook_table
        conditions = [table.c.workspace_id == workspace_id]
        if name_contains:
            conditions.append(table.c.name.icontains(name_contains, autoescape=True))
        if after is not None:
            name, webhook_id = after
            conditions.append(
                sqlalchemy.tuple_(table.c.name, table.c.webhook_id)
                > sqlalchemy.tuple_(
                    sqlalchemy.literal(name, sqlalchemy.Text), sqlalchemy.literal(webhook_id, sqlalchemy.Uuid)
                )
            )
        return await self._select(
            sqlalchemy.select(table).where(*conditions).order_by(table.c.name, table.c.webhook_id).limit(limit)
        )

    async def replace(self, webhook: Webhook) -> Webhook | None:
        """Store new values and return it as stored; None if it is gone."""
        async with self._database.transaction() as connection:
            # Who made it stays as it was.
            updated_at = await connection.fetchval(SQL.update_webhook, *_columns(webhook)[:-1])
        return dataclasses.replace(webhook, updated_at=updated_at) if updated_at is not None else None

    async def delete(self, workspace_id: uuid.UUID, webhook_id: uuid.UUID) -> bool:
        """Delete a webhook; return whether it was there."""
        async with self._database.transaction() as connection:
            return await connection.fetchval(SQL.delete_webhook, webhook_id, workspace_id) is not None

    async def list_sealed(self, after: uuid.UUID, limit: int) -> list[Webhook]:
        """Return webhooks of all workspaces that have a secret, in the order of their ids, behind `after`."""
        table = webhook_table
        return await self._select(
            sqlalchemy.select(table)
            .where(table.c.webhook_id > after, table.c.secret != "")
            .order_by(table.c.webhook_id)
            .limit(limit)
        )

    async def spend(self, webhook: Webhook) -> float | None:
        """Count a call; return None, or in how many seconds there is room for another one."""
        async with self._database.transaction() as connection:
            wait = await connection.fetchval(SQL.count_webhook_call, webhook.webhook_id, webhook.most_per_minute)
        return float(wait) if wait else None

    async def event_id_of(
        self, webhook: Webhook, digest: bytes, event_id: uuid.UUID, window: datetime.timedelta
    ) -> uuid.UUID:
        """Return the id of the event that a call with this digest became within the window; else `event_id`."""
        async with self._database.transaction() as connection:
            found = await connection.fetchval(
                SQL.remember_webhook_call,
                webhook.webhook_id,
                digest,
                webhook.workspace_id,
                event_id,
                window.total_seconds(),
            )
        return uuid.UUID(str(found))

    async def note_error(self, webhook: Webhook, error: str) -> None:
        """Store what was wrong with a call."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.note_webhook_error, webhook.webhook_id, error)

    async def _select(self, statement: sqlalchemy.Select[tuple[object, ...]]) -> list[Webhook]:
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return list(map(webhook_from_row, await connection.fetch(text, *arguments)))
