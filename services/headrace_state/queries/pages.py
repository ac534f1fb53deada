"""Keyset pages: orders of lists, and where a page begins."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_state.rules.rows import Row

COUNT_LIMIT = 10_000
"""Rows that a count looks at before it stops."""

_TIMESTAMP = sa.DateTime(timezone=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: by one column and then the id, or by the id alone."""

    by: str
    """The column; that of the id for the id alone."""
    descending: bool = False
    without: str = ""
    """What a missing time counts as, `infinity` or `-infinity`; empty where none is missing."""


def key_of(row: Row, order: Order, identifier: str) -> tuple[Any, ...]:
    """Return the place of a row in an order."""
    if order.by == identifier:
        return (row[identifier],)
    return (row[order.by], row[identifier])


def page(
    table: sa.Table,
    columns: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
    order: Order,
    identifier: str,
    after: Sequence[Any] | None,
    limit: int,
    source: sa.FromClause | None = None,
) -> sa.Select[Any]:
    """Return the statement of one page.

    Args:
        table: What is listed.
        columns: What to bring.
        conditions: Joined by AND.
        order: Of the list.
        identifier: The column of the id.
        after: The key of the last row of the page before; None for the first page.
        limit: Rows at most.
        source: Where to select from, if it is more than the table.
    """
    parts: list[ColumnElement[Any]] = []
    if order.by != identifier:
        column: ColumnElement[Any] = table.c[order.by]
        parts.append(sa.func.coalesce(column, _bound(order)) if order.without else column)
    parts.append(table.c[identifier])
    statement = sa.select(*columns).select_from(source if source is not None else table).where(*conditions)
    if after is not None:
        values = [_parameter(value, part, order) for value, part in zip(after, parts, strict=True)]
        place, start = sa.tuple_(*parts), sa.tuple_(*values)
        statement = statement.where(place < start if order.descending else place > start)
    return statement.order_by(*(part.desc() if order.descending else part.asc() for part in parts)).limit(limit)


def _bound(order: Order) -> ColumnElement[Any]:
    return sa.literal_column(f"'{order.without}'::timestamptz", _TIMESTAMP)


def _parameter(value: Any, part: ColumnElement[Any], order: Order) -> ColumnElement[Any]:
    if value is None:
        return _bound(order)
    return sa.cast(sa.literal(value, _TIMESTAMP if isinstance(value, datetime.datetime) else part.type), part.type)


async def fetch(connection: Connection, statement: sa.Select[Any]) -> list[Row]:
    """Run a statement and return its rows."""
    text, arguments = compile_core(statement)
    return list(await connection.fetch(text, *arguments))


async def count_by_state_type(
    connection: Connection, table: sa.Table, conditions: Sequence[ColumnElement[bool]]
) -> tuple[Mapping[str, int], bool]:
    """Count rows by state type; stop at the limit and say so."""
    some = sa.select(table.c.state_type).where(*conditions).limit(COUNT_LIMIT + 1).subquery()
    statement = sa.select(some.c.state_type, sa.func.count().label("count")).group_by(some.c.state_type)
    counts = {row["state_type"]: row["count"] for row in await fetch(connection, statement)}
    return counts, sum(counts.values()) > COUNT_LIMIT
