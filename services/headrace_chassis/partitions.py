"""Day partitions of history tables: made ahead of time, dropped by retention.

A partition of table `record` for 2026-03-05 (UTC) is `record_p20260305`. What falls outside of all days
goes to the DEFAULT partition `record_default`, so that an insert never fails for want of a partition.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import re
from collections.abc import Sequence

import asyncpg

from headrace_chassis.clock import Clock, SystemClock
from headrace_chassis.database import Connection, Database
from headrace_chassis.loops import Loop

logger = logging.getLogger(__name__)

DAYS_AHEAD = 3
_LOCK_TIMEOUT_SECONDS = 3

_NAME = re.compile(r"^[a-z_][a-z0-9_]*$")

_LIST = """
select child.relname as name
  from pg_inherits
  join pg_class parent on parent.oid = pg_inherits.inhparent
  join pg_class child on child.oid = pg_inherits.inhrelid
  join pg_namespace space on space.oid = parent.relnamespace
 where space.nspname = current_schema()
   and parent.relname = $1
"""


@dataclasses.dataclass(frozen=True, slots=True)
class PartitionedTable:
    """A table partitioned by UTC day, and for how many days its rows are kept (None: for ever)."""

    name: str
    retention_days: int | None
    keeps_default: bool = False
    """Whether what falls outside of all days is left to somebody who knows when it came: its own time may be of a
    clock that is wrong by years."""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"{self.name!r} is not a plain table name")
        if self.retention_days is not None and self.retention_days < 1:
            raise ValueError(f"retention of {self.name} must be at least one day")


class PartitionKeeper(Loop):
    """Makes the partitions of the days to come and drops those beyond retention, every ten minutes.

    Replicas may run it side by side: the work is done under an advisory lock.
    """

    name = "partitions"
    interval_seconds = 600.0

    def __init__(self, database: Database, tables: Sequence[PartitionedTable], *, clock: Clock | None = None) -> None:
        super().__init__()
        self._database = database
        self._tables = tuple(tables)
        self._clock = clock or SystemClock()

    async def tick(self) -> int | None:
        """Bring all tables up to date."""
        today = self._clock.now().date()
        for table in self._tables:
            await self._keep(table, today)
        return None

    async def _keep(self, table: PartitionedTable, today: datetime.date) -> None:
        async with self._database.connection() as connection:
            present = {row["name"] for row in await connection.fetch(_LIST, table.name)}
        for offset in range(DAYS_AHEAD + 1):
            day = today + datetime.timedelta(days=offset)
            if partition_name(table.name, day) not in present:
                await self._create(table, day)
        if table.retention_days is None:
            return
        oldest = today - datetime.timedelta(days=table.retention_days)
        for name in sorted(present):
            day_of_name = partition_day(table.name, name)
            if day_of_name is not None and day_of_name < oldest:
                await self._drop(name)
        if not table.keeps_default:
            await self._trim_default(table, oldest)

    async def _create(self, table: PartitionedTable, day: datetime.date) -> None:
        name = partition_name(table.name, day)
        async with self._database.transaction() as connection:
            await _lock(connection)
            if await connection.fetchval("select to_regclass($1)", name) is not None:
                return
            try:
                async with connection.transaction():
                    await connection.execute(create_partition(table.name, day))
            except asyncpg.CheckViolationError:
                # Rows of that day stand in the default partition already: move them out of it.
                await connection.execute(_move_from_default(table.name, day, await _key(connection, table.name)))
            # Who names a partition itself meets the same wall as who names the table.
            if await connection.fetchval(_CAN_PROTECT):
                await connection.execute(_PROTECT, name)
        logger.info("made the partition %s", name)

    async def _drop(self, name: str) -> None:
        async with self._database.transaction() as connection:
            await _lock(connection)
            await connection.execute(f'drop table if exists "{name}"')
        logger.info("dropped the partition %s", name)

    async def _trim_default(self, table: PartitionedTable, oldest: datetime.date) -> None:
        async with self._database.transaction() as connection:
            key = await _key(connection, table.name)
            await connection.execute(
                f'delete from "{table.name}_default" where "{key}" < $1',  # noqa: S608 - names come from the catalog
                datetime.datetime.combine(oldest, datetime.time(), tzinfo=datetime.UTC),
            )


_CAN_PROTECT = "select to_regprocedure('headrace.protect(regclass)') is not null"
_PROTECT = """
    select headrace.protect(attrelid::regclass)
      from pg_attribute
     where attrelid = to_regclass($1)
       and attname = 'workspace_id'
"""


def partition_name(table: str, day: datetime.date) -> str:
    """Return the name of the partition of `table` for the UTC day `day`."""
    return f"{table}_p{day:%Y%m%d}"


def partition_day(table: str, partition: str) -> datetime.date | None:
    """Return the UTC day of a partition's name, None if it is not a day's."""
    match = re.fullmatch(re.escape(table) + r"_p(\d{4})(\d{2})(\d{2})", partition)
    return datetime.date(*(int(part) for part in match.groups())) if match else None


def create_partition(table: str, day: datetime.date, *, schema: str | None = None) -> str:
    """Return the statement that makes the partition of `table` for `day` unless it is there."""
    prefix = f'"{schema}".' if schema else ""
    following = day + datetime.timedelta(days=1)
    return (
        f'create table if not exists {prefix}"{partition_name(table, day)}" partition of {prefix}"{table}" '
        f"for values from ('{day.isoformat()} 00:00:00+00') to ('{following.isoformat()} 00:00:00+00')"
    )


def _move_from_default(table: str, day: datetime.date, key: str) -> str:
    name = partition_name(table, day)
    following = day + datetime.timedelta(days=1)
    start, end = f"'{day.isoformat()} 00:00:00+00'", f"'{following.isoformat()} 00:00:00+00'"
    return f"""
        create table "{name}" (like "{table}" including defaults including constraints);
        with moved as (
            delete from "{table}_default" where "{key}" >= {start} and "{key}" < {end} returning *
        )
        insert into "{name}" select * from moved;
        alter table "{table}" attach partition "{name}" for values from ({start}) to ({end});
    """  # noqa: S608 - names are checked, days are dates


async def _lock(connection: Connection) -> None:
    await connection.execute("select pg_advisory_xact_lock(hashtext(current_schema() || '.partitions'))")
    # Writers would queue up behind a statement that waits for its lock; better to try again at the next tick.
    await connection.execute(f"set local lock_timeout = '{_LOCK_TIMEOUT_SECONDS}s'")


async def _key(connection: Connection, table: str) -> str:
    key = await connection.fetchval(
        """
        select attribute.attname
          from pg_partitioned_table partitioned
          join pg_attribute attribute
            on attribute.attrelid = partitioned.partrelid
           and attribute.attnum = partitioned.partattrs[0]
         where partitioned.partrelid = to_regclass($1)
        """,
        table,
    )
    return str(key)
