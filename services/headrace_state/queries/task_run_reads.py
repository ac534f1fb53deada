"""Reads of task runs: one, some, a page, a count."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace_chassis.database import Database
from headrace_state import tables
from headrace_state.queries import filters, pages, run_rows
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.rules.filters import TaskRunFilter
from headrace_state.rules.rows import Row

ORDERS: Mapping[str, pages.Order] = {
    "ID_DESC": pages.Order("task_run_id", descending=True),
    "ID_ASC": pages.Order("task_run_id"),
    "STARTED_DESC": pages.Order("started_at", descending=True),
    "STARTED_ASC": pages.Order("started_at"),
    "ENDED_DESC": pages.Order("ended_at", descending=True),
    "NAME_ASC": pages.Order("name"),
    "NAME_DESC": pages.Order("name", descending=True),
    "RUN_TIME_DESC": pages.Order("run_seconds", descending=True),
}
"""Orders by the names in the contract."""

_RUN = tables.task_run
_SEEN = [column for column in _RUN.c if column.name not in {"workspace_id", "attempt"}]


class PostgresTaskRunReads:
    """Implements `repository.task_runs.TaskRunReads`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> Row | None:
        """Return a task run, None if there is none."""
        rows = await self.load_many(workspace_id, [task_run_id])
        return rows[0] if rows else None

    async def load_many(self, workspace_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID]) -> list[Row]:
        """Return those task runs that exist."""
        async with self._database.connection() as connection:
            return list(await connection.fetch(SQL.load_task_runs, workspace_id, list(task_run_ids)))

    async def update(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID, columns: Mapping[str, Any]) -> Row | None:
        """Change columns of a task run beside its state; return it, None if there is none."""
        changed = run_rows.as_json([dict(columns)])[1:-1]
        async with self._database.connection() as connection:
            await connection.execute(SQL.update_task_run, workspace_id, task_run_id, list(columns), changed)
        return await self.load(workspace_id, task_run_id)

    async def delete(self, workspace_id: uuid.UUID, task_run_id: uuid.UUID) -> str | None:
        """Delete a task run that is not RUNNING, with its history; return its state before, None if there is none."""
        since = history_since(task_run_id)
        async with self._database.connection() as connection:
            before: str | None = await connection.fetchval(SQL.delete_task_run, workspace_id, task_run_id, since)
        return before

    async def list_of_flow_run(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, after: uuid.UUID | None, limit: int
    ) -> list[Row]:
        """Return the task runs of a flow run behind one, in order of their ids."""
        chosen = TaskRunFilter(flow_run_ids=(flow_run_id,))
        rows, _ = await self.list_page(workspace_id, chosen, "ID_ASC", (after,) if after is not None else None, limit)
        return rows

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: TaskRunFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end)."""
        by = ORDERS[order]
        conditions = filters.task_run_conditions(workspace_id, chosen)
        statement = pages.page(_RUN, _SEEN, conditions, by, "task_run_id", after, limit + 1)
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], by, "task_run_id")

    async def count(self, workspace_id: uuid.UUID, chosen: TaskRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many task runs are in states of each type, and whether counting stopped at its bound."""
        conditions = filters.task_run_conditions(workspace_id, chosen)
        async with self._database.connection() as connection:
            return await pages.count_by_state_type(connection, _RUN, conditions)
