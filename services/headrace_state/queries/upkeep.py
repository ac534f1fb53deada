"""What loops look for, in Postgres."""

from __future__ import annotations

import datetime
import uuid

from headrace.ids import uuid7
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries import run_rows
from headrace_state.queries.flow_run_unit import Batch, Tools, store_batch
from headrace_state.queries.statements import SQL
from headrace_state.repository.flow_runs import Change, Step
from headrace_state.repository.upkeep import ExpiredLease, RunRef, WithoutSlot
from headrace_state.rules.facts import Actor, FlowRunFacts, NewState, Proposal
from headrace_state.rules.flow_run import judge
from headrace_state.rules.progress import complete, enter
from headrace_state.rules.states import LATE, SKIPPED, StateType
from headrace_state.rules.verdicts import Accept

_LATE = NewState(StateType.SCHEDULED, LATE)
_SKIPPED = NewState(
    StateType.CANCELLED,
    SKIPPED,
    message="It would have started later than its schedule allows.",
    details={"reason": "TOO_LATE"},
)


class PostgresUpkeep:
    """Implements `repository.upkeep.Upkeep`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._tools = Tools(database, outbox, wakeups)

    async def now(self) -> datetime.datetime:
        """Return the time by the database's clock."""
        async with self._database.connection() as connection:
            now: datetime.datetime = await connection.fetchval("select clock_timestamp()")
        return now

    async def list_expired_leases(self, since: datetime.datetime, limit: int) -> list[ExpiredLease]:
        """Return leases that expired, and whose holders had the time of a whole lease since `since`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_expired_leases, since, limit)
        return [ExpiredLease(row["lease_id"], row["workspace_id"], row["flow_run_id"]) for row in rows]

    async def drop_gone_waiters(self) -> int:
        """Take those out of line who did not come back; return how many."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.drop_gone_waiters))

    async def mark_late(self, after_seconds: float, limit: int, within_seconds: float | None = None) -> int:
        """Mark runs late that are due since `after_seconds`, cancel those that are too late to run."""

        async def work(connection: Connection) -> int:
            rows = await connection.fetch(SQL.lock_overdue, after_seconds, limit, within_seconds)
            batch = Batch()
            looked_at: list[uuid.UUID] = []
            for row in rows:
                facts = run_rows.facts_of(row)
                state = _SKIPPED if row["is_too_late"] else _LATE
                verdict = judge(Proposal(state, actor=Actor.SERVER), facts)
                if isinstance(verdict, Accept):
                    batch.add(row, _change(facts, verdict.state))
                else:
                    looked_at.append(row["flow_run_id"])
            if batch.runs:
                await store_batch(connection, batch, self._tools)
            if looked_at:
                await connection.execute(SQL.keep_late, looked_at)
            return len(rows)

        return await self._database.run(work)

    async def list_without_slots(self, limit: int) -> list[WithoutSlot]:
        """Return due runs that found no slot and whose deployments say that somebody has to give way."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_without_slots, limit)
        return [
            WithoutSlot(RunRef(row["workspace_id"], row["flow_run_id"]), row["concurrency_strategy"]) for row in rows
        ]

    async def find_oldest_running(self, ref: RunRef) -> uuid.UUID | None:
        """Return the oldest run of the same deployment that is executed; None if none is, or one stops already."""
        async with self._database.connection() as connection:
            found: uuid.UUID | None = await connection.fetchval(
                SQL.find_oldest_running, ref.workspace_id, ref.flow_run_id
            )
        return found

    async def list_expired_pauses(self, limit: int) -> list[RunRef]:
        """Return runs whose pause timed out."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_expired_pauses, limit)
        return [RunRef(row["workspace_id"], row["flow_run_id"]) for row in rows]

    async def list_stuck_cancellations(self, after_seconds: float, limit: int) -> list[RunRef]:
        """Return runs that were asked to stop `after_seconds` ago and have not stopped."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_stuck_cancellations, after_seconds, limit)
        return [RunRef(row["workspace_id"], row["flow_run_id"]) for row in rows]


def _change(facts: FlowRunFacts, state: NewState) -> Change:
    after = enter(facts.progress, state, facts.now)
    step = Step(uuid7(), complete(facts.progress, state, after), after)
    return Change(facts, (step,), facts.attempt_token)
