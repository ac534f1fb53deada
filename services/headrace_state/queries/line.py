"""Locked limits and the line of those who wait for their slots, inside a transaction."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Sequence

import asyncpg

from headrace import errors
from headrace_chassis.database import Connection
from headrace_state.queries.statements import SQL
from headrace_state.rules.limits import Candidate, Grants, Limit, grant

_ROUNDS = 20
"""How often the locks of a line are taken anew because others got in line meanwhile."""


async def lock_limits(
    connection: Connection, workspace_id: uuid.UUID, names: Iterable[str]
) -> tuple[list[Limit], datetime.datetime | None]:
    """Lock the active limits with these names, in one order for all transactions.

    Returns:
        The limits as they stand, and the time by the database's clock (None if there is no limit).
    """
    wanted = sorted(set(names))
    if not wanted:
        return [], None
    rows = await connection.fetch(SQL.lock_limits, workspace_id, wanted)
    if not rows:
        return [], None
    # A statement of its own: it must see what those committed who held the locks before.
    counts = await connection.fetch(SQL.count_slots, workspace_id, [row["name"] for row in rows])
    taken = {row["name"]: row["taken"] for row in counts}
    return [_limit(row, taken) for row in rows], counts[0]["now"]


def _limit(row: asyncpg.Record, taken: dict[str, int]) -> Limit:
    return Limit(
        name=row["name"],
        slots=row["slots"],
        taken=taken[row["name"]],
        slot_decay_per_second=row["slot_decay_per_second"],
        level=row["level"],
        level_at=row["level_at"],
    )


async def lock_line(
    connection: Connection, workspace_id: uuid.UUID, names: Sequence[str]
) -> tuple[list[Limit], datetime.datetime | None, list[asyncpg.Record]]:
    """Lock the named limits, and all that those need who wait in line for them.

    While they are locked, nobody gets in line for them.

    Returns:
        The limits and the time as `lock_limits` has them, and the line.

    Raises:
        errors.Aborted: The line grew faster than it could be locked.
    """
    wanted = set(names)
    await connection.execute("savepoint line_not_locked")
    for _ in range(_ROUNDS):
        limits, now = await lock_limits(connection, workspace_id, wanted)
        # Who is in line, or got there while the locks were awaited, may need limits that are not locked. Such locks
        # must not be added to those that are held, for all are taken in one order.
        line = await connection.fetch(SQL.list_line, workspace_id, list(names))
        needed = {name for row in line for name in row["names"]}
        if needed <= wanted:
            return limits, now, line
        wanted |= needed
        await connection.execute("rollback to savepoint line_not_locked")
    raise errors.Aborted(f"too many get in line for {', '.join(names)} at once", reason="LINE_CHANGED")


async def serve_line(connection: Connection, workspace_id: uuid.UUID, names: Sequence[str]) -> list[uuid.UUID]:
    """Hand free slots of the named limits to those who wait for them, first come, first served.

    Returns:
        The leases that were granted.
    """
    if not await connection.fetch(SQL.list_line, workspace_id, list(names)):
        return []
    limits, _, _ = await lock_line(connection, workspace_id, names)
    grants = await serve_locked_line(connection, workspace_id, names, limits)
    return [candidate.key for candidate in grants.granted]


async def serve_locked_line(
    connection: Connection, workspace_id: uuid.UUID, names: Sequence[str], limits: Sequence[Limit]
) -> Grants:
    """Do what `serve_line` does when all limits that the waiters need are locked already."""
    line = await connection.fetch(SQL.list_line, workspace_id, list(names))
    now = datetime.datetime.now(datetime.UTC)
    if any(limit.is_rate for limit in limits):
        now = await connection.fetchval("select clock_timestamp()")
    candidates = [Candidate(row["lease_id"], tuple(row["names"]), row["slots"]) for row in line]
    grants = grant(candidates, limits, now, in_line=True)
    if grants.granted:
        await connection.execute(SQL.hand_over, workspace_id, [candidate.key for candidate in grants.granted])
    return grants
