"""What a question says about records, as conditions of statements."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, and_, any_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from headrace_log.rules.records import RecordFilter, Window
from headrace_log.rules.text import TextQuery, like_pattern, word_pattern
from headrace_log.tables import record


def of_filter(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    """Return what holds for the records that are wanted, but for their runs and task runs."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.worker_ids:
        conditions.append(record.c.worker_id == any_(texts(wanted.worker_ids)))
    if wanted.level_at_least:
        conditions.append(record.c.level >= wanted.level_at_least)
    if wanted.level_at_most:
        conditions.append(record.c.level <= wanted.level_at_most)
    conditions += of_times(wanted)
    if wanted.loggers:
        conditions.append(record.c.logger == any_(texts(wanted.loggers)))
    if wanted.sources:
        conditions.append(
            record.c.source == any_(sqlalchemy.literal(list(wanted.sources), ARRAY(sqlalchemy.SmallInteger)))
        )
    if wanted.without_task_runs:
        conditions.append(record.c.task_run_id.is_(None))
    conditions += (_contains(part, wanted.text) for part in wanted.text.wanted)
    conditions += (sqlalchemy.not_(_contains(part, wanted.text)) for part in wanted.text.unwanted)
    return conditions


def of_times(wanted: RecordFilter) -> list[ColumnElement[bool]]:
    """Return when the records that are wanted occurred."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.occurred_from is not None:
        conditions.append(record.c.occurred_at >= wanted.occurred_from)
    if wanted.occurred_until is not None:
        conditions.append(record.c.occurred_at < wanted.occurred_until)
    return conditions


def of_window(window: Window, *, newest_first: bool) -> list[ColumnElement[bool]]:
    """Return what holds for the records of a window."""
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


def uuids(values: tuple[uuid.UUID, ...]) -> Any:
    """Return ids as an array."""
    return sqlalchemy.literal(list(values), ARRAY(sqlalchemy.Uuid))


def texts(values: tuple[str, ...]) -> Any:
    """Return texts as an array."""
    return sqlalchemy.literal(list(values), ARRAY(sqlalchemy.Text))


def _contains(part: str, text: TextQuery) -> ColumnElement[bool]:
    if text.whole_words:
        # What a word is beyond ASCII only the database's own collation knows.
        pattern = sqlalchemy.literal(word_pattern(part), sqlalchemy.Text)
        return record.c.message.regexp_match(pattern, flags=None if text.match_case else "i")
    if not part.isascii():
        pattern = sqlalchemy.literal(like_pattern(part), sqlalchemy.Text)
        return record.c.message.like(pattern) if text.match_case else record.c.message.ilike(pattern)
    # Upper and lower case of ASCII letters can be told apart byte by byte, and looking for a text skips what LIKE
    # looks at letter by letter: both together take a third of the time.
    message = record.c.message.collate("C")
    wanted = sqlalchemy.literal(part if text.match_case else part.lower(), sqlalchemy.Text)
    return sqlalchemy.func.strpos(message if text.match_case else sqlalchemy.func.lower(message), wanted) > 0
