"""The records of a run in parts, by what its stretches tell about a text that is looked for."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, any_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace_chassis.database import Connection
from headrace_log.queries import SQL
from headrace_log.queries.conditions import of_filter, of_window, uuids
from headrace_log.queries.pages import Question, by_part
from headrace_log.queries.stretches import BEGINNING
from headrace_log.rules.records import Key
from headrace_log.tables import record

FIRST_GROUP = 4
"""Parts that are read at first; each next time four times as many, until enough is found."""

_END = Key(datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC), 2**63 - 1)
_TIMES, _POSITIONS = sqlalchemy.DateTime(timezone=True), sqlalchemy.BigInteger


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """Records behind one place in the order of time and up to another, of those above a position."""

    after_at: datetime.datetime
    after_position: int
    last_at: datetime.datetime
    last_position: int
    above: int = 0
    """0 where a record may have the text; else only those can that came after the stretch was made."""
    is_open: bool = False
    """Whether nothing is known about it, not even how many records it has."""


WHOLE = Segment(BEGINNING.occurred_at, BEGINNING.position, _END.occurred_at, _END.position, is_open=True)
"""A run that is not summed up."""


async def load_segments(
    connection: Connection, ask: Question, flow_run_id: uuid.UUID, hashes: Sequence[int]
) -> list[Segment]:
    """Return the parts of a run in the order that is asked for; none if it has no stretches, or too few."""
    since, until = BEGINNING.occurred_at, _END.occurred_at
    after = ask.window.after.occurred_at if ask.window.after is not None else None
    lower = (ask.wanted.occurred_from, ask.window.occurred_from, None if ask.newest_first else after)
    upper = (ask.wanted.occurred_until, ask.window.occurred_until, after if ask.newest_first else None)
    since = max([since, *(moment for moment in lower if moment is not None)])
    until = min([until, *(moment for moment in upper if moment is not None)])
    rows = await connection.fetch(SQL.list_stretches, flow_run_id, ask.workspace_id, since, until, list(hashes))
    if not rows:
        return []
    segments = [
        Segment(
            row["after_at"],
            row["after_position"],
            row["last_at"],
            row["last_position"],
            0 if row["may_contain"] else row["settled"],
        )
        for row in rows
    ]
    first, last = segments[0], segments[-1]
    # What is not summed up, at either end of what was asked for.
    before = dataclasses.replace(WHOLE, last_at=first.after_at, last_position=first.after_position)
    behind = dataclasses.replace(WHOLE, after_at=last.last_at, after_position=last.last_position)
    segments = [before, *segments, behind] if first.after_at > BEGINNING.occurred_at else [*segments, behind]
    return segments[::-1] if ask.newest_first else segments


def by_segment(ask: Question, segments: Sequence[Segment]) -> Select[Any]:
    """Return the statement of a page out of these parts of the one run that is asked for."""
    part = parts(segments)
    return by_part(ask, part, of_part(ask, part))


def parts(segments: Sequence[Segment]) -> Any:
    """Return parts as a table."""
    columns = zip(
        *((each.after_at, each.after_position, each.last_at, each.last_position, each.above) for each in segments),
        strict=True,
    )
    kinds: tuple[Any, ...] = (_TIMES, _POSITIONS, _TIMES, _POSITIONS, _POSITIONS)
    return (
        sqlalchemy.func.unnest(
            *(sqlalchemy.literal(list(values), ARRAY(kind)) for values, kind in zip(columns, kinds, strict=True))
        )
        .table_valued("after_at", "after_position", "last_at", "last_position", "above", name="part")
        .render_derived()
    )


def of_part(ask: Question, part: Any) -> list[ColumnElement[bool]]:
    """Return what holds for the records of a part of the one run that is asked for."""
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
        *of_filter(ask.wanted),
        *of_window(ask.window, newest_first=ask.newest_first),
    ]
    if ask.wanted.task_run_ids:
        conditions.append(record.c.task_run_id == any_(uuids(ask.wanted.task_run_ids)))
    return conditions
