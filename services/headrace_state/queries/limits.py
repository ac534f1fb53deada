"""Concurrency limits in Postgres."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from typing import Any

from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries.conditions import contains_pattern
from headrace_state.queries.flow_run_unit import Tools, hand_on
from headrace_state.queries.statements import SQL
from headrace_state.rules.owned_limits import OwnedLimit
from headrace_state.rules.rows import Row

SHOWN = 100
"""Holders and waiters of a limit that are brought at most."""


class PostgresLimits:
    """Implements `repository.limits.Limits`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._tools = Tools(database, outbox, wakeups)

    async def set(
        self, workspace_id: uuid.UUID, name: str, slots: int, is_active: bool | None, slot_decay_per_second: float
    ) -> Row:
        """Create a limit or change the one with the name; return it, with how many slots are taken."""

        async def work(connection: Connection) -> Row:
            await connection.fetch(SQL.lock_limits, workspace_id, [name])
            await connection.execute(SQL.set_limit, workspace_id, name, slots, is_active, slot_decay_per_second)
            await self._changed(connection, workspace_id, [name])
            [row] = await connection.fetch(SQL.load_limit, workspace_id, name)
            return row

        return await self._database.run(work)

    async def load(self, workspace_id: uuid.UUID, name: str) -> tuple[Row, Sequence[Row], Sequence[Row]] | None:
        """Return a limit with its holders and waiters; None if there is none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.load_limit, workspace_id, name)
            if row is None:
                return None
            holders = await connection.fetch(SQL.list_holders, workspace_id, name, SHOWN)
            waiters = await connection.fetch(SQL.list_waiters, workspace_id, name, SHOWN)
        return row, holders, waiters

    async def list_page(
        self, workspace_id: uuid.UUID, name_contains: str, after: str | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by name, and the key to go on behind it (None at the end)."""
        pattern = contains_pattern(name_contains) if name_contains else ""
        async with self._database.connection() as connection:
            rows = list(await connection.fetch(SQL.list_limits, workspace_id, pattern, after, limit + 1))
        if len(rows) <= limit:
            return list[Row](rows), None
        return list[Row](rows[:limit]), (rows[limit - 1]["name"],)

    async def delete(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a limit; return whether there was one."""

        async def work(connection: Connection) -> bool:
            await connection.fetch(SQL.lock_limits, workspace_id, [name])
            gone = await connection.fetch(SQL.delete_limits, workspace_id, [name])
            await self._changed(connection, workspace_id, [name])
            return bool(gone)

        return await self._database.run(work)

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
            await self._changed(connection, workspace_id, sorted([*kept, *gone]))

        await self._database.run(work)

    async def evict(self, workspace_id: uuid.UUID, name: str, lease_id: uuid.UUID) -> Row | None:
        """Take the slots of a limit away from a lease and hand them on; a lease that no attempt holds ends."""

        async def work(connection: Connection) -> Row | None:
            await connection.fetch(SQL.lock_limits, workspace_id, [name])
            holder = await connection.fetchrow(SQL.evict_holder, workspace_id, name, lease_id)
            if holder is None:
                return None
            freed = {name}
            if holder["flow_run_id"] is None:
                rows = await connection.fetch(SQL.end_leases, workspace_id, [lease_id])
                freed |= {row["limit_name"] for row in rows}
            await self._changed(connection, workspace_id, sorted(freed))
            return holder

        return await self._database.run(work)

    async def sweep_keyed(self, most: int) -> int:
        """Delete limits of keys that nothing holds or waits for; return how many."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.sweep_keyed_limits, most))

    async def end_leases(self, workspace_id: uuid.UUID, lease_ids: Sequence[uuid.UUID]) -> None:
        """End leases that no attempt holds, and hand their slots on."""

        async def work(connection: Connection) -> None:
            freed = await connection.fetch(SQL.end_leases, workspace_id, list(lease_ids))
            if freed:
                await self._changed(connection, workspace_id, [row["limit_name"] for row in freed])

        await self._database.run(work)

    async def end_leases_of_runs(
        self, workspace_id: uuid.UUID, ended: Sequence[tuple[uuid.UUID, datetime.datetime]]
    ) -> None:
        """End what the processes of flow runs held for these and their task runs, and hand the slots on."""

        async def work(connection: Connection) -> None:
            runs, times = [run for run, _ in ended], [at for _, at in ended]
            freed = await connection.fetch(SQL.end_leases_of_runs, workspace_id, runs, times)
            if freed:
                await self._changed(connection, workspace_id, [row["limit_name"] for row in freed])

        await self._database.run(work)

    async def _changed(self, connection: Connection, workspace_id: uuid.UUID, names: Sequence[str]) -> None:
        await hand_on(connection, workspace_id, names, self._tools)
        self._database.after_commit(connection, self._tools.due)
