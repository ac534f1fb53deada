"""A search in records of a run of which nothing is known: all of them are read, two parts of them at a time.

Nobody knows how many they are, nor how they lie in time. So before each part is read it is looked up where the next
records lie, and how close together.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Select, tuple_

from headrace_chassis.core import compile_core
from headrace_chassis.database import Database
from headrace_log.queries.conditions import of_times, of_window
from headrace_log.queries.pages import Question, fetch, ordered
from headrace_log.queries.planning import by_index
from headrace_log.queries.segments import Segment, by_segment
from headrace_log.rules.records import Record
from headrace_log.tables import record

AT_ONCE = 2
"""Parts that are read at the same time, each on a connection of its own."""

SURE_RECORDS = 4096
"""So many of the next records are looked up. The first part has no more."""

_LAST_RECORDS = 1024
_FURTHER = 124
"""A part goes on behind those by so many times the time that the last of them take."""

_MOST_POSITION = 2**63 - 1


async def scan(database: Database, ask: Question, segment: Segment) -> list[Record]:
    """Return the first records in a part of the one run that is asked for.

    Args:
        database: The service's pool.
        ask: What is looked for.
        segment: Where.
    """
    found: list[Record] = []
    rest: Segment | None = segment
    reading: collections.deque[asyncio.Task[list[Record]]] = collections.deque()
    at_once = 1
    try:
        while len(found) < ask.limit and (reading or rest is not None):
            while rest is not None and len(reading) < at_once:
                part, rest = await _next_part(database, ask, rest, is_first=at_once == 1)
                reading.append(asyncio.create_task(_read(database, ask, part), name="log search"))
            found += await reading[0]
            reading.popleft()
            at_once = AT_ONCE
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    return found


async def _read(database: Database, ask: Question, part: Segment) -> list[Record]:
    async with by_index(database) as connection:
        return await fetch(connection, by_segment(ask, [part]))


async def _next_part(
    database: Database, ask: Question, rest: Segment, *, is_first: bool
) -> tuple[Segment, Segment | None]:
    """Return the first part of the rest, in the order that is asked for, and what is left."""
    if ask.window.above_position:
        # A follower's news: nearly all records are older, and these are told by their times.
        return rest, None
    text, arguments = compile_core(_look_up(ask, rest))
    async with by_index(database) as connection:
        row = await connection.fetchrow(text, *arguments)
    if row is None or row["last"] is None:
        return rest, None
    edge: datetime.datetime = row["last"]
    further = abs(edge - row["earlier"]) * (0 if is_first else _FURTHER)
    # All records of the moment at the edge belong to the part, however many they are.
    if ask.newest_first:
        if edge - rest.after_at <= further:
            return rest, None
        edge -= further
        return (
            dataclasses.replace(rest, after_at=edge, after_position=-1),
            dataclasses.replace(rest, last_at=edge, last_position=-1),
        )
    if rest.last_at - edge <= further:
        return rest, None
    edge += further
    return (
        dataclasses.replace(rest, last_at=edge, last_position=_MOST_POSITION),
        dataclasses.replace(rest, after_at=edge, after_position=_MOST_POSITION),
    )


def _look_up(ask: Question, rest: Segment) -> Select[Any]:
    key = tuple_(record.c.occurred_at, record.c.position)
    times, positions = sqlalchemy.DateTime(timezone=True), sqlalchemy.BigInteger
    after_at, last_at = (sqlalchemy.literal(moment, times) for moment in (rest.after_at, rest.last_at))
    statement = sqlalchemy.select(record.c.occurred_at).where(
        record.c.workspace_id.is_not_distinct_from(ask.workspace_id),
        record.c.flow_run_id == ask.wanted.flow_run_ids[0],
        record.c.occurred_at >= after_at,
        record.c.occurred_at <= last_at,
        key > tuple_(after_at, sqlalchemy.literal(rest.after_position, positions)),
        key <= tuple_(last_at, sqlalchemy.literal(rest.last_position, positions)),
        *of_times(ask.wanted),
        *of_window(ask.window, newest_first=ask.newest_first),
    )
    first = dataclasses.replace(ask, limit=1)
    earlier, last = (
        ordered(statement, record, first).offset(offset - 1).scalar_subquery().label(name)
        for name, offset in (("earlier", SURE_RECORDS - _LAST_RECORDS), ("last", SURE_RECORDS))
    )
    return sqlalchemy.select(earlier, last)
