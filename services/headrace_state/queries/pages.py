"""Keyset pages: orders of lists, and where a page begins."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import ColumnElement

from headrace_chassis.core import compile_core
from headrace_chassis.database import Connection
from headrace_chassis.paging import check_key
from headrace_state.rules.rows import Row

COUNT_LIMIT = 10_000
"""Rows that a count looks at before it stops."""

_TIMESTAMP = sa.DateTime(timezone=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: by one column and then the id, or by the id alone.

    What has no time in a column that may be without one comes last, in either direction.
    """

    by: str
    """The column; that of the id for the id alone."""
    descending: bool = False
    is_sparse: bool = False
    """Whether the index holds only rows that have a time."""


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
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
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

    Raises:
        errors.InvalidArgument: The key is not one of this order.
    """
    if after is not None:
        check_key(after, _types(table, order, identifier))
    statement = _select(tuple(columns), source if source is not None else table).where(*conditions)
    identity: ColumnElement[Any] = table.c[identifier]
    if order.by == identifier:
        return _walk(statement, (identity,), after, order.descending, limit)
    column: ColumnElement[Any] = table.c[order.by]
    if not table.c[order.by].nullable:
        return _walk(statement, (column, identity), after, order.descending, limit)
    if order.descending:
        # The value of no time stands behind all others, as it should: one walk along the index.
        filled = [_NO_TIME if value is None and place == 0 else value for place, value in enumerate(after or ())]
        return _walk(statement, (_with_bound(column), identity), filled or None, True, limit)
    # Two walks along that same index: first what has a time, then what has none, which stands in front there.
    statement = sa.select(*columns).select_from(source if source is not None else table).where(*conditions)
    with_time = statement.where(column.is_not(None) if order.is_sparse else _with_bound(column) > _bound())
    without = statement.where(column.is_(None) if order.is_sparse else _with_bound(column) == _bound())
    if after is not None and after[0] is None:
        return _walk(without, (identity,), after[1:], False, limit)
    walks = (
        _walk(with_time, (_with_bound(column), identity), after, False, limit).subquery(),
        _walk(without, (identity,), None, False, limit).subquery(),
    )
    both = sa.union_all(*(sa.select(walk) for walk in walks))
    return both.order_by(sa.nulls_last(sa.column(order.by)), sa.column(identifier)).limit(limit)


@functools.lru_cache(maxsize=64)
def _select(columns: tuple[ColumnElement[Any], ...], source: sa.FromClause) -> sa.Select[Any]:
    """Return the beginning of a statement with its columns as one piece of text.

    SQLAlchemy goes over every column of a statement each time, to find that it has compiled the same before.
    """
    text, _ = compile_core(sa.select(*columns).select_from(source))
    brought = text.partition("\nFROM ")[0].removeprefix("SELECT ")
    return sa.select(sa.literal_column(brought)).select_from(source)


def _walk(
    statement: sa.Select[Any],
    parts: Sequence[ColumnElement[Any]],
    after: Sequence[Any] | None,
    descending: bool,
    limit: int,
) -> sa.Select[Any]:
    if after is not None:
        values = [
            value if isinstance(value, sa.ColumnElement) else _parameter(value, part)
            for value, part in zip(after, parts, strict=True)
        ]
        place, start = sa.tuple_(*parts), sa.tuple_(*values)
        statement = statement.where(place < start if descending else place > start)
    return statement.order_by(*(part.desc() if descending else part.asc() for part in parts)).limit(limit)


def _types(table: sa.Table, order: Order, identifier: str) -> tuple[type | tuple[type, ...], ...]:
    parts = (table.c[identifier],) if order.by == identifier else (table.c[order.by], table.c[identifier])
    return tuple(_type(part) for part in parts)


def _type(column: sa.Column[Any]) -> type | tuple[type, ...]:
    of_value: type = column.type.python_type
    if of_value is float:
        return (float, int)
    return (of_value, type(None)) if column.nullable else of_value


def _bound() -> ColumnElement[Any]:
    return sa.literal_column("'-infinity'::timestamptz", _TIMESTAMP)


_NO_TIME = _bound()


def _with_bound(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.func.coalesce(column, _bound())


def _parameter(value: Any, part: ColumnElement[Any]) -> ColumnElement[Any]:
    return sa.cast(sa.literal(value, part.type), part.type)


async def fetch(connection: Connection, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[Row]:
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
