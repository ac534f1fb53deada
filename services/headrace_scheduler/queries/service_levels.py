"""Service levels."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_scheduler.queries.rows import Row
from headrace_scheduler.rules.service_level import Kind, ServiceLevel, Severity
from headrace_scheduler.tables import service_level, service_level_violation


class ServiceLevelQueries:
    """Service levels in one transaction; see `repository.service_levels.ServiceLevels`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_of(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[ServiceLevel]:
        """Return the service levels of a deployment by name."""
        found = await self._fetch(
            sa.select(*service_level.c)
            .where(service_level.c.workspace_id == workspace_id, service_level.c.deployment_id == deployment_id)
            .order_by(service_level.c.name)
        )
        return [_level_of(row) for row in found]

    async def store(self, level: ServiceLevel) -> None:
        """Store a service level, new or changed; it is looked at soon."""
        values = {
            "service_level_id": level.service_level_id,
            "workspace_id": level.workspace_id,
            "deployment_id": level.deployment_id,
            "name": level.name,
            "kind": level.kind.value,
            "within_seconds": level.within_seconds,
            "severity": level.severity.value,
            "disabled": level.disabled,
            "since": level.since,
            "checked_at": level.checked_at,
            "created_at": level.created_at,
        }
        insert = pg.insert(service_level).values(values)
        changed = {name: values[name] for name in ("kind", "within_seconds", "severity", "disabled", "since")}
        await self._execute(
            insert.on_conflict_do_update(
                index_elements=["service_level_id"], set_={**changed, "next_check_at": sa.func.now()}
            )
        )

    async def delete(self, service_level_ids: Sequence[uuid.UUID]) -> None:
        """Delete service levels."""
        wanted = sa.literal(list(service_level_ids), pg.ARRAY(sa.Uuid))
        await self._execute(service_level.delete().where(service_level.c.service_level_id == sa.any_(wanted)))

    async def list_due(self, limit: int) -> tuple[list[ServiceLevel], datetime.datetime]:
        """Return those of all workspaces that have to be looked at, and the time by the database's clock."""
        found = await self._fetch(
            sa.select(*service_level.c, sa.func.clock_timestamp().label("now"))
            .where(sa.not_(service_level.c.disabled), service_level.c.next_check_at <= sa.func.now())
            .order_by(service_level.c.next_check_at)
            .limit(limit)
        )
        now = found[0]["now"] if found else await self._connection.fetchval("select now()")
        return [_level_of(row) for row in found], now

    async def add_violation(self, service_level_id: uuid.UUID, subject: str, now: datetime.datetime) -> bool:
        """Store that a promise was broken; False if it is known of this subject."""
        insert = pg.insert(service_level_violation).values(
            service_level_id=service_level_id, subject=subject, violated_at=now
        )
        statement: Any = insert.on_conflict_do_nothing().returning(service_level_violation.c.subject)
        if not await self._fetch(statement):
            return False
        await self._execute(
            service_level.update().where(service_level.c.service_level_id == service_level_id).values(violated_at=now)
        )
        return True

    async def checked(
        self, service_level_id: uuid.UUID, now: datetime.datetime, next_check_at: datetime.datetime
    ) -> None:
        """Store up to when a service level was looked at, and when to look again."""
        await self._execute(
            service_level.update()
            .where(service_level.c.service_level_id == service_level_id)
            .values(checked_at=now, next_check_at=next_check_at)
        )

    async def forget_violations(self, older_seconds: float) -> int:
        """Delete what was broken long ago; return how many."""
        before = sa.func.now() - datetime.timedelta(seconds=older_seconds)
        statement = (
            service_level_violation.delete()
            .where(service_level_violation.c.violated_at < before)
            .returning(service_level_violation.c.subject)
        )
        return len(await self._fetch(statement))

    async def _fetch(self, statement: Any) -> list[asyncpg.Record]:
        text, arguments = compile_core(statement)
        return list(await self._connection.fetch(text, *arguments))

    async def _execute(self, statement: Any) -> None:
        text, arguments = compile_core(statement)
        await self._connection.execute(text, *arguments)


def _level_of(row: Row) -> ServiceLevel:
    return ServiceLevel(
        service_level_id=row["service_level_id"],
        workspace_id=row["workspace_id"],
        deployment_id=row["deployment_id"],
        name=row["name"],
        kind=Kind(row["kind"]),
        within_seconds=row["within_seconds"],
        severity=Severity(row["severity"]),
        disabled=row["disabled"],
        since=row["since"],
        checked_at=row["checked_at"],
        violated_at=row["violated_at"],
        created_at=row["created_at"],
    )
