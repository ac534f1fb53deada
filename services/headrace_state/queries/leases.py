"""The leases of attempts in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection, Database
from headrace_state.queries import run_rows
from headrace_state.queries.statements import SQL
from headrace_state.repository.leases import AttemptRef, Renewal
from headrace_state.rules.rows import Row


class PostgresLeases:
    """Implements `repository.leases.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def renew(
        self, workspace_id: uuid.UUID, attempts: Sequence[AttemptRef], lease_seconds: float | None
    ) -> list[Renewal]:
        """Renew the leases of attempts; see `repository.leases.Leases.renew`."""
        if not attempts:
            return []

        async def work(connection: Connection) -> list[Row]:
            return list(
                await connection.fetch(
                    SQL.renew_leases,
                    workspace_id,
                    [attempt.flow_run_id for attempt in attempts],
                    [attempt.token for attempt in attempts],
                    lease_seconds,
                )
            )

        rows = await self._database.run(work)
        return [_renewal(attempt, row) for attempt, row in zip(attempts, rows, strict=True)]


def _renewal(attempt: AttemptRef, row: Row) -> Renewal:
    exists = row["state_id"] is not None
    return Renewal(
        attempt=attempt,
        is_renewed=row["expires_at"] is not None,
        expires_at=row["expires_at"],
        state=run_rows.state_of(row) if exists else None,
        is_current=exists and row["attempt_token"] == attempt.token,
    )
