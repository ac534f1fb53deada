"""Stretches in and out of their table."""

from __future__ import annotations

import datetime
import uuid

from headrace_chassis.database import Connection, Database
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
_PAGE = 512
_MOST_AT_ONCE = 4
"""Stretches that are added in one transaction."""

# A stretch that is lost in a crash is made again, so nobody waits for the disk.
_SOON = "set local synchronous_commit = off"


class Stretches(StretchStore):
    """Adds stretches to runs.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def extend(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, settled: int) -> int:
        """Add the next few stretches of a run, of records up to the position `settled`; return how many records.

        0 says that too few are left for a stretch, or that another replica is at it.
        """
        added = 0
        async with by_index(self._database) as connection:
            if not await connection.fetchval(SQL.lock_stretches, str(flow_run_id)):
                return 0
            await connection.execute(_SOON)
            row = await connection.fetchrow(SQL.last_stretch, flow_run_id, workspace_id)
            begin = Key(row["last_at"], row["last_position"]) if row is not None else BEGINNING
            for _ in range(_MOST_AT_ONCE):
                last, records, text = await _read(connection, workspace_id, flow_run_id, begin, settled)
                if not records:
                    break
                await connection.execute(
                    SQL.add_stretch,
                    flow_run_id,
                    last.occurred_at,
                    last.position,
                    workspace_id,
                    begin.occurred_at,
                    begin.position,
                    settled,
                    records,
                    summarise(text),
                )
                begin = last
                added += records
        return added


async def _read(
    connection: Connection, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, begin: Key, settled: int
) -> tuple[Key, int, bytes]:
    """Return where the stretch behind `begin` ends, its records and their text; no records if it is not full yet."""
    last, records = begin, 0
    text = b""
    page = _PAGE
    while records < RECORDS and len(text) < MOST_BYTES:
        row = await connection.fetchrow(
            SQL.read_stretch, flow_run_id, workspace_id, last.occurred_at, last.position, settled, page
        )
        if row is None or row["records"] < page:
            return begin, 0, b""
        last, records = Key(row["last_at"], row["last_position"]), records + page
        text += b" " + row["text"]
        # As many as are missing, if the others are as long as these.
        missing = (MOST_BYTES - len(text)) * records // len(text)
        page = max(1, min(_PAGE, RECORDS - records, missing))
    return last, records, text
