"""Changes of rights: stored, counted and told in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from headrace_chassis.access import CHANNEL
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_identity.queries.statements import SQL


class Changes:
    """Makes every process forget what callers might do before.

    Args:
        database: The service's pool.
        wakeups: Tell the processes.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self.database = database
        self._wakeups = wakeups

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """Lend a connection in a transaction that changes what somebody may do."""
        async with self.database.transaction() as connection:
            yield connection
            await self.note(connection)

    async def note(self, connection: Connection) -> None:
        """Count a change in the transaction that `connection` is in, and tell of it once that has committed."""
        await connection.execute(SQL.raise_access_version)
        self.database.after_commit(connection, self._tell)

    def _tell(self) -> None:
        self._wakeups.notify(CHANNEL)
