"""A page of records: what is asked for, the order, and the records out of rows."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_log.rules.records import Record, RecordFilter, Window
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


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    workspace_id: uuid.UUID
    wanted: RecordFilter
    window: Window
    newest_first: bool
    limit: int

    def of_runs(self, flow_run_ids: tuple[uuid.UUID, ...]) -> Question:
        """Return the same question about other runs."""
        return dataclasses.replace(self, wanted=dataclasses.replace(self.wanted, flow_run_ids=flow_run_ids))


def ordered(statement: Select[Any], source: Any, ask: Question) -> Select[Any]:
    """Return a statement over `source` as a page: in the order of time, and no longer than was asked for."""
    keys = (source.c.occurred_at, source.c.position)
    return statement.order_by(*(key.desc() if ask.newest_first else key.asc() for key in keys)).limit(ask.limit)


def by_part(ask: Question, part: Any, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    """Return the statement of a page out of several parts, each of which says in `part` what belongs to it."""
    # Each part brings its first records by an index; of "any of these" all records would be sorted.
    of_part = ordered(sqlalchemy.select(*SHOWN).where(*conditions), record, ask).correlate(part).lateral("of_part")
    return ordered(
        sqlalchemy.select(*(of_part.c[column.name] for column in SHOWN)).select_from(
            part.join(of_part, sqlalchemy.true())
        ),
        of_part,
        ask,
    )


async def fetch(connection: Connection, statement: Select[Any]) -> list[Record]:
    """Return the records that a statement over the columns `SHOWN` finds."""
    text, arguments = compile_core(statement)
    return [_record(row) for row in await connection.fetch(text, *arguments)]


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
