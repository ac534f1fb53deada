"""How many records of each level there are in spans of time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_log.queries.pages import Question
from headrace_log.queries.segments import Segment, of_part, parts
from headrace_log.rules.histogram import Counts, Spans
from headrace_log.tables import record

_TIME = sqlalchemy.DateTime(timezone=True)
_LEVELS = (20, 30, 40, 50)
# No level has a larger number, nor a negative one.
_ABOVE_ALL = 2**15


def count(conditions: Sequence[ColumnElement[bool]], spans: Spans) -> Select[Any]:
    """Return the statement that counts the records for which all conditions hold."""
    place = sqlalchemy.func.floor(
        sqlalchemy.extract("epoch", record.c.occurred_at - sqlalchemy.literal(spans.start, _TIME))
        / sqlalchemy.literal(spans.width.total_seconds(), sqlalchemy.Double)
    )
    bounds = zip((0, *_LEVELS), (*_LEVELS, _ABOVE_ALL), strict=True)
    counts: list[Any] = [
        sqlalchemy.func.count().filter(record.c.level.between(low, high - 1)).label(f"from_{low}")
        for low, high in bounds
    ]
    end = spans.start + spans.width * spans.count
    return (
        sqlalchemy.select(sqlalchemy.cast(place, sqlalchemy.Integer).label("place"), *counts)
        .where(
            *conditions,
            record.c.occurred_at >= sqlalchemy.literal(spans.start, _TIME),
            record.c.occurred_at < sqlalchemy.literal(end, _TIME),
        )
        .group_by(sqlalchemy.text("1"))
    )


def count_by_segment(ask: Question, segments: Sequence[Segment], spans: Spans) -> Select[Any]:
    """Return the statement that counts records in these parts of the one run that is asked for."""
    part = parts(segments)
    # Each part is counted by itself, along the index.
    of_each = count(of_part(ask, part), spans).correlate(part).lateral("of_part")
    return sqlalchemy.select(*of_each.c).select_from(part.join(of_each, sqlalchemy.true()))


async def fetch_counts(connection: Connection, statement: Select[Any]) -> list[Counts]:
    """Return what a statement counts; a span may come several times."""
    text, arguments = compile_core(statement)
    return [Counts(*row) for row in await connection.fetch(text, *arguments)]
