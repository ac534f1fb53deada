"""All that is known about why a run is where it is, in Postgres."""

from __future__ import annotations

import uuid

from headrace_chassis.database import Database
from headrace_state.queries.statements import SQL
from headrace_state.rules.descriptions import Description

_MOST_AHEAD = 1_000
_MOST_HOLDERS = 5
_MOST_RELATIVES = 10


class PostgresDescriptions:
    """Implements `repository.descriptions.Descriptions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def describe(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> Description | None:
        """Return what is known about a run, None if there is none."""
        async with self._database.connection() as connection:
            hold = await connection.fetchrow(SQL.describe_hold, workspace_id, flow_run_id)
            if hold is None:
                return None
            # What the pool's and the queue's own limits hold back comes first again once they have room.
            full = [
                row["name"]
                for row in await connection.fetch(SQL.list_full_limits, workspace_id)
                if not row["name"].startswith(("work-pool:", "work-queue:"))
            ]
            waiting = await connection.fetchrow(SQL.describe_waiting, workspace_id, flow_run_id, _MOST_AHEAD, full)
            limits = await connection.fetch(SQL.describe_limits, workspace_id, list(hold["limits"]), _MOST_HOLDERS)
            relatives = await connection.fetch(SQL.describe_relatives, workspace_id, flow_run_id, _MOST_RELATIVES)
        return Description(
            now=hold["now"],
            lease_expires_at=hold["lease_expires_at"],
            due_at=waiting["due_at"] if waiting is not None else None,
            expires_at=waiting["expires_at"] if waiting is not None else None,
            worker_labels=waiting["worker_labels"] if waiting is not None else {},
            ahead=waiting["ahead"] if waiting is not None else 0,
            limits=tuple(limits),
            relatives=tuple(relatives),
        )
