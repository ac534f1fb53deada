"""What a service tells others: written in the transaction of the change, followed by position.

Positions come from a sequence, so they are given out in one order and committed in another. A reader
that sees position 7 and not 6 must find out whether 6 is still to come. It can: whoever has drawn a
position holds a lock on the outbox until its transaction ends, and shows in `pg_locks`. So the reader
waits for the writers of that moment (not for later ones), looks again, and what is missing then was
rolled back. As long as there is no gap, which is nearly always, no lock is looked at.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import logging
import uuid
from collections.abc import Sequence

import asyncpg
from google.protobuf.message import Message

from headrace import errors
from headrace_chassis.database import Connection, Database, everywhere_in
from headrace_chassis.notify import Wakeups

logger = logging.getLogger(__name__)

BATCH_LIMIT = 500
POLL_SECONDS = 1.0
_GAP_FIRST_SECONDS = 0.002
_GAP_MOST_SECONDS = 0.1
_GAP_WARNING_SECONDS = 10.0

_APPEND = "insert into outbox (workspace_id, kind, payload) values ($1, $2, $3)"

_READ = """
select position,
       workspace_id,
       kind,
       recorded_at,
       case when cardinality($3::text[]) = 0 or kind = any ($3::text[]) then payload end as payload
  from outbox
 where position > $1
   and position <= $2
 order by position
 limit $4
"""

_LAST_POSITION = "select case when is_called then last_value else last_value - 1 end from outbox_position_seq"

_FIRST_POSITION = "select position from outbox order by position limit 1"

_WRITERS = """
select virtualtransaction
  from pg_locks
 where locktype = 'relation'
   and database = (select oid from pg_database where datname = current_database())
   and relation = 'outbox'::regclass
   and mode = 'RowExclusiveLock'
   and granted
"""

_NO_BOUND = 2**63 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a service told."""

    position: int
    workspace_id: uuid.UUID
    kind: str
    recorded_at: datetime.datetime
    payload: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Entries in order of position, and where to go on; entries that were not asked for are left out."""

    entries: list[Entry]
    cursor: int
    is_all: bool = True
    """Whether nothing more was to be seen; otherwise the next look finds something at once."""


class Outbox:
    """Writes a service's outbox.

    Args:
        database: The service's pool; its schema holds the table.
        wakeups: Who is to be told after the commit; None leaves followers to their poll.
    """

    def __init__(self, database: Database, wakeups: Wakeups | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self.channel = outbox_channel(database.schema)

    async def append(self, connection: Connection, workspace_id: uuid.UUID, kind: str, payload: Message) -> None:
        """Add one entry in the transaction of `connection`; followers are woken once it has committed."""
        await connection.execute(_APPEND, workspace_id, kind, payload.SerializeToString())
        self._database.after_commit(connection, self.wake)

    def wake(self) -> None:
        """Tell followers to look, for statements that write the outbox on their own; call after the commit."""
        if self._wakeups is not None:
            self._wakeups.notify(self.channel)


class OutboxReader:
    """Reads an outbox in order of position and never passes an entry that is still to come.

    Positions of all workspaces follow each other: whoever saw only some would wait for the others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def last_position(self) -> int:
        """Return the highest position given out so far, 0 if none."""
        async with everywhere_in(self._database) as connection:
            return int(await connection.fetchval(_LAST_POSITION))

    async def first_position(self) -> int | None:
        """Return the position of the oldest entry that is kept, None if there is none."""
        async with everywhere_in(self._database) as connection:
            position: int | None = await connection.fetchval(_FIRST_POSITION)
        return position

    async def settled_position(self) -> int:
        """Return a position up to which nothing is still to come, though entries after it may be visible already."""
        last = await self.last_position()
        # Whoever drew a position up to `last` is among the writers of now, or has ended.
        await self._wait_for_writers()
        return last

    async def read(self, cursor: int, kinds: Sequence[str] = (), limit: int = BATCH_LIMIT) -> Batch:
        """Return entries after `cursor`, at most `limit`; empty if there are none.

        Args:
            cursor: The `cursor` of the batch before; 0 for the first.
            kinds: Which kinds to return; empty means all.
            limit: Most positions to pass at once.
        """
        rows = await self._fetch(cursor, _NO_BOUND, kinds, limit)
        if not rows:
            return Batch([], cursor)
        last = rows[-1]["position"]
        is_all = len(rows) < limit
        if last - cursor != len(rows):
            is_all = False
            gap = next(index for index, row in enumerate(rows) if row["position"] != cursor + 1 + index)
            if gap > 0:
                # What stands before the gap need not wait for it.
                rows = rows[:gap]
                last = rows[-1]["position"]
            else:
                await self._wait_for_writers()
                rows = await self._fetch(cursor, last, kinds, limit)
                # The late ones may have filled the limit before `last` is reached.
                if len(rows) == limit:
                    last = rows[-1]["position"]
        entries = [
            Entry(row["position"], row["workspace_id"], row["kind"], row["recorded_at"], row["payload"])
            for row in rows
            if row["payload"] is not None
        ]
        return Batch(entries, last, is_all)

    async def _fetch(self, cursor: int, last: int, kinds: Sequence[str], limit: int) -> list[asyncpg.Record]:
        async with everywhere_in(self._database) as connection:
            return await connection.fetch(_READ, cursor, last, list(kinds), limit)

    async def _writers(self) -> set[str]:
        async with everywhere_in(self._database) as connection:
            return {row["virtualtransaction"] for row in await connection.fetch(_WRITERS)}

    async def _wait_for_writers(self) -> None:
        # No connection is held while it sleeps: the writers may be waiting for one.
        waiting = await self._writers()
        delay = _GAP_FIRST_SECONDS
        waited = 0.0
        while waiting:
            await asyncio.sleep(delay)
            waited += delay
            if waited > _GAP_WARNING_SECONDS:
                logger.warning("a transaction that writes the outbox is open for more than %.0f s", waited)
            delay = min(delay * 2, _GAP_MOST_SECONDS if waited < _GAP_WARNING_SECONDS else _GAP_WARNING_SECONDS)
            waiting &= await self._writers()


def outbox_channel(schema: str) -> str:
    """Return the wakeup channel of a schema's outbox."""
    return f"{schema}_outbox"


def parse_cursor(cursor: str) -> int:
    """Return the position in a cursor that came over the wire; "" is the beginning.

    Raises:
        errors.InvalidArgument: It is not one of ours.
    """
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise errors.InvalidArgument.of_field("cursor", "must be a cursor that this service returned")
    return int(cursor)
