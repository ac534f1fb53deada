"""By when claimed runs have to be running, in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Database
from headrace_state.queries.statements import SQL
from headrace_state.repository.starts import StartDeadline


class PostgresStarts:
    """Implements `repository.starts.Starts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_reached(self, limit: int) -> list[StartDeadline]:
        """Return deadlines that are reached, whether the run is running or not."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_missed_starts, limit)
        return [
            StartDeadline(row["attempt_token"], row["workspace_id"], row["flow_run_id"], row["timeout_seconds"])
            for row in rows
        ]

    async def drop(self, attempt_tokens: Sequence[uuid.UUID]) -> None:
        """Forget deadlines that were looked at."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.drop_start_deadlines, list(attempt_tokens))
