"""Schedules."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace import errors
from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries import SQL, rows
from headrace_scheduler.repository.storage import Advance, DueSchedule
from headrace_scheduler.rules.schedule import Schedule
from headrace_scheduler.tables import calendar, schedule

_CALENDAR_FIELDS = ("name", "description", "time_zone", "dates", "weekdays", "blackouts")
_ORDERED = pg.aggregate_order_by(
    sa.func.jsonb_build_object(*(part for name in _CALENDAR_FIELDS for part in (name, calendar.c[name]))),
    sa.func.array_position(schedule.c.calendar_names, calendar.c.name),
)
_CALENDARS = (
    sa.select(sa.func.coalesce(sa.func.jsonb_agg(_ORDERED), sa.literal_column("'[]'::jsonb")))
    .where(
        calendar.c.workspace_id == schedule.c.workspace_id,
        calendar.c.name == sa.any_(schedule.c.calendar_names),
    )
    .scalar_subquery()
    .correlate(schedule)
)

SCHEDULE_COLUMNS = (*schedule.c, _CALENDARS.label("calendars"))
"""The columns of a schedule, and the calendars that it names."""


class ScheduleQueries:
    """Schedules in one transaction; see `repository.storage.Schedules`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def load(self, workspace_id: uuid.UUID, schedule_id: uuid.UUID) -> Schedule | None:
        """Return a schedule, None if there is none."""
        text, arguments = compile_core(
            sa.select(*SCHEDULE_COLUMNS).where(
                schedule.c.workspace_id == workspace_id, schedule.c.schedule_id == schedule_id
            )
        )
        row = await self._connection.fetchrow(text, *arguments)
        return rows.schedule_of(row) if row is not None else None

    async def insert(self, workspace_id: uuid.UUID, new: Schedule) -> None:
        """Store a new schedule.

        Raises:
            errors.AlreadyExists: The slug is taken in the deployment.
        """
        await self._store(schedule.insert().values(workspace_id=workspace_id, **rows.schedule_columns(new)), new)

    async def update(self, changed: Schedule) -> None:
        """Store a schedule that a user changed.

        Raises:
            errors.AlreadyExists: The slug is taken in the deployment.
        """
        columns = rows.schedule_columns(changed)
        key = columns.pop("schedule_id")
        await self._store(schedule.update().where(schedule.c.schedule_id == key).values(columns), changed)

    async def _store(self, statement: Any, stored: Schedule) -> None:
        text, arguments = compile_core(statement)
        try:
            async with self._connection.transaction():
                await self._connection.execute(text, *arguments)
        except asyncpg.UniqueViolationError as error:
            raise errors.AlreadyExists(
                f"the deployment has a schedule {stored.slug!r} already", reason="SCHEDULE_EXISTS"
            ) from error

    async def delete(self, schedule_id: uuid.UUID) -> None:
        """Delete a schedule."""
        text, arguments = compile_core(schedule.delete().where(schedule.c.schedule_id == schedule_id))
        await self._connection.execute(text, *arguments)

    async def list_due(self, limit: int) -> tuple[list[DueSchedule], datetime.datetime]:
        """Return schedules that need runs made, longest due first, and the time by the database's clock."""
        found = await self._connection.fetch(SQL.list_due_schedules, limit)
        due = [DueSchedule(rows.schedule_of(row), rows.deployment_of(_deployment_part(row))) for row in found]
        now = found[0]["now"] if found else await self._connection.fetchval("select now()")
        return due, now

    async def advance(self, advances: Sequence[Advance]) -> set[uuid.UUID]:
        """Store how far schedules have come; return those that nobody had changed."""
        advanced: set[uuid.UUID] = set()
        for advance in advances:
            schedule_id = await self._connection.fetchval(
                SQL.advance_schedule,
                advance.schedule_id,
                advance.revision,
                advance.cursor_at,
                advance.next_at,
                list(advance.upcoming_at),
            )
            if schedule_id is not None:
                advanced.add(schedule_id)
        return advanced

    async def reopen(self, schedule_ids: Sequence[uuid.UUID]) -> None:
        """Have the runs to come of schedules made anew, as after a change by a user."""
        if schedule_ids:
            await self._connection.execute(SQL.reopen_schedules, list(schedule_ids))


def _deployment_part(row: asyncpg.Record) -> dict[str, Any]:
    return {name.removeprefix("deployment__"): value for name, value in row.items() if name.startswith("deployment__")}
