"""Records out of the tables: dynamic filters, keyset pages both ways."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, and_, any_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_log.rules.records import Record, RecordFilter, Window
from headrace_log.rules.text import like_pattern
from headrace_log.tables import record

_SHOWN = (
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


class Reader:
    """Finds records.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_records(
        self, workspace_id: uuid.UUID, wanted: RecordFilter, window: Window, *, newest_first: bool, limit: int
    ) -> list[Record]:
        """Return at most `limit` records in the order of time, or in the opposite one."""
        text, arguments = compile_core(_list(workspace_id, wanted, window, newest_first=newest_first, limit=limit))
        async with self._database.connection() as connection:
            rows = await connection.fetch(text, *arguments)
        return [_record(row) for row in rows]


def _list(
    workspace_id: uuid.UUID, wanted: RecordFilter, window: Window, *, newest_first: bool, limit: int
) -> Select[Any]:
    conditions = [record.c.workspace_id == workspace_id, *_filter(wanted), *_window(window, newest_first=newest_first)]
    runs, tasks = wanted.flow_run_ids, wanted.task_run_ids
    if len(tasks) == 1:
        conditions.append(record.c.task_run_id == tasks[0])
    elif tasks:
        conditions.append(record.c.task_run_id == any_(_uuids(tasks)))
    if len(runs) == 1:
        conditions.append(record.c.flow_run_id == runs[0])
    elif runs and tasks:
        conditions.append(record.c.flow_run_id == any_(_uuids(runs)))
    elif runs:
        return _by_run(runs, conditions, newest_first=newest_first, limit=limit)
    return _ordered(sqlalchemy.select(*_SHOWN).where(*conditions), record, newest_first=newest_first, limit=limit)


def _by_run(
    runs: tuple[uuid.UUID, ...], conditions: list[ColumnElement[bool]], *, newest_first: bool, limit: int
) -> Select[Any]:
    # Each run brings its first records by its index; of an "any of these runs" all records would be sorted.
    run = sqlalchemy.func.unnest(_uuids(runs)).table_valued("flow_run_id", name="run").render_derived()
    of_run = (
        _ordered(
            sqlalchemy.select(*_SHOWN).where(record.c.flow_run_id == run.c.flow_run_id, *conditions),
            record,
            newest_first=newest_first,
            limit=limit,
        )
        .correlate(run)
        .lateral("of_run")
    )
    return _ordered(
        sqlalchemy.select(*(of_run.c[column.name] for column in _SHOWN)).select_from(
            run.join(of_run, sqlalchemy.true())
        ),
        of_run,
        newest_first=newest_first,
        limit=limit,
    )


def _ordered(statement: Select[Any], source: Any, *, newest_first: bool, limit: int) -> Select[Any]:
    keys = (source.c.occurred_at, source.c.position)
    return statement.order_by(*(key.desc() if newest_first else key.asc() for key in keys)).limit(limit)


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
    conditions += (_contains(part) for part in wanted.text.wanted)
    conditions += (sqlalchemy.not_(_contains(part)) for part in wanted.text.unwanted)
    return conditions


def _contains(part: str) -> ColumnElement[bool]:
    # Upper and lower case of ASCII letters can be told apart byte by byte, which takes half of the time.
    message = record.c.message.collate("C") if part.isascii() else record.c.message
    return message.ilike(sqlalchemy.literal(like_pattern(part), sqlalchemy.Text))


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
