"""Concurrency limits in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries.flow_run_unit import Tools, hand_on
from headrace_state.queries.statements import SQL
from headrace_state.rules.owned_limits import OwnedLimit


class PostgresLimits:
    """Implements `repository.Limits`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._tools = Tools(database, outbox, wakeups)

    async def set_owned(self, workspace_id: uuid.UUID, limits: Sequence[OwnedLimit]) -> None:
        """Set or remove limits of pools, queues and deployments."""
        kept = {limit.name: limit.slots for limit in limits if limit.slots is not None}
        gone = sorted({limit.name for limit in limits if limit.slots is None} - kept.keys())

        async def work(connection: Connection) -> None:
            await connection.fetch(SQL.lock_limits, workspace_id, sorted([*kept, *gone]))
            if kept:
                await connection.execute(SQL.set_limits, workspace_id, list(kept), list(kept.values()))
            if gone:
                await connection.fetch(SQL.delete_limits, workspace_id, gone)
            await hand_on(connection, workspace_id, sorted([*kept, *gone]), self._tools)
            self._database.after_commit(connection, self._tools.due)

        await self._database.run(work)

    async def end_leases(self, workspace_id: uuid.UUID, lease_ids: Sequence[uuid.UUID]) -> None:
        """End leases that no attempt holds, and hand their slots on."""

        async def work(connection: Connection) -> None:
            freed = await connection.fetch(SQL.end_leases, workspace_id, list(lease_ids))
            if freed:
                await hand_on(connection, workspace_id, [row["limit_name"] for row in freed], self._tools)
                self._database.after_commit(connection, self._tools.due)

        await self._database.run(work)
