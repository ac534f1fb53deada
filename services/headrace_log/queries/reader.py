"""Records out of the tables: dynamic filters, keyset pages both ways."""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, any_

from headrace_chassis.database import Database
from headrace_log.queries import SQL
from headrace_log.queries.conditions import of_filter, of_window, uuids
from headrace_log.queries.counting import count, count_by_segment, fetch_counts
from headrace_log.queries.pages import SHOWN, Question, by_part, fetch, ordered
from headrace_log.queries.planning import by_index
from headrace_log.queries.scanning import scan
from headrace_log.queries.segments import FIRST_GROUP, WHOLE, Segment, by_segment, load_segments
from headrace_log.repository import SearchWatcher
from headrace_log.rules.grams import hashes_of
from headrace_log.rules.histogram import Counts, Spans, added_up
from headrace_log.rules.records import Record, RecordFilter, Window
from headrace_log.tables import record


class Reader:
    """Finds records.

    Args:
        database: The service's pool.
        watcher: Is told of searches in runs.
    """

    def __init__(self, database: Database, watcher: SearchWatcher) -> None:
        self._database = database
        self._watcher = watcher

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
        ask = Question(workspace_id, wanted, Window(), False, 0)
        counted: list[Counts] = []
        summed: set[uuid.UUID] = set()
        hashes = _hashes(ask)
        for run in await self._long_runs(ask) if wanted.text.wanted else ():
            of_run = ask.of_runs((run,))
            async with self._watched(workspace_id, run), by_index(self._database) as connection:
                segments = await load_segments(connection, of_run, run, hashes)
                if segments:
                    summed.add(run)
                    counted += await fetch_counts(connection, count_by_segment(of_run, segments, spans))
        rest = tuple(run for run in wanted.flow_run_ids if run not in summed)
        if rest or not summed:
            alone = rest[0] if wanted.text.wanted and len(rest) == 1 else None
            async with self._watched(workspace_id, alone), self._database.connection() as connection:
                counted += await fetch_counts(connection, count(_conditions(ask.of_runs(rest)), spans))
        return added_up(counted)

    async def _long_runs(self, ask: Question) -> list[uuid.UUID]:
        runs = list(ask.wanted.flow_run_ids)
        async with self._database.connection() as connection:
            return [
                row["flow_run_id"] for row in await connection.fetch(SQL.runs_with_stretches, runs, ask.workspace_id)
            ]

    async def _search(self, ask: Question) -> dict[uuid.UUID, list[Record]]:
        """Return what is found in those runs that have stretches, and in a run that is asked for alone."""
        hashes = _hashes(ask)
        runs = ask.wanted.flow_run_ids
        found: dict[uuid.UUID, list[Record]] = {}
        for run in await self._long_runs(ask):
            async with self._watched(ask.workspace_id, run):
                async with by_index(self._database) as connection:
                    segments = await load_segments(connection, ask, run, hashes)
                if segments:
                    found[run] = await self._by_segments(ask.of_runs((run,)), segments)
        if not found and len(runs) == 1 and not ask.wanted.task_run_ids:
            async with self._watched(ask.workspace_id, runs[0]):
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
    async def _watched(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID | None) -> AsyncIterator[None]:
        if flow_run_id is None:
            yield
            return
        started = time.perf_counter()
        self._watcher.began()
        try:
            yield
        finally:
            self._watcher.ended(workspace_id, flow_run_id, time.perf_counter() - started)


def _hashes(ask: Question) -> list[int]:
    return sorted({value for part in ask.wanted.text.wanted for value in hashes_of(part)})


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
