"""Flows in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_state import tables
from headrace_state.queries import filters, pages
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.rules.filters import FlowFilter
from headrace_state.rules.flows import NewFlow
from headrace_state.rules.rows import Row

ORDERS: Mapping[str, pages.Order] = {
    "CREATED_DESC": pages.Order("created_at", descending=True),
    "UPDATED_DESC": pages.Order("updated_at", descending=True),
    "NAME_ASC": pages.Order("name"),
    "NAME_DESC": pages.Order("name", descending=True),
}
"""Orders by the names in the contract."""

_FLOW = tables.flow
_SEEN = [column for column in _FLOW.c if column.name != "workspace_id"]


class PostgresFlows:
    """Implements `repository.flows.Flows`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, workspace_id: uuid.UUID, new: NewFlow) -> tuple[Row, bool]:
        """Create a flow, or return the one that has its name; and whether it was created."""
        async with self._database.connection() as connection:
            made = await connection.fetchrow(
                SQL.insert_flow, workspace_id, new.flow_id, new.name, new.description, list(new.tags), dict(new.labels)
            )
            if made is not None:
                return made, True
            found = await connection.fetchrow(SQL.load_flow_by_name, workspace_id, new.name)
        if found is None:
            raise errors.AlreadyExists(f"the id {new.flow_id} is taken by another flow")
        return found, False

    async def load(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> Row | None:
        """Return a flow, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_flow, workspace_id, flow_id)

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: FlowFilter, order: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end)."""
        by = ORDERS[order]
        conditions = filters.flow_conditions(workspace_id, chosen)
        statement = pages.page(_FLOW, _SEEN, conditions, by, "flow_id", after, limit + 1)
        async with self._database.connection() as connection:
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], by, "flow_id")

    async def update(self, workspace_id: uuid.UUID, flow_id: uuid.UUID, columns: Mapping[str, Any]) -> Row | None:
        """Change columns of a flow; None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(
                SQL.update_flow,
                workspace_id,
                flow_id,
                columns.get("description"),
                columns.get("tags"),
                columns.get("labels"),
            )

    async def delete(self, workspace_id: uuid.UUID, flow_id: uuid.UUID) -> None:
        """Delete a flow with its runs."""

        async def work(connection: Connection) -> None:
            if await connection.fetchval(SQL.lock_flow, workspace_id, flow_id) is None:
                raise errors.NotFound(f"there is no flow {flow_id}")
            held = await connection.fetchval(SQL.find_run_in_progress, workspace_id, flow_id)
            if held is not None:
                raise errors.FailedPrecondition(
                    f"the flow run {held} is in progress; cancel it first", reason="RUNS_IN_PROGRESS"
                )
            run_ids = [
                row["flow_run_id"] for row in await connection.fetch(SQL.list_runs_of_flow, workspace_id, flow_id)
            ]
            for run_id in run_ids:
                await connection.execute(SQL.delete_flow_run, workspace_id, run_id, history_since(run_id))
            await connection.execute(SQL.delete_flow, workspace_id, flow_id)

        await self._database.run(work)
