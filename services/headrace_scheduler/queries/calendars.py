"""Calendars."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries import rows
from headrace_scheduler.repository.calendars import StoredCalendar
from headrace_scheduler.rules.calendar import Calendar
from headrace_scheduler.tables import calendar, schedule


class CalendarQueries:
    """Calendars in one transaction; see `repository.calendars.Calendars`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, workspace_id: uuid.UUID, names: Sequence[str]) -> dict[str, Calendar]:
        """Return those of these calendars that exist."""
        found = await self._fetch(
            sa.select(*calendar.c).where(
                calendar.c.workspace_id == workspace_id,
                calendar.c.name == sa.any_(sa.literal(list(names), pg.ARRAY(sa.Text))),
            )
        )
        return {row["name"]: rows.calendar_of(row) for row in found}

    async def list_page(self, workspace_id: uuid.UUID, after: str | None, limit: int) -> list[StoredCalendar]:
        """Return calendars with names behind `after`, by name."""
        statement = sa.select(*calendar.c).where(calendar.c.workspace_id == workspace_id)
        if after is not None:
            statement = statement.where(calendar.c.name > after)
        found = await self._fetch(statement.order_by(calendar.c.name).limit(limit))
        return [_stored(row) for row in found]

    async def load_stored(self, workspace_id: uuid.UUID, name: str) -> StoredCalendar | None:
        """Return a calendar with its times, None if there is none."""
        found = await self._fetch(
            sa.select(*calendar.c).where(calendar.c.workspace_id == workspace_id, calendar.c.name == name)
        )
        return _stored(found[0]) if found else None

    async def store(self, workspace_id: uuid.UUID, stored: Calendar) -> bool:
        """Store a calendar in the place of the one with its name; return whether it is new."""
        columns = rows.calendar_columns(stored)
        insert = pg.insert(calendar).values(workspace_id=workspace_id, **columns)
        statement: Any = insert.on_conflict_do_update(
            index_elements=["workspace_id", "name"], set_={**columns, "updated_at": sa.func.now()}
        ).returning(sa.literal_column("xmax = 0").label("is_new"))
        return bool((await self._fetch(statement))[0]["is_new"])

    async def delete(self, workspace_id: uuid.UUID, name: str) -> None:
        """Delete a calendar."""
        text, arguments = compile_core(
            calendar.delete().where(calendar.c.workspace_id == workspace_id, calendar.c.name == name)
        )
        await self._connection.execute(text, *arguments)

    async def list_deployments(self, workspace_id: uuid.UUID, name: str) -> list[uuid.UUID]:
        """Return the deployments with schedules that name a calendar."""
        found = await self._fetch(
            sa.select(schedule.c.deployment_id)
            .distinct()
            .where(
                schedule.c.workspace_id == workspace_id,
                schedule.c.calendar_names.contains(sa.literal([name], pg.ARRAY(sa.Text))),
            )
            .order_by(schedule.c.deployment_id)
        )
        return [row["deployment_id"] for row in found]

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))


def _stored(row: rows.Row) -> StoredCalendar:
    return StoredCalendar(rows.calendar_of(row), row["created_at"], row["updated_at"])
