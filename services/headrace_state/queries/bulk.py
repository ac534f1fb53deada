"""Bulk operations in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state import tables
from headrace_state.queries import pages, run_rows
from headrace_state.queries.conditions import any_word
from headrace_state.queries.statements import SQL
from headrace_state.repository.bulk import CHANNEL, NewBulkOperation
from headrace_state.rules.bulk import REFUSALS_KEPT, BulkAction, BulkProgress, changed_tags
from headrace_state.rules.rows import Row
from headrace_state.wire import changes

_OPERATION = tables.bulk_operation
_ORDER = pages.Order("bulk_operation_id", descending=True)


class PostgresBulkOperations:
    """Implements `repository.bulk.BulkOperations`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._outbox = outbox
        self._wakeups = wakeups

    async def create(self, workspace_id: uuid.UUID, new: NewBulkOperation) -> Row:
        """Start an operation, or return the one with its id."""
        async with self._database.connection() as connection:
            made = await connection.fetchrow(
                SQL.insert_bulk_operation,
                workspace_id,
                new.bulk_operation_id,
                new.action.to_json(),
                dict(new.filter),
                new.run_count,
                new.is_capped,
                *new.creator,
            )
            found = made or await connection.fetchrow(SQL.load_bulk_operation, workspace_id, new.bulk_operation_id)
        if found is None:
            raise errors.AlreadyExists(f"the id {new.bulk_operation_id} is taken")
        return found

    async def load(self, workspace_id: uuid.UUID, bulk_operation_id: uuid.UUID) -> Row | None:
        """Return an operation, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_bulk_operation, workspace_id, bulk_operation_id)

    async def list_page(
        self, workspace_id: uuid.UUID, statuses: Sequence[str], after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, newest first, and the key to go on behind it (None at the end)."""
        conditions: list[sa.ColumnElement[bool]] = [_OPERATION.c.workspace_id == workspace_id]
        any_word(conditions, _OPERATION.c.status, statuses)
        statement = pages.page(
            _OPERATION, list(_OPERATION.c), conditions, _ORDER, "bulk_operation_id", after, limit + 1
        )
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], _ORDER, "bulk_operation_id")

    async def cancel(self, workspace_id: uuid.UUID, bulk_operation_id: uuid.UUID) -> Row | None:
        """End an operation unless it has ended; return it, None if there is none."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.cancel_bulk_operation, workspace_id, bulk_operation_id)
            found = await connection.fetchrow(SQL.load_bulk_operation, workspace_id, bulk_operation_id)
        self._wakeups.notify(CHANNEL)
        return found

    async def find_unfinished(self) -> Row | None:
        """Return the operation that was not advanced for the longest time, None if none is left."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.find_bulk_operation)

    async def advance(self, operation: Row, progress: BulkProgress) -> bool:
        """Store how far an operation has come since it was found; without a last run it has ended."""
        room = max(REFUSALS_KEPT - len(operation["refusals"]), 0)
        told = [
            {"flow_run_id": str(refusal.flow_run_id), "code": refusal.code, "reason": refusal.reason}
            for refusal in progress.refusals[:room]
        ]
        async with self._database.connection() as connection:
            stored = await connection.fetchval(
                SQL.advance_bulk_operation,
                operation["workspace_id"],
                operation["bulk_operation_id"],
                operation["last_flow_run_id"],
                progress.last_flow_run_id,
                progress.looked_at,
                progress.looked_at - len(progress.refusals),
                len(progress.refusals),
                told,
            )
        self._wakeups.notify(CHANNEL)
        return stored is not None

    async def change_tags(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, action: BulkAction) -> bool:
        """Change the tags of a run and tell others; return whether they were others."""

        async def work(connection: Connection) -> bool:
            before = await connection.fetchrow(SQL.lock_tags, workspace_id, flow_run_id)
            if before is None:
                raise errors.NotFound(f"there is no flow run {flow_run_id}")
            after = changed_tags(before["tags"], action)
            if after == before["tags"]:
                return False
            values = run_rows.as_json([{"tags": after}])[1:-1]
            await connection.execute(SQL.update_flow_run, workspace_id, flow_run_id, ["tags"], values)
            [changed] = await connection.fetch(SQL.load_flow_run, workspace_id, flow_run_id)
            await connection.execute(
                SQL.append_outbox,
                [workspace_id],
                [changes.FLOW_RUN_UPDATED],
                [changes.flow_run_state(changed, changed)],
            )
            self._database.after_commit(connection, self._outbox.wake)
            return True

        return await self._database.run(work)

    async def drop_ended(self, days: float, limit: int) -> int:
        """Forget operations that ended so many days ago; return how many."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.drop_ended_bulk_operations, days, limit))
