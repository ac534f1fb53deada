"""Slots for clients in Postgres."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeup, Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries import line
from headrace_state.queries.flow_run_unit import Tools, hand_on, slots_channel, tell_granted
from headrace_state.queries.statements import SQL
from headrace_state.rules.limits import Candidate, Limit, grant, seconds_until_free
from headrace_state.rules.slots import LeaseHolder, SlotsAwaited, SlotsHeld, SlotsRefused, SlotWish, refusing


class PostgresSlots:
    """Implements `repository.limits.Slots`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._tools = Tools(database, outbox, wakeups)

    @contextlib.asynccontextmanager
    async def bell(self, lease_id: uuid.UUID) -> AsyncIterator[Wakeup]:
        """Lend what rings when slots were handed to a lease."""
        async with self._wakeups.subscribe(slots_channel(lease_id)) as wakeup:
            yield wakeup

    async def acquire(
        self, workspace_id: uuid.UUID, wish: SlotWish, keep_seconds: float | None
    ) -> SlotsHeld | SlotsAwaited | SlotsRefused:
        """Take slots, or find them taken by an earlier call with the same lease."""

        async def work(connection: Connection) -> SlotsHeld | SlotsAwaited | SlotsRefused:
            return await self._acquire(connection, workspace_id, wish, keep_seconds)

        return await self._database.run(work)

    async def _acquire(
        self, connection: Connection, workspace_id: uuid.UUID, wish: SlotWish, keep_seconds: float | None
    ) -> SlotsHeld | SlotsAwaited | SlotsRefused:
        limits, now, waiting = await line.lock_line(connection, workspace_id, wish.names)
        mine = [limit for limit in limits if limit.name in wish.names]
        _check(wish, mine)
        held = await self._find(connection, workspace_id, wish)
        if held is not None:
            return held
        refused = refusing((limit.name, limit.slots) for limit in mine)
        if refused is not None:
            await connection.fetchrow(SQL.leave_line, workspace_id, wish.lease_id, wish.taken_by)
            return refused
        if not mine or now is None:
            return SlotsHeld(None, None, ())
        ahead = [Candidate(row["lease_id"], tuple(row["names"]), row["slots"]) for row in waiting]
        me = Candidate(wish.lease_id, wish.names, wish.slots)
        if me not in ahead and me in grant([*ahead, me], limits, now, in_line=True).granted:
            return await self._take(connection, workspace_id, wish, mine)
        if keep_seconds is None:
            return await self._awaited(connection, workspace_id, wish, mine, now)
        await connection.execute(
            SQL.stand_in_line,
            wish.lease_id,
            workspace_id,
            list(wish.names),
            wish.slots,
            wish.holder_kind,
            wish.holder_id,
            wish.lease_seconds,
            keep_seconds,
            wish.taken_by,
        )
        grants = await line.serve_locked_line(connection, workspace_id, wish.names, limits)
        granted = [candidate.key for candidate in grants.granted]
        tell_granted(connection, [lease_id for lease_id in granted if lease_id != wish.lease_id], self._tools)
        if wish.lease_id in granted:
            held = await self._find(connection, workspace_id, wish)
            if held is not None:
                return held
        return await self._awaited(connection, workspace_id, wish, mine, now)

    async def _take(
        self, connection: Connection, workspace_id: uuid.UUID, wish: SlotWish, mine: list[Limit]
    ) -> SlotsHeld:
        names = [limit.name for limit in mine]
        expires_at = await connection.fetchval(
            SQL.take_slots,
            wish.lease_id,
            workspace_id,
            names,
            wish.slots,
            wish.holder_kind,
            wish.holder_id,
            wish.lease_seconds,
            wish.taken_by,
        )
        if wish.is_rate:
            # The buckets are filled, and there is nothing to give back.
            await connection.execute(SQL.end_leases, workspace_id, [wish.lease_id])
            return SlotsHeld(None, None, tuple(names))
        return SlotsHeld(wish.lease_id, expires_at, tuple(names))

    async def _find(self, connection: Connection, workspace_id: uuid.UUID, wish: SlotWish) -> SlotsHeld | None:
        # A lease that was handed over to a waiter is a short one until the waiter has it.
        [row] = await connection.fetch(
            SQL.pick_up_lease, workspace_id, wish.lease_id, wish.lease_seconds, wish.taken_by
        )
        if row["is_taken"]:
            raise errors.AlreadyExists(f"the lease {wish.lease_id} is somebody else's")
        if row["expires_at"] is None:
            return None
        if wish.is_rate:
            # Rate limits have poured already, and there is nothing to give back.
            await connection.execute(SQL.end_leases, workspace_id, [wish.lease_id])
            return SlotsHeld(None, None, tuple(row["limits"]))
        return SlotsHeld(wish.lease_id, row["expires_at"], tuple(row["limits"]))

    async def _awaited(
        self,
        connection: Connection,
        workspace_id: uuid.UUID,
        wish: SlotWish,
        mine: list[Limit],
        now: datetime.datetime,
    ) -> SlotsAwaited:
        waiting = await connection.fetch(SQL.list_line, workspace_id, list(wish.names))
        places = [row["lease_id"] for row in waiting]
        place = places.index(wish.lease_id) + 1 if wish.lease_id in places else len(places) + 1
        full = next((limit for limit in mine if limit.free(now) < wish.slots), mine[0])
        return SlotsAwaited(full.name, place, seconds_until_free(full, wish.slots, now))

    async def renew(
        self, workspace_id: uuid.UUID, lease_id: uuid.UUID, lease_seconds: float, run_id: uuid.UUID | None
    ) -> datetime.datetime | None:
        """Renew a lease under which slots are held; return until when it holds, None if it is gone."""
        async with self._database.connection() as connection:
            expires_at: datetime.datetime | None = await connection.fetchval(
                SQL.renew_slots, workspace_id, lease_id, lease_seconds, run_id
            )
        return expires_at

    async def holder_of(self, workspace_id: uuid.UUID, lease_id: uuid.UUID) -> LeaseHolder | None:
        """Return who holds a lease, None if there is none."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL.find_holder, workspace_id, lease_id)
        return LeaseHolder(row["flow_run_id"], row["taken_by"]) if row is not None else None

    async def release(
        self, workspace_id: uuid.UUID, lease_id: uuid.UUID, *, keep_lease: bool, run_id: uuid.UUID | None
    ) -> None:
        """Give the slots of a lease back and leave the line."""

        async def work(connection: Connection) -> None:
            left = await connection.fetchrow(SQL.leave_line, workspace_id, lease_id, run_id)
            statement = SQL.free_slots if keep_lease else SQL.end_leases
            freed = await connection.fetch(statement, workspace_id, [lease_id])
            names = {row["limit_name"] for row in freed} | set(left["names"] if left is not None else ())
            if names:
                await hand_on(connection, workspace_id, sorted(names), self._tools)
                self._database.after_commit(connection, self._tools.due)

        await self._database.run(work)


def _check(wish: SlotWish, found: list[Limit]) -> None:
    missing = sorted(set(wish.names) - {limit.name for limit in found})
    if wish.is_strict and missing:
        raise errors.NotFound(f"there is no active limit {', '.join(missing)}", reason="LIMIT_NOT_FOUND")
    for limit in found:
        if wish.is_rate and not limit.is_rate:
            raise errors.InvalidArgument.of_field(
                "names", f"must be rate limits, and {limit.name} has no slot decay", reason="NOT_A_RATE_LIMIT"
            )
        if 0 < limit.slots < wish.slots:
            raise errors.InvalidArgument.of_field(
                "slots",
                f"must be at most {limit.slots}, which is all that {limit.name} has",
                reason="MORE_SLOTS_THAN_THERE_ARE",
            )
