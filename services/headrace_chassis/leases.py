"""Leases for what must be done by one replica at a time, with an epoch as fencing token.

The database's clock decides who holds a lease. The epoch rises with each change of holder, so a holder
that was paused and comes back is told apart from the one that took over.
"""

from __future__ import annotations

from headrace import errors
from headrace_chassis.database import Connection, Database

_ACQUIRE_OR_RENEW = """
insert into service_lease as lease (name, holder, epoch, expires_at)
values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
on conflict (name) do update
   set holder = excluded.holder,
       epoch = lease.epoch + case when lease.holder = excluded.holder then 0 else 1 end,
       expires_at = clock_timestamp() + make_interval(secs => $3)
 where lease.holder = excluded.holder
    or lease.expires_at <= clock_timestamp()
returning epoch
"""

# FOR SHARE makes a take-over wait until the guarded transaction has ended: the fence holds up to the commit.
_GUARD = """
select 1
  from service_lease
 where name = $1
   and holder = $2
   and epoch = $3
   and expires_at > clock_timestamp()
   for share
"""

_RELEASE = """
update service_lease
   set expires_at = '-infinity'
 where name = $1
   and holder = $2
"""


class ServiceLease:
    """One named lease in the schema's `service_lease` table, as one would-be holder sees it.

    Args:
        database: The service's pool.
        name: What is leased, for example `mark-late`.
        holder: Unique for each start of each process.
        ttl: Seconds after the last renewal until another may take over. Renew three times as often.
    """

    def __init__(self, database: Database, name: str, holder: str, ttl: float = 15.0) -> None:
        self._database = database
        self.name = name
        self.holder = holder
        self.ttl = ttl
        self.epoch: int | None = None
        """The epoch that the last `acquire_or_renew` returned."""

    async def acquire_or_renew(self) -> int | None:
        """Take the lease if it is free, keep it if it is ours.

        Returns:
            The epoch, or None while another holds it.
        """
        async with self._database.connection() as connection:
            self.epoch = await connection.fetchval(_ACQUIRE_OR_RENEW, self.name, self.holder, self.ttl)
        return self.epoch

    async def guard(self, connection: Connection) -> None:
        """Make the transaction of `connection` hold only if the lease is still ours; call it first.

        Raises:
            errors.LeaseLost: It is not; the transaction must not commit.
        """
        held = self.epoch is not None and await connection.fetchval(_GUARD, self.name, self.holder, self.epoch)
        if not held:
            raise errors.LeaseLost(f"the lease {self.name} is no longer held", reason="SERVICE_LEASE_LOST")

    async def release(self) -> None:
        """Give the lease up so that another need not wait for its end."""
        async with self._database.connection() as connection:
            await connection.execute(_RELEASE, self.name, self.holder)
        self.epoch = None
