"""Transactions on the scheduler's tables."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Awaitable, Callable
from typing import TypeVar

from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_scheduler.queries.backfills import BackfillQueries
from headrace_scheduler.queries.calendars import CalendarQueries
from headrace_scheduler.queries.deployments import DeploymentQueries
from headrace_scheduler.queries.errands import ErrandQueries
from headrace_scheduler.queries.pools import PoolQueries
from headrace_scheduler.queries.schedules import ScheduleQueries
from headrace_scheduler.queries.service_levels import ServiceLevelQueries
from headrace_scheduler.queries.workers import WorkerQueries
from headrace_scheduler.repository.storage import Unit
from headrace_scheduler.rules.changes import Change, Violation
from headrace_scheduler.wire.changes import entry_of, violation_entry_of

Result = TypeVar("Result")


class SqlUnit:
    """One transaction; see `repository.storage.Unit`."""

    def __init__(self, connection: Connection, store: SqlStore) -> None:
        self._connection = connection
        self._store = store
        self.deployments = DeploymentQueries(connection)
        self.schedules = ScheduleQueries(connection)
        self.pools = PoolQueries(connection)
        self.workers = WorkerQueries(connection)
        self.errands = ErrandQueries(connection)
        self.service_levels = ServiceLevelQueries(connection)
        self.backfills = BackfillQueries(connection)
        self.calendars = CalendarQueries(connection)

    async def now(self) -> datetime.datetime:
        """Return the time of the transaction by the database's clock."""
        now: datetime.datetime = await self._connection.fetchval("select now()")
        return now

    async def tell(self, change: Change) -> None:
        """Tell others of a change, once the transaction has committed."""
        workspace_id, kind, payload = entry_of(change)
        await self._store.outbox.append(self._connection, workspace_id, kind, payload)

    async def tell_violation(self, violation: Violation) -> None:
        """Tell others that a promise was broken, once the transaction has committed."""
        workspace_id, kind, payload = violation_entry_of(violation)
        await self._store.outbox.append(self._connection, workspace_id, kind, payload)

    def wake(self, channel: str) -> None:
        """Wake whoever waits on a channel, once the transaction has committed."""
        self._store.database.after_commit(self._connection, self._store.waker(channel))


class SqlStore:
    """The scheduler's tables; see `repository.storage.Store`.

    Args:
        database: The service's pool.
        wakeups: Who is told after commits.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self.database = database
        self.outbox = Outbox(database, wakeups)
        self._wakeups = wakeups
        self._wakers: dict[str, Callable[[], None]] = {}

    async def run(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction; again from the start if it lost against another."""

        async def within(connection: Connection) -> Result:
            return await work(SqlUnit(connection, self))

        return await self.database.run(within)

    async def rehearse(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work` in one transaction, and undo it."""
        found: list[Result] = []

        async def within(connection: Connection) -> None:
            found[:] = [await work(SqlUnit(connection, self))]
            raise _Undone

        with contextlib.suppress(_Undone):
            await self.database.run(within)
        return found[0]

    async def read(self, work: Callable[[Unit], Awaitable[Result]]) -> Result:
        """Do `work`, which only reads, without a transaction around it."""
        async with self.database.connection() as connection:
            return await work(SqlUnit(connection, self))

    def waker(self, channel: str) -> Callable[[], None]:
        """Return what wakes a channel, the same each time."""
        if channel not in self._wakers:
            self._wakers[channel] = lambda: self._wakeups.notify(channel)
        return self._wakers[channel]


class _Undone(Exception):
    """Ends a transaction without a commit."""
