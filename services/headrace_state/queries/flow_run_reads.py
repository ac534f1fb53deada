"""Reads of flow runs: one, some, a page, a count, the history."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from headrace_chassis.database import Database
from headrace_state import tables
from headrace_state.queries import conditions as where
from headrace_state.queries import filters, pages
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.repository.flow_runs import Version
from headrace_state.rules.filters import FlowRunFilter
from headrace_state.rules.rows import Row

ORDERS: Mapping[str, pages.Order] = {
    "ID_DESC": pages.Order("flow_run_id", descending=True),
    "ID_ASC": pages.Order("flow_run_id"),
    "EXPECTED_START_DESC": pages.Order("expected_start_at", descending=True),
    "EXPECTED_START_ASC": pages.Order("expected_start_at"),
    "NEXT_SCHEDULED_START_ASC": pages.Order("next_scheduled_start_at", is_sparse=True),
    "STARTED_DESC": pages.Order("started_at", descending=True),
    "STARTED_ASC": pages.Order("started_at"),
    "ENDED_DESC": pages.Order("ended_at", descending=True),
    "NAME_ASC": pages.Order("name"),
    "NAME_DESC": pages.Order("name", descending=True),
    "RUN_TIME_DESC": pages.Order("run_seconds", descending=True),
}
"""Orders by the names in the contract."""

_RUN = tables.flow_run
_PAYLOAD = tables.flow_run_payload
_HIDDEN = {
    "answers",
    "attempt_token",
    "concurrency_strategy",
    "infrastructure_retries_used",
    "lease_id",
    "limits",
    "maximum_lateness_seconds",
    "retries_used",
    "worker_id",
    "worker_labels",
}
_SEEN = [column for column in _RUN.c if column.name not in _HIDDEN]
_WITH_PAYLOADS = [
    *_SEEN,
    *(
        sa.func.coalesce(_PAYLOAD.c[name], sa.literal_column("'{}'::jsonb")).label(name)
        for name in ("parameters", "job_variables", "context")
    ),
]
_JOINED = _RUN.outerjoin(_PAYLOAD, _PAYLOAD.c.flow_run_id == _RUN.c.flow_run_id)
_RUN_VERSION: sa.Label[Any] = sa.literal_column(f"{_RUN.fullname}.xmin").label("run_version")
"""The transaction that wrote the row last. In a database that was put back to an earlier moment these numbers come
again, with other times."""
_PAYLOAD_VERSION: sa.Label[Any] = sa.literal_column(f"{_PAYLOAD.fullname}.xmin").label("payload_version")

_VERSION = [_RUN.c.flow_run_id, _RUN_VERSION, _RUN.c.updated_at]
_IN_VERSION = {"flow_run_id", "updated_at"}

_DAY = datetime.timedelta(days=1)
_WEEK = datetime.timedelta(days=7)


class PostgresFlowRunReads:
    """Implements `repository.flow_runs.FlowRunReads`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> Row | None:
        """Return a run with its payloads, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_flow_run, workspace_id, flow_run_id)

    async def load_many(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Row]:
        """Return those runs that exist, with their payloads."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.load_flow_runs, workspace_id, list(flow_run_ids))
        return {row["flow_run_id"]: row for row in rows}

    async def is_below(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, above_id: uuid.UUID) -> bool:
        """Return whether a run is below another one: as a subflow at any depth, or made by it."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SQL.is_below, workspace_id, flow_run_id, above_id))

    async def list_page(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        order: str,
        after: Sequence[Any] | None,
        limit: int,
        *,
        with_payloads: bool,
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, and the key to go on behind it (None at the end)."""
        by = ORDERS[order]
        async with self._database.connection() as connection:
            flows = await filters.find_flows(connection, workspace_id, chosen)
            statement = pages.page(
                _RUN,
                _WITH_PAYLOADS if with_payloads else _SEEN,
                filters.flow_run_conditions(workspace_id, chosen, flows),
                by,
                "flow_run_id",
                after,
                limit + 1,
                _JOINED if with_payloads else None,
            )
            rows = await pages.fetch(connection, statement)
        if len(rows) <= limit:
            return rows, None
        return rows[:limit], pages.key_of(rows[limit - 1], by, "flow_run_id")

    async def list_versions(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        order: str,
        after: Sequence[Any] | None,
        limit: int,
        *,
        with_payloads: bool,
    ) -> tuple[list[Version], tuple[Any, ...] | None]:
        """Return a page as `list_page` does, of each run only its version."""
        by = ORDERS[order]
        columns = [*_VERSION, *([_RUN.c[by.by]] if by.by not in _IN_VERSION else [])]
        async with self._database.connection() as connection:
            flows = await filters.find_flows(connection, workspace_id, chosen)
            statement = pages.page(
                _RUN,
                [*columns, _PAYLOAD_VERSION] if with_payloads else columns,
                filters.flow_run_conditions(workspace_id, chosen, flows),
                by,
                "flow_run_id",
                after,
                limit + 1,
                _JOINED if with_payloads else None,
            )
            rows = await pages.fetch(connection, statement)
        versions = [_version(row, with_payloads) for row in rows[:limit]]
        return versions, pages.key_of(rows[limit - 1], by, "flow_run_id") if len(rows) > limit else None

    async def load_versions(
        self,
        workspace_id: uuid.UUID,
        chosen: FlowRunFilter,
        flow_run_ids: Sequence[uuid.UUID],
        *,
        with_payloads: bool,
    ) -> list[tuple[Version, Row]]:
        """Return those of some runs that pass a filter, as `list_page` does, each with its version; in any order."""
        async with self._database.connection() as connection:
            flows = await filters.find_flows(connection, workspace_id, chosen)
            conditions = filters.flow_run_conditions(workspace_id, chosen, flows)
            conditions.append(_RUN.c.flow_run_id == sa.any_(where.ids_array(flow_run_ids)))
            statement = pages.page(
                _RUN,
                [*_WITH_PAYLOADS, _RUN_VERSION, _PAYLOAD_VERSION] if with_payloads else [*_SEEN, _RUN_VERSION],
                conditions,
                ORDERS["ID_DESC"],
                "flow_run_id",
                None,
                len(flow_run_ids),
                _JOINED if with_payloads else None,
            )
            rows = await pages.fetch(connection, statement)
        return [(_version(row, with_payloads), row) for row in rows]

    async def count(self, workspace_id: uuid.UUID, chosen: FlowRunFilter) -> tuple[Mapping[str, int], bool]:
        """Return how many runs are in states of each type, and whether counting stopped at its bound."""
        async with self._database.connection() as connection:
            flows = await filters.find_flows(connection, workspace_id, chosen)
            conditions = filters.flow_run_conditions(workspace_id, chosen, flows)
            return await pages.count_by_state_type(connection, _RUN, conditions)

    async def load_state(self, workspace_id: uuid.UUID, state_id: uuid.UUID, *, of_flow_run: bool) -> Row | None:
        """Return one state of a flow run or of a task run, None if there is none.

        History is kept by days: an id with a time says where to look; one without is looked for in the last week.
        """
        now = datetime.datetime.now(datetime.UTC)
        since, until = now - _WEEK, now + _DAY
        if state_id.version == 7:
            since = history_since(state_id)
            until = since + 3 * _DAY
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_state, workspace_id, state_id, of_flow_run, since, until)

    async def list_states(
        self, workspace_id: uuid.UUID, run_id: uuid.UUID, after: tuple[int, datetime.datetime] | None, limit: int
    ) -> list[Row]:
        """Return the history of a flow run or task run behind a place, oldest first."""
        version, occurred_at = after if after is not None else (0, history_since(run_id))
        async with self._database.connection() as connection:
            return list(
                await connection.fetch(
                    SQL.list_states, workspace_id, run_id, history_since(run_id), version, occurred_at, limit
                )
            )


def _version(row: Row, with_payloads: bool) -> Version:
    of_run = row["flow_run_id"], row["run_version"], row["updated_at"]
    return (*of_run, row["payload_version"]) if with_payloads else of_run
