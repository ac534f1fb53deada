"""What is no longer needed."""

from __future__ import annotations

from headrace_chassis.database import Database
from headrace_log.queries import SQL


class Sweeper:
    """Deletes what is no longer needed, a piece at a time.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def forget_writers(self, *, days: int, limit: int) -> int:
        """Forget writing processes not heard of for `days`; return how many."""
        return await self._delete(SQL.forget_writers, days, limit)

    async def forget_batches(self, *, days: int, limit: int) -> int:
        """Forget digests of batches older than `days`; return how many."""
        return await self._delete(SQL.forget_batches, days, limit)

    async def trim_default(self, *, days: int, limit: int) -> int:
        """Delete records of far-off clocks that came more than `days` ago; return how many."""
        return await self._delete(SQL.trim_default, days, limit)

    async def trim_stretches(self, *, limit: int) -> int:
        """Delete stretches of records that `trim_default` has deleted; return how many."""
        return await self._delete(SQL.trim_stretches, limit)

    async def _delete(self, statement: str, *arguments: int) -> int:
        async with self._database.transaction() as connection:
            status = await connection.execute(statement, *arguments)
        return int(status.rpartition(" ")[2])
