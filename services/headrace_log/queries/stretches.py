"""Stretches in and out of their table."""

from __future__ import annotations

import datetime
import uuid

from headrace_chassis.database import Database
from headrace_log.queries import SQL
from headrace_log.queries.planning import by_index
from headrace_log.repository import StretchStore
from headrace_log.rules.grams import summarise
from headrace_log.rules.records import Key

RECORDS = 2048
"""Records of a stretch."""

MOST_BYTES = 512 * 1024
"""A stretch of long messages ends behind the record with which it has as many."""

BEGINNING = Key(datetime.datetime(1, 1, 1, 0, 0, 1, tzinfo=datetime.UTC), -1)
_PAGE = 256


class Stretches(StretchStore):
    """Adds stretches to runs.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extend(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, settled: int) -> int:
        """Add the next stretch of a run, of records up to the position `settled`; return how many records it has.

        0 says that too few are left for a stretch, or that another replica is at it.
        """
        async with by_index(self._database) as connection:
            if not await connection.fetchval(SQL.lock_stretches, str(flow_run_id)):
                return 0
            row = await connection.fetchrow(SQL.last_stretch, flow_run_id, workspace_id)
            begin = Key(row["last_at"], row["last_position"]) if row is not None else BEGINNING
            last, size = begin, 0
            texts: list[bytes] = []
            while len(texts) < RECORDS and size < MOST_BYTES:
                rows = await connection.fetch(
                    SQL.read_stretch, flow_run_id, workspace_id, last.occurred_at, last.position, settled, _PAGE
                )
                if len(rows) < _PAGE:
                    return 0
                for record in rows:
                    text = record["message"].encode()
                    texts.append(text)
                    size += len(text)
                last = Key(rows[-1]["occurred_at"], rows[-1]["position"])
            await connection.execute(
                SQL.add_stretch,
                flow_run_id,
                last.occurred_at,
                last.position,
                workspace_id,
                begin.occurred_at,
                begin.position,
                settled,
                len(texts),
                summarise(b"\n".join(texts)),
            )
        return len(texts)
