"""Many runs, summed up by Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import ColumnElement

from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_state import tables
from headrace_state.queries import filters
from headrace_state.queries.conditions import Condition, ids_array
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.repository.insight import RunGraphRows
from headrace_state.rules.filters import FlowRunFilter, TaskRunFilter
from headrace_state.rules.insight import BucketCount, Histogram, LastRuns, Lateness, Moment, Sample, Stretch
from headrace_state.rules.rows import Row

LOOK_LIMIT = 100_000
"""Runs that one answer looks at before it stops."""
STATES_SHOWN = 200
ARTIFACTS_SHOWN = 1_000
SUBFLOWS_SHOWN = 1_000

_TIMESTAMP = sa.DateTime(timezone=True)
_FLOW_RUN = tables.flow_run
_TASK_RUN = tables.task_run

_POINT = [
    _FLOW_RUN.c[name]
    for name in (
        "flow_run_id",
        "name",
        "flow_id",
        "flow_name",
        "deployment_id",
        "state_type",
        "state_name",
        "run_seconds",
    )
]


class PostgresRunInsight:
    """Implements `repository.insight.RunInsight`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_flow_runs(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, moment: Moment, stretch: Stretch
    ) -> Histogram:
        """Return flow runs counted by time and state."""
        conditions = await self._conditions(workspace_id, chosen)
        return await self._count(_FLOW_RUN, conditions, moment, stretch, _FLOW_RUN.c.start_delay_seconds)

    async def count_task_runs(
        self, workspace_id: uuid.UUID, chosen: TaskRunFilter, moment: Moment, stretch: Stretch
    ) -> Histogram:
        """Return task runs counted by time and state."""
        conditions = filters.task_run_conditions(workspace_id, chosen)
        unknown: ColumnElement[Any] = sa.literal_column("null::double precision").label("start_delay_seconds")
        return await self._count(_TASK_RUN, conditions, moment, stretch, unknown)

    async def _count(
        self,
        table: sa.Table,
        conditions: Sequence[ColumnElement[bool]],
        moment: Moment,
        stretch: Stretch,
        delay: ColumnElement[Any],
    ) -> Histogram:
        columns = (table.c.state_type, table.c.state_name, table.c.run_seconds, delay)
        some = _latest(table, columns, conditions, moment, stretch)
        bucket = _bucket(some.c.at, stretch).label("bucket")
        names = (some.c.state_type, some.c.state_name)
        statement = sa.select(
            bucket,
            *names,
            sa.func.count().label("count"),
            sa.func.avg(some.c.run_seconds).label("run_seconds"),
            sa.func.avg(some.c.start_delay_seconds).label("start_delay_seconds"),
            sa.func.min(some.c.at).label("first_at"),
        ).group_by(sa.literal_column("bucket"), *names)
        rows = await self._fetch(statement.order_by(sa.literal_column("bucket"), *names))
        capped = sum(row["count"] for row in rows) >= LOOK_LIMIT
        return Histogram(
            tuple(
                BucketCount(
                    min(row["bucket"], stretch.bucket_count - 1),
                    row["state_type"],
                    row["state_name"],
                    row["count"],
                    row["run_seconds"],
                    row["start_delay_seconds"],
                )
                for row in rows
            ),
            complete_from=min(row["first_at"] for row in rows) if capped else None,
        )

    async def sample_flow_runs(
        self, workspace_id: uuid.UUID, chosen: FlowRunFilter, moment: Moment, stretch: Stretch, most: int
    ) -> Sample:
        """Return flow runs, of many the longest and the shortest of each bucket, oldest first."""
        conditions = await self._conditions(workspace_id, chosen)
        every = _latest(_FLOW_RUN, _POINT, conditions, moment, stretch, most + 1)
        rows = await self._fetch(sa.select(every).order_by(every.c.at, every.c.flow_run_id))
        if len(rows) <= most:
            return Sample(tuple(rows), len(rows), False)
        some = _latest(_FLOW_RUN, (_FLOW_RUN.c.flow_run_id, _FLOW_RUN.c.run_seconds), conditions, moment, stretch)
        by_length = pg.aggregate_order_by(some.c.flow_run_id, some.c.run_seconds)
        ids = sa.func.array_agg(by_length, type_=pg.ARRAY(sa.Uuid))
        edges = await self._fetch(
            sa.select(
                sa.func.count().label("count"),
                ids[1].label("shortest"),
                ids[sa.cast(sa.func.count(), sa.Integer)].label("longest"),
            ).group_by(_bucket(some.c.at, stretch))
        )
        chosen_ids = sorted({row[edge] for row in edges for edge in ("shortest", "longest")})
        picked = _latest(
            _FLOW_RUN, _POINT, [*conditions, _FLOW_RUN.c.flow_run_id == sa.any_(ids_array(chosen_ids))], moment, stretch
        )
        rows = await self._fetch(sa.select(picked).order_by(picked.c.at, picked.c.flow_run_id))
        run_count = sum(row["count"] for row in edges)
        return Sample(tuple(rows[-most:]), run_count, run_count >= LOOK_LIMIT)

    async def _conditions(self, workspace_id: uuid.UUID, chosen: FlowRunFilter) -> list[Condition]:
        async with self._database.connection() as connection:
            flows = await filters.find_flows(connection, workspace_id, chosen)
        return filters.flow_run_conditions(workspace_id, chosen, flows)

    async def measure_lateness(self, workspace_id: uuid.UUID, chosen: FlowRunFilter, stretch: Stretch) -> Lateness:
        """Return how late flow runs started that were expected to start in a stretch of time."""
        conditions = await self._conditions(workspace_id, chosen)
        columns = (_FLOW_RUN.c.state_type, _FLOW_RUN.c.start_delay_seconds, _FLOW_RUN.c.next_scheduled_start_at)
        some = _latest(_FLOW_RUN, columns, conditions, Moment.EXPECTED_START, stretch)
        delay = some.c.start_delay_seconds
        waited = sa.extract("epoch", sa.func.now() - some.c.next_scheduled_start_at)
        is_waiting = sa.and_(some.c.state_type == sa.literal_column("'SCHEDULED'"), waited > sa.literal_column("0"))
        statement = sa.select(
            sa.func.count().label("looked_at"),
            sa.func.count(delay).label("started_count"),
            sa.func.count().filter(is_waiting).label("waiting_count"),
            sa.func.avg(delay).label("average"),
            sa.func.percentile_cont(sa.literal_column("0.5")).within_group(delay).label("median"),
            sa.func.percentile_cont(sa.literal_column("0.95")).within_group(delay).label("percentile_95"),
            sa.func.max(delay).label("longest"),
            sa.cast(sa.func.max(waited).filter(is_waiting), sa.Double).label("longest_waiting"),
        )
        [row] = await self._fetch(statement)
        return Lateness(
            row["started_count"],
            row["waiting_count"],
            row["average"],
            row["median"],
            row["percentile_95"],
            row["longest"],
            row["longest_waiting"],
            row["looked_at"] >= LOOK_LIMIT,
        )

    async def list_last(
        self, workspace_id: uuid.UUID, flow_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID], each: int
    ) -> list[LastRuns]:
        """Return the last runs of flows and of deployments, in that order."""
        found: list[LastRuns] = []
        async with self._database.connection() as connection:
            for owner_ids, last, upcoming in (
                (flow_ids, SQL.list_last_runs_of_flows, SQL.list_next_runs_of_flows),
                (deployment_ids, SQL.list_last_runs_of_deployments, SQL.list_next_runs_of_deployments),
            ):
                if not owner_ids:
                    continue
                runs: dict[uuid.UUID, list[Row]] = {owner_id: [] for owner_id in owner_ids}
                for row in await connection.fetch(last, workspace_id, list(owner_ids), each):
                    runs[row["owner_id"]].append(row)
                following = {
                    row["owner_id"]: row for row in await connection.fetch(upcoming, workspace_id, list(owner_ids))
                }
                found += [
                    LastRuns(owner_id, tuple(reversed(runs[owner_id])), following.get(owner_id))
                    for owner_id in owner_ids
                ]
        return found

    async def load_graph(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, most: int) -> RunGraphRows | None:
        """Return what the graph of a flow run is made of, None if there is no such run."""
        async with self._database.connection() as connection:
            run = await connection.fetchrow(SQL.load_graph_run, workspace_id, flow_run_id)
            if run is None:
                return None
            since = history_since(flow_run_id)
            states = await connection.fetch(SQL.list_graph_states, workspace_id, flow_run_id, since, STATES_SHOWN)
            task_runs = await connection.fetch(SQL.list_graph_task_runs, workspace_id, flow_run_id, most)
            subflows = await connection.fetch(SQL.list_graph_subflows, workspace_id, flow_run_id, SUBFLOWS_SHOWN)
            artifacts = await connection.fetch(SQL.list_graph_artifacts, workspace_id, flow_run_id, ARTIFACTS_SHOWN)
        return RunGraphRows(run, states, task_runs, subflows, artifacts)

    async def _fetch(self, statement: sa.Select[Any]) -> list[Row]:
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return list(await connection.fetch(text, *arguments))


def _latest(
    table: sa.Table,
    columns: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
    moment: Moment,
    stretch: Stretch,
    limit: int = LOOK_LIMIT,
) -> sa.Subquery:
    """Return the latest runs of a stretch of time, up to a bound, each with its time as `at`."""
    time = sa.func.coalesce(table.c[moment.value], sa.literal_column("'-infinity'::timestamptz", _TIMESTAMP))
    within = (time >= sa.literal(stretch.since, _TIMESTAMP), time < sa.literal(stretch.until, _TIMESTAMP))
    statement = sa.select(*columns, time.label("at")).where(*conditions, *within)
    return statement.order_by(time.desc()).limit(limit).subquery()


def _bucket(at: ColumnElement[Any], stretch: Stretch) -> ColumnElement[Any]:
    seconds = sa.extract("epoch", at - sa.literal(stretch.since, _TIMESTAMP))
    length = (stretch.until - stretch.since).total_seconds() / stretch.bucket_count
    return sa.cast(sa.func.floor(seconds / sa.literal(length, sa.Double)), sa.Integer)
