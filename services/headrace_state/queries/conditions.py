"""Parts of filters as conditions of SQL."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.sql.elements import ColumnElement

from headrace_state.rules.filters import Span, ValueCondition, Words

Condition = ColumnElement[bool]
Part = TypeVar("Part")

_UUIDS = pg.ARRAY(sa.Uuid)
_TEXTS = pg.ARRAY(sa.Text)
_TIMESTAMP = sa.DateTime(timezone=True)


class Tagged(Protocol):
    """A filter by tags."""

    @property
    def tags_all(self) -> Words:
        """All of these."""
        ...

    @property
    def tags_any(self) -> Words:
        """Any of these."""
        ...

    @property
    def tags_none(self) -> Words:
        """None of these."""
        ...

    @property
    def untagged(self) -> bool | None:
        """Without any, or with at least one."""
        ...


def ids_array(ids: Sequence[uuid.UUID]) -> ColumnElement[Any]:
    """Return ids as one array parameter."""
    return sa.cast(sa.literal(list(ids), _UUIDS), _UUIDS)


def words_array(words: Sequence[str]) -> ColumnElement[Any]:
    """Return words as one array parameter."""
    return sa.cast(sa.literal(list(words), _TEXTS), _TEXTS)


def any_id(found: list[Condition], column: ColumnElement[Any], ids: Sequence[uuid.UUID]) -> None:
    """Add that a column has any of `ids`."""
    if ids:
        found.append(column == sa.any_(ids_array(ids)))


def any_word(found: list[Condition], column: ColumnElement[Any], words: Sequence[str]) -> None:
    """Add that a column has any of `words`."""
    if words:
        found.append(column == sa.any_(words_array(words)))


def state_types(
    found: list[Condition], column: ColumnElement[Any], types: Sequence[str], none_of: Sequence[str]
) -> None:
    """Add that a state is of any of `types`, and of none of others."""
    if types:
        found.append(column.in_(_constants(frozenset(types))))
    if none_of:
        found.append(column.not_in(_constants(frozenset(none_of))))


@functools.lru_cache(maxsize=1024)
def _constants(types: frozenset[str]) -> list[ColumnElement[str]]:
    # As constants, so that Postgres sees that an index over some types covers them.
    return [sa.literal_column(f"'{state_type}'") for state_type in sorted(types)]


def contains_pattern(text: str) -> str:
    """Return the LIKE pattern of texts that contain `text` as it is."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def has_part(column: ColumnElement[Any], text: str) -> Condition:
    """Return that a column contains a text, upper and lower case alike."""
    return column.ilike(sa.literal(contains_pattern(text), sa.Text))


def contains(found: list[Condition], text: str, *columns: ColumnElement[Any]) -> None:
    """Add that any of the columns contains a text, if there is one."""
    if text:
        found.append(sa.or_(*(has_part(column, text) for column in columns)))


def message_has_part(column: ColumnElement[Any], text: str) -> Condition:
    """Return that a message contains a text; most rows have none, and the index holds only those that do."""
    return sa.and_(column != sa.literal_column("''"), has_part(column, text))


def tags(found: list[Condition], column: ColumnElement[Any], chosen: Tagged) -> None:
    """Add what a filter says of tags."""
    if chosen.tags_all or chosen.tags_any:
        found.append(column != _no_tags())
    if chosen.tags_all:
        found.append(column.bool_op("@>")(words_array(chosen.tags_all)))
    if chosen.tags_any:
        found.append(column.bool_op("&&")(words_array(chosen.tags_any)))
    if chosen.tags_none:
        found.append(sa.not_(column.bool_op("&&")(words_array(chosen.tags_none))))
    if chosen.untagged is not None:
        found.append((column == _no_tags()) if chosen.untagged else (column != _no_tags()))


def labels(found: list[Condition], column: ColumnElement[Any], wanted: Mapping[str, Any], keys: Sequence[str]) -> None:
    """Add that labels hold all of the wanted ones, and all of the keys."""
    if wanted or keys:
        found.append(column != sa.literal_column("'{}'::jsonb"))
    if wanted:
        found.append(column.bool_op("@>")(sa.literal(dict(wanted), pg.JSONB)))
    if keys:
        found.append(column.bool_op("?&")(words_array(keys)))


def within(found: list[Condition], column: ColumnElement[Any], span: Span, *, optional: bool = False) -> None:
    """Add that a time is in a span.

    Args:
        found: Where to add it.
        column: The time.
        span: From inclusive to exclusive.
        optional: Whether the time may be missing; the index has a value in its place then.
    """
    if span.since is None and span.until is None:
        return
    time: ColumnElement[Any] = (
        sa.func.coalesce(column, sa.literal_column("'-infinity'::timestamptz", _TIMESTAMP)) if optional else column
    )
    if span.since is not None:
        found.append(time >= sa.literal(span.since, _TIMESTAMP))
    elif optional:
        found.append(column.is_not(None))
    if span.until is not None:
        found.append(time < sa.literal(span.until, _TIMESTAMP))


def between(found: list[Condition], column: ColumnElement[Any], at_least: int | None, at_most: int | None) -> None:
    """Add that a whole number is in a range."""
    if at_least is not None:
        found.append(column >= sa.literal(at_least, sa.Integer))
    if at_most is not None:
        found.append(column <= sa.literal(at_most, sa.Integer))


def run_time(found: list[Condition], run: Any, at_least: float | None, at_most: float | None) -> None:
    """Add that a run took so long; one that is executed has taken the time since its start, too."""
    if at_least is None and at_most is None:
        return
    is_running = run.state_type == sa.literal_column("'RUNNING'")
    so_far = run.run_seconds + sa.extract("epoch", sa.func.now() - run.state_at)
    if at_least is not None:
        # Apart from each other, so that the order by run time finds those that have ended.
        bound = sa.literal(at_least, sa.Double)
        found.append(sa.or_(run.run_seconds >= bound, sa.and_(is_running, so_far >= bound)))
    if at_most is not None:
        bound = sa.literal(at_most, sa.Double)
        found.append(sa.and_(run.run_seconds <= bound, sa.or_(sa.not_(is_running), so_far <= bound)))


def value(document: ColumnElement[Any], condition: ValueCondition) -> Condition:
    """Return a condition on a value inside of a JSON document."""
    there = document.op("#>")(words_array(condition.path))
    if condition.exists is not None:
        return there.is_not(None) if condition.exists else there.is_(None)
    exact: Condition = there == sa.literal(condition.equals, pg.JSONB)
    sought: Any = condition.equals
    if any(step.lstrip("-").isdigit() for step in condition.path) or sought is None:
        return exact
    # What is equal at a place is contained in the whole, and containment has an index.
    for step in reversed(condition.path):
        sought = {step: sought}
    return sa.and_(document.bool_op("@>")(sa.literal(sought, pg.JSONB)), exact)


def joined(
    found: list[Condition], any_of: Sequence[Part], none_of: Sequence[Part], read: Callable[[Part], list[Condition]]
) -> None:
    """Add that any of some filters holds, and none of others."""
    if any_of:
        found.append(sa.or_(*(sa.and_(*read(part)) for part in any_of)))
    for part in none_of:
        # What is unknown of a row without a value does not hold.
        found.append(sa.not_(sa.func.coalesce(sa.and_(*read(part)), sa.false())))


def _no_tags() -> ColumnElement[Any]:
    return sa.literal_column("'{}'::text[]")
