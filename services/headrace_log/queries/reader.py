"""Records out of the tables: dynamic filters, keyset pages both ways."""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, any_

from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_log.queries import SQL
from headrace_log.queries.conditions import of_filter, of_window, uuids
from headrace_log.queries.pages import SHOWN, Question, by_part, fetch, ordered
from headrace_log.queries.planning import by_index
from headrace_log.queries.scanning import scan
from headrace_log.queries.segments import FIRST_GROUP, WHOLE, Segment, by_segment, load_segments
from headrace_log.rules.grams import hashes_of
from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.records import Record, RecordFilter, Window
from headrace_log.tables import record

SLOW_SECONDS = 0.1
"""A search in a run that takes longer asks for the run to be summed up."""

_TIME = sqlalchemy.DateTime(timezone=True)
_LEVELS = (20, 30, 40, 50)
# No level has a larger number, nor a negative one.
_ABOVE_ALL = 2**15


class Reader:
    """Finds records.

    Args:
        database: The service's pool.
        on_slow_search: Is told of a run in which a search read very many records.
    """

    def __init__(
        self, database: Database, *, on_slow_search: Callable[[uuid.UUID, uuid.UUID], None] = lambda *_: None
    ) -> None:
        self._database = database
        self._on_slow_search = on_slow_search

    async def list_records(
        self, workspace_id: uuid.UUID, wanted: RecordFilter, window: Window, *, newest_first: bool, limit: int
    ) -> list[Record]:
        """Return at most `limit` records in the order of time, or in the opposite one."""
        ask = Question(workspace_id, wanted, window, newest_first, limit)
        if not wanted.text.wanted:
            async with by_index(self._database) as connection:
                return await fetch(connection, _list(ask))
        summed = await self._search(ask) if wanted.flow_run_ids else {}
        rest = tuple(run for run in wanted.flow_run_ids if run not in summed)
        found = [record for records in summed.values() for record in records]
        if rest or not summed:
            async with self._database.connection() as connection:
                found += await fetch(connection, _list(ask.of_runs(rest)))
        if len(summed) + bool(rest) > 1:
            found.sort(key=lambda record: record.key, reverse=newest_first)
        return found[:limit]

    async def count_levels(self, workspace_id: uuid.UUID, wanted: RecordFilter, spans: Spans) -> list[Counts]:
        """Return how many records of each level there are in each span that has any, in the order of time."""
        place = sqlalchemy.func.floor(
            sqlalchemy.extract("epoch", record.c.occurred_at - sqlalchemy.literal(spans.start, _TIME))
            / sqlalchemy.literal(spans.width.total_seconds(), sqlalchemy.Double)
        ).label("place")
        bounds = zip((0, *_LEVELS), (*_LEVELS, _ABOVE_ALL), strict=True)
        counts = [sqlalchemy.func.count().filter(record.c.level.between(low, high - 1)) for low, high in bounds]
        ask = Question(workspace_id, wanted, Window(), False, 0)
        end = spans.start + spans.width * spans.count
        statement = (
            sqlalchemy.select(sqlalchemy.cast(place, sqlalchemy.Integer), *counts)
            .where(
                *_conditions(ask),
                record.c.occurred_at >= sqlalchemy.literal(spans.start, _TIME),
                record.c.occurred_at < sqlalchemy.literal(end, _TIME),
            )
            .group_by(place)
            .order_by(place)
        )
        text, arguments = compile_core(statement)
        async with self._database.connection() as connection:
            return [Counts(*row) for row in await connection.fetch(text, *arguments)]

    async def _search(self, ask: Question) -> dict[uuid.UUID, list[Record]]:
        """Return what is found in those runs that have stretches, and in a run that is asked for alone."""
        hashes = sorted({value for part in ask.wanted.text.wanted for value in hashes_of(part)})
        runs = ask.wanted.flow_run_ids
        async with self._database.connection() as connection:
            long_runs = await connection.fetch(SQL.runs_with_stretches, list(runs), ask.workspace_id)
        found: dict[uuid.UUID, list[Record]] = {}
        for run in (row["flow_run_id"] for row in long_runs):
            async with self._timed(ask.workspace_id, run):
                async with by_index(self._database) as connection:
                    segments = await load_segments(connection, ask, run, hashes)
                if segments:
                    found[run] = await self._by_segments(ask.of_runs((run,)), segments)
        if not found and len(runs) == 1 and not ask.wanted.task_run_ids:
            async with self._timed(ask.workspace_id, runs[0]):
                found[runs[0]] = await scan(self._database, ask, WHOLE)
        return found

    async def _by_segments(self, ask: Question, segments: list[Segment]) -> list[Record]:
        records: list[Record] = []
        size, start = FIRST_GROUP, 0
        while start < len(segments) and len(records) < ask.limit:
            if segments[start].is_open:
                records += await scan(self._database, ask, segments[start])
                start += 1
                continue
            part = list(itertools.takewhile(lambda segment: not segment.is_open, segments[start : start + size]))
            async with by_index(self._database) as connection:
                records += await fetch(connection, by_segment(ask, part))
            start, size = start + len(part), size * 4
        return records

    @contextlib.asynccontextmanager
    async def _timed(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> AsyncIterator[None]:
        started = time.perf_counter()
        yield
        if time.perf_counter() - started > SLOW_SECONDS:
            self._on_slow_search(workspace_id, flow_run_id)


def _conditions(ask: Question) -> list[ColumnElement[bool]]:
    """Return what holds for the records, but for the runs where there are several."""
    conditions = [*of_filter(ask.wanted), *of_window(ask.window, newest_first=ask.newest_first)]
    runs, tasks = ask.wanted.flow_run_ids, ask.wanted.task_run_ids
    if not runs and not tasks:
        conditions.append(record.c.workspace_id == ask.workspace_id)
    else:
        # Written so that the index of the workspace does not lend itself: it leads through the records of all runs.
        conditions.append(record.c.workspace_id.is_not_distinct_from(ask.workspace_id))
    if len(tasks) == 1:
        conditions.append(record.c.task_run_id == tasks[0])
    elif tasks:
        conditions.append(record.c.task_run_id == any_(uuids(tasks)))
    if len(runs) == 1:
        conditions.append(record.c.flow_run_id == runs[0])
    elif runs:
        conditions.append(record.c.flow_run_id == any_(uuids(runs)))
    return conditions


def _list(ask: Question) -> Select[Any]:
    runs = ask.wanted.flow_run_ids
    if len(runs) > 1 and not ask.wanted.task_run_ids:
        conditions = _conditions(ask.of_runs(runs[:1]))[:-1]
        run = sqlalchemy.func.unnest(uuids(runs)).table_valued("flow_run_id", name="part").render_derived()
        return by_part(ask, run, [record.c.flow_run_id == run.c.flow_run_id, *conditions])
    return ordered(sqlalchemy.select(*SHOWN).where(*_conditions(ask)), record, ask)
