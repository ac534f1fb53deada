"""Automations in the tables."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator

import sqlalchemy

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection, Database
from headrace_notification.queries import SQL
from headrace_notification.queries.evaluation import save_buckets
from headrace_notification.queries.rows import automation_columns, automation_from_row, creator_column
from headrace_notification.repository import AutomationPage
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.built_in import BUILT_IN
from headrace_notification.rules.firings import Changes
from headrace_notification.tables import automation as automation_table


class Work:
    """One change of automations, in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, automation: Automation) -> Automation | None:
        """Store a new automation and return it as stored; None if its id is taken."""
        version = await self._next_version()
        row = await self._connection.fetchrow(
            SQL.insert_automation,
            automation.automation_id,
            automation.workspace_id,
            *automation_columns(automation),
            creator_column(automation.creator),
            version,
        )
        if row is None:
            return None
        return dataclasses.replace(
            automation, created_at=row["created_at"], updated_at=row["updated_at"], version=version
        )

    async def load(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> Automation | None:
        """Return an automation, locked."""
        row = await self._connection.fetchrow(SQL.load_automation, automation_id, workspace_id)
        return automation_from_row(row) if row is not None else None

    async def replace(self, automation: Automation) -> Automation:
        """Store new values and return it as stored."""
        version = await self._next_version()
        updated_at = await self._connection.fetchval(
            SQL.update_automation,
            automation.automation_id,
            automation.workspace_id,
            *automation_columns(automation),
            version,
        )
        return dataclasses.replace(automation, updated_at=updated_at, version=version)

    async def delete(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> bool:
        """Delete an automation with what it remembers; return whether it was there."""
        await self._next_version()
        deleted = await self._connection.fetchval(SQL.delete_automation, automation_id, workspace_id)
        if deleted is not None:
            await self._connection.execute(SQL.drop_buckets, automation_id)
        return deleted is not None

    async def delete_owned(self, workspace_id: uuid.UUID, owner_resource_id: str) -> int:
        """Delete the automations that a resource owns, with what they remember; return how many there were."""
        deleted = await self._connection.fetch(SQL.delete_owned_automations, workspace_id, owner_resource_id)
        if deleted:
            await self._next_version()
        return len(deleted)

    async def remember(self, automation: Automation, first: Changes) -> None:
        """Have an automation remember this and nothing else."""
        await self._connection.execute(SQL.drop_buckets, automation.automation_id)
        kept = [(key, remembered) for key, remembered in first.items() if remembered is not None]
        if kept:
            await save_buckets(self._connection, kept, {automation.automation_id: automation})

    async def _next_version(self) -> int:
        return int(await self._connection.fetchval(SQL.change_catalogue))


class Automations:
    """Keeps automations.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextlib.asynccontextmanager
    async def change(self) -> AsyncIterator[Work]:
        """Begin a change; it holds once the block is left without an error."""
        async with self._database.transaction() as connection:
            yield Work(connection)

    async def load(self, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> Automation | None:
        """Return an automation."""
        table = automation_table
        text, arguments = compile_core(
            sqlalchemy.select(table).where(table.c.automation_id == automation_id, table.c.workspace_id == workspace_id)
        )
        async with self._database.connection() as connection:
            row = await connection.fetchrow(text, *arguments)
        return automation_from_row(row) if row is not None else None

    async def list_automations(self, workspace_id: uuid.UUID, page: AutomationPage) -> list[Automation]:
        """Return automations by name."""
        table = automation_table
        conditions = [table.c.workspace_id == workspace_id]
        if page.name_contains:
            conditions.append(table.c.name.icontains(page.name_contains, autoescape=True))
        if page.enabled is not None:
            conditions.append(table.c.enabled.is_(page.enabled))
        if page.owner_resource_id:
            conditions.append(table.c.owner_resource_id == page.owner_resource_id)
        else:
            conditions.append(table.c.owner_resource_id != BUILT_IN)
        if page.after is not None:
            name, automation_id = page.after
            conditions.append(
                sqlalchemy.tuple_(table.c.name, table.c.automation_id)
                > sqlalchemy.tuple_(
                    sqlalchemy.literal(name, sqlalchemy.Text), sqlalchemy.literal(automation_id, sqlalchemy.Uuid)
                )
            )
        text, arguments = compile_core(
            sqlalchemy.select(table).where(*conditions).order_by(table.c.name, table.c.automation_id).limit(page.limit)
        )
        async with self._database.connection() as connection:
            return [automation_from_row(row) for row in await connection.fetch(text, *arguments)]

    async def catalogue_version(self) -> int:
        """Return the version of the last change of any automation."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.catalogue_version))

    async def count_enabled(self) -> int:
        """Return how many automations are enabled."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.count_enabled))

    async def changed_since(self, version: int) -> list[Automation]:
        """Return the automations changed after a version."""
        async with self._database.connection() as connection:
            return [automation_from_row(row) for row in await connection.fetch(SQL.changed_automations, version)]

    async def enabled_ids(self) -> set[uuid.UUID]:
        """Return the ids of the enabled automations."""
        async with self._database.connection() as connection:
            return {row["automation_id"] for row in await connection.fetch(SQL.enabled_automations)}
