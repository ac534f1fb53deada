"""Records out of the tables: dynamic filters, keyset pages both ways."""

from __future__ import annotations

import dataclasses
import datetime
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, any_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection, Database
from headrace_log.queries import SQL
from headrace_log.queries.planning import by_index
from headrace_log.queries.segments import FIRST_GROUP, Question, Segment, load_segments
from headrace_log.rules.grams import hashes_of
from headrace_log.rules.histogram import Counts, Spans
from headrace_log.rules.records import Record, RecordFilter, Window
from headrace_log.rules.text import TextQuery, like_pattern, word_pattern
from headrace_log.tables import record

SHOWN = (
    record.c.position,
    record.c.occurred_at,
    record.c.flow_run_id,
    record.c.task_run_id,
    record.c.log_id,
    record.c.level,
    record.c.source,
    record.c.logger,
    record.c.message,
    record.c.worker_id,
    record.c.traceparent,
    record.c.fields,
)

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
            started = time.perf_counter()
            async with self._database.connection() as connection:
                found += await fetch(connection, _list(ask.of_runs(rest)))
            if len(rest) == 1 and time.perf_counter() - started > SLOW_SECONDS:
                self._on_slow_search(workspace_id, rest[0])
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
        """Return what is found in those runs that have stretches."""
        hashes = sorted({value for part in ask.wanted.text.wanted for value in hashes_of(part)})
        found: dict[uuid.UUID, list[Record]] = {}
        async with self._database.connection() as connection:
            long_runs = await connection.fetch(SQL.runs_with_stretches, list(ask.wanted.flow_run_ids), ask.workspace_id)
        for run in (row["flow_run_id"] for row in long_runs):
            started = time.perf_counter()
            async with by_index(self._database) as connection:
                segments = await load_segments(connection, ask, run, hashes)
                if not segments:
                    continue
                records = found[run] = []
                size, start = FIRST_GROUP, 0
                while start < len(segments) and len(records) < ask.limit:
                    part = segments[start : start + size]
                    records += await fetch(connection, _by_segment(ask.of_runs((run,)), part))
                    start, size = start + size, size * 4
            if time.perf_counter() - started > SLOW_SECONDS:
                self._on_slow_search(ask.workspace_id, run)
        return found


async def fetch(connection: Connection, statement: Select[Any]) -> list[Record]:
    """Return the records that a statement over the columns `SHOWN` finds."""
    text, arguments = compile_core(statement)
    return [_record(row) for row in await connection.fetch(text, *arguments)]


def _conditions(ask: Question) -> list[ColumnElement[bool]]:
    """Return what holds for the records, but for the runs where there are several."""
    conditions = [*_filter(ask.wanted), *_window(ask.window, newest_first=ask.newest_first)]
    runs, tasks = ask.wanted.flow_run_ids, ask.wanted.task_run_ids
    if not runs and not tasks:
        conditions.append(record.c.workspace_id == ask.workspace_id)
    else:
        # Written so that the index of the workspace does not lend itself: it leads through the records of all runs.
        conditions.append(record.c.workspace_id.is_not_distinct_from(ask.workspace_id))
    if len(tasks) == 1:
        conditions.append(record.c.task_run_id == tasks[0])
    elif tasks:
        conditions.append(record.c.task_run_id == any_(_uuids(tasks)))
    if len(runs) == 1:
        conditions.append(record.c.flow_run_id == runs[0])
    elif runs:
        conditions.append(record.c.flow_run_id == any_(_uuids(runs)))
    return conditions


def _list(ask: Question) -> Select[Any]:
    runs = ask.wanted.flow_run_ids
    if len(runs) > 1 and not ask.wanted.task_run_ids:
        conditions = _conditions(ask.of_runs(runs[:1]))[:-1]
        run = sqlalchemy.func.unnest(_uuids(runs)).table_valued("flow_run_id", name="part").render_derived()
        return _by_part(ask, run, [record.c.flow_run_id == run.c.flow_run_id, *conditions])
    return _ordered(sqlalchemy.select(*SHOWN).where(*_conditions(ask)), record, ask)


def _by_segment(ask: Question, segments: Sequence[Segment]) -> Select[Any]:
    columns = list(zip(*(dataclasses.astuple(segment) for segment in segments), strict=True))
    times, positions = sqlalchemy.DateTime(timezone=True), sqlalchemy.BigInteger
    kinds: tuple[Any, ...] = (times, positions, times, positions, positions)
    part = (
        sqlalchemy.func.unnest(
            *(sqlalchemy.literal(list(values), ARRAY(kind)) for values, kind in zip(columns, kinds, strict=True))
        )
        .table_valued("after_at", "after_position", "last_at", "last_position", "above", name="part")
        .render_derived()
    )
    key = tuple_(record.c.occurred_at, record.c.position)
    conditions = [
        record.c.workspace_id.is_not_distinct_from(ask.workspace_id),
        record.c.flow_run_id == ask.wanted.flow_run_ids[0],
        # The comparisons of pairs say it all; those of times say which days need not be looked at.
        record.c.occurred_at >= part.c.after_at,
        record.c.occurred_at <= part.c.last_at,
        key > tuple_(part.c.after_at, part.c.after_position),
        key <= tuple_(part.c.last_at, part.c.last_position),
        record.c.position > part.c.above,
        *_filter(ask.wanted),
        *_window(ask.window, newest_first=ask.newest_first),
    ]
    if ask.wanted.task_run_ids:
        conditions.append(record.c.task_run_id == any_(_uuids(ask.wanted.task_run_ids)))
    return _by_part(ask, part, conditions)


def _by_part(ask: Question, part: Any, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    # Each part brings its first records by an index; of "any of these" all records would be sorted.
    of_part = _ordered(sqlalchemy.select(*SHOWN).where(*conditions), record, ask).correlate(part).lateral("of_part")
    return _ordered(
        sqlalchemy.select(*(of_part.c[column.name] for column in SHOWN)).select_from(
            part.join(of_part, sqlalchemy.true())
        ),
        of_part,
        ask,
    )


def _ordered(statement: Select[Any], source: Any, ask: Question) -> Select[Any]:
    keys = (source.c.occurred_at, source.c.position)
    return statement.order_by(*(key.desc() if ask.newest_first else key.asc() for key in keys)).limit(ask.limit)


def _filter(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.worker_ids:
        conditions.append(record.c.worker_id == any_(_texts(wanted.worker_ids)))
    if wanted.level_at_least:
        conditions.append(record.c.level >= wanted.level_at_least)
    if wanted.level_at_most:
        conditions.append(record.c.level <= wanted.level_at_most)
    if wanted.occurred_from is not None:
        conditions.append(record.c.occurred_at >= wanted.occurred_from)
    if wanted.occurred_until is not None:
        conditions.append(record.c.occurred_at < wanted.occurred_until)
    if wanted.loggers:
        conditions.append(record.c.logger == any_(_texts(wanted.loggers)))
    if wanted.sources:
        conditions.append(
            record.c.source == any_(sqlalchemy.literal(list(wanted.sources), ARRAY(sqlalchemy.SmallInteger)))
        )
    if wanted.without_task_runs:
        conditions.append(record.c.task_run_id.is_(None))
    conditions += (_contains(part, wanted.text) for part in wanted.text.wanted)
    conditions += (sqlalchemy.not_(_contains(part, wanted.text)) for part in wanted.text.unwanted)
    return conditions


def _contains(part: str, text: TextQuery) -> ColumnElement[bool]:
    if text.whole_words:
        # What a word is beyond ASCII only the database's own collation knows.
        pattern = sqlalchemy.literal(word_pattern(part), sqlalchemy.Text)
        return record.c.message.regexp_match(pattern, flags=None if text.match_case else "i")
    # Upper and lower case of ASCII letters can be told apart byte by byte, which takes half of the time.
    message = record.c.message.collate("C") if part.isascii() else record.c.message
    pattern = sqlalchemy.literal(like_pattern(part), sqlalchemy.Text)
    return message.like(pattern) if text.match_case else message.ilike(pattern)


def _window(window: Window, *, newest_first: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if window.after is not None:
        key = tuple_(record.c.occurred_at, record.c.position)
        place = tuple_(
            sqlalchemy.literal(window.after.occurred_at, sqlalchemy.DateTime(timezone=True)),
            sqlalchemy.literal(window.after.position, sqlalchemy.BigInteger),
        )
        conditions.append(key < place if newest_first else key > place)
    if window.above_position:
        conditions.append(record.c.position > window.above_position)
    if window.up_to_position is not None:
        conditions.append(record.c.position <= window.up_to_position)
    if window.occurred_from is not None:
        conditions.append(record.c.occurred_at >= window.occurred_from)
    if window.occurred_until is not None:
        conditions.append(record.c.occurred_at <= window.occurred_until)
    return [and_(*conditions)] if conditions else []


def _uuids(values: tuple[uuid.UUID, ...]) -> Any:
    return sqlalchemy.literal(list(values), ARRAY(sqlalchemy.Uuid))


def _texts(values: tuple[str, ...]) -> Any:
    return sqlalchemy.literal(list(values), ARRAY(sqlalchemy.Text))


def _record(row: Any) -> Record:
    log_id = row["log_id"]
    return Record(
        row["position"],
        row["occurred_at"],
        row["flow_run_id"],
        row["task_run_id"],
        log_id if log_id is not None else made_up_id(row["occurred_at"], row["position"]),
        row["level"],
        row["source"],
        row["logger"],
        row["message"],
        row["worker_id"],
        row["traceparent"],
        row["fields"],
    )


def made_up_id(occurred_at: datetime.datetime, position: int) -> uuid.UUID:
    """Return the UUIDv7 of a record whose writer gave it none: always the same, and of no other record."""
    milliseconds = int(occurred_at.timestamp() * 1000)
    return uuid.UUID(
        int=(milliseconds & 0xFFFF_FFFF_FFFF) << 80
        | 0x7 << 76
        | (position >> 62) << 64
        | 0b10 << 62
        | (position & 0x3FFF_FFFF_FFFF_FFFF)
    )
