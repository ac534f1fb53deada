"""How the planner is kept on the way that is right whatever it believes about the table.

A day's partition grows by millions of records before statistics know of it, and a run's records stand together in
time, which statistics never know. So a read in the order of an index says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from headrace_chassis.database import Connection, Database

_BY_INDEX = "set local enable_bitmapscan = off; set local enable_sort = off; set local enable_seqscan = off"


@contextlib.asynccontextmanager
async def by_index(database: Database) -> AsyncIterator[Connection]:
    """Lend a connection in a transaction whose reads go along an index, in its order."""
    async with database.transaction() as connection:
        await connection.execute(_BY_INDEX)
        yield connection
