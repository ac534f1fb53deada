"""Errands."""

from __future__ import annotations

import uuid
from typing import Any

from headrace_chassis.database import Connection
from headrace_scheduler.queries import SQL
from headrace_scheduler.queries.rows import Row
from headrace_scheduler.rules.errands import Errand, ErrandKind

_LIMITS = {
    "work-pool": SQL.load_pool_limit,
    "work-queue": SQL.load_queue_limit,
    "deployment": SQL.load_deployment_limit,
}


class ErrandQueries:
    """Errands in one transaction; see `repository.storage.Errands`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, errand: Errand) -> None:
        """Store an errand with the change that makes it necessary."""
        await self._connection.execute(
            SQL.add_errand, errand.kind.value, errand.subject, errand.workspace_id, dict(errand.payload)
        )

    async def list_open(self, limit: int) -> list[Errand]:
        """Return errands, oldest first."""
        return [_errand_of(row) for row in await self._connection.fetch(SQL.list_errands, limit)]

    async def take(self, errand: Errand, *, wait: bool) -> Errand | None:
        """Lock an errand and return it as it is now; None if it is done, or left to another."""
        statement = SQL.take_errand if wait else SQL.take_free_errand
        row = await self._connection.fetchrow(statement, errand.kind.value, errand.subject)
        return _errand_of(row) if row is not None else None

    async def finish(self, errand: Errand) -> None:
        """Delete a taken errand."""
        await self._connection.execute(SQL.finish_errand, errand.kind.value, errand.subject)

    async def current_limit(self, kind: str, identifier: uuid.UUID) -> int | None:
        """Return the limit that a `work-pool`, `work-queue` or `deployment` has now; None if none or it is gone."""
        limit: Any = await self._connection.fetchval(_LIMITS[kind], identifier)
        return int(limit) if limit is not None else None


def _errand_of(row: Row) -> Errand:
    return Errand(ErrandKind(row["kind"]), row["subject"], row["workspace_id"], row["payload"])
