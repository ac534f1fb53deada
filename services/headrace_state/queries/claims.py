"""Claims of due runs: one transaction from the queue to PENDING."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace.ids import uuid7
from headrace_chassis import metrics
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries import line, run_rows
from headrace_state.queries.floors import BEGINNING, Floors
from headrace_state.queries.flow_run_unit import Batch, Tools, history_since, store_batch
from headrace_state.queries.statements import SQL
from headrace_state.repository.claims import Claimed, ClaimedRun
from headrace_state.repository.flow_runs import Change, NewAttempt, Step
from headrace_state.rules.claims import ClaimingWorker, Place, Wanted, assign
from headrace_state.rules.facts import NewState
from headrace_state.rules.limits import Candidate, grant
from headrace_state.rules.progress import LeaseStep, complete, enter
from headrace_state.rules.rows import Row
from headrace_state.rules.states import USUAL_NAMES, StateType

_CLAIMED = NewState(StateType.PENDING, USUAL_NAMES[StateType.PENDING])

_ROUNDS = 3
"""How often a claim looks behind runs that turned out to be held back under the locks of their limits."""


class PostgresClaims:
    """Implements `repository.claims.Claims`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups, floors: Floors | None = None) -> None:
        self._database = database
        self._tools = Tools(database, outbox, wakeups, floors or Floors())

    async def claim(
        self, workspace_id: uuid.UUID, place: Place, workers: Sequence[ClaimingWorker], lease_seconds: float
    ) -> Claimed:
        """Claim due runs; see `repository.claims.Claims.claim`."""

        async def work(connection: Connection) -> Claimed:
            floors = await self._look(connection, workspace_id, place)
            claim = _Claim(connection, workspace_id, place, workers, lease_seconds, floors)
            runs = await claim.take(self._tools)
            wanted = sum(worker.count for worker in workers)
            outlook = await claim.look_ahead() if len(runs) < wanted else None
            return Claimed(
                tuple(runs),
                outlook["next_due_at"] if outlook is not None else None,
                bool(outlook is not None and outlook["is_blocked"]) or claim.was_blocked,
            )

        return await self._database.run(work)

    async def _look(self, connection: Connection, workspace_id: uuid.UUID, place: Place) -> Sequence[datetime.datetime]:
        """Return the floors of the queues or deployments of a place, and look anew where that was long ago."""
        floors = self._tools.floors
        keys = [queue for queue, _ in place.queues] if place.work_pool_id is not None else place.deployment_ids
        unknown, version = floors.unknown(keys), floors.version
        if unknown:
            if place.work_pool_id is None:
                rows = await connection.fetch(SQL.oldest_due_of_deployments, workspace_id, unknown)
            else:
                rows = await connection.fetch(SQL.oldest_due_of_queues, workspace_id, unknown, place.work_pool_id)
            oldest = {row["key"]: row["due_at"] for row in rows if row["due_at"] is not None}
            floors.note(version, unknown, oldest, rows[0]["now"])
        return floors.of(keys)

    async def find(self, workspace_id: uuid.UUID, wanted: Wanted) -> list[Row]:
        """Return runs that could be claimed; see `repository.claims.Claims.find`."""
        async with self._database.connection() as connection:
            full = [row["name"] for row in await connection.fetch(SQL.list_full_limits, workspace_id)]
            found = await connection.fetch(
                SQL.find_claimable_runs,
                workspace_id,
                wanted.work_pool_id,
                list(wanted.work_queue_ids),
                list(wanted.deployment_ids),
                wanted.due_from,
                wanted.due_before,
                full,
                dict(wanted.worker_labels),
                wanted.count,
            )
            ids = [row["flow_run_id"] for row in found]
            rows = {row["flow_run_id"]: row for row in await connection.fetch(SQL.load_flow_runs, workspace_id, ids)}
        return [rows[flow_run_id] for flow_run_id in ids if flow_run_id in rows]

    async def next_due_at(
        self, workspace_id: uuid.UUID, work_pool_ids: Sequence[uuid.UUID], deployment_ids: Sequence[uuid.UUID]
    ) -> datetime.datetime | None:
        """Return when the next run is due, None if nothing waits."""
        async with self._database.connection() as connection:
            found: datetime.datetime | None = await connection.fetchval(
                SQL.next_due, workspace_id, list(work_pool_ids), list(deployment_ids)
            )
        return found

    async def drop_scheduled(
        self, workspace_id: uuid.UUID, deployment_id: uuid.UUID, schedule_id: str | None, *, with_past: bool
    ) -> int:
        """Delete runs that schedules made and that did not start; return how many."""
        # Runs are made shortly before they are due, and their only transition is that.
        since = history_since(uuid7()) - datetime.timedelta(days=400)
        async with self._database.connection() as connection:
            return int(
                await connection.fetchval(
                    SQL.drop_scheduled_runs, workspace_id, deployment_id, schedule_id, with_past, since
                )
            )

    async def move(
        self, workspace_id: uuid.UUID, from_queue_id: uuid.UUID, to_queue_id: uuid.UUID, to_queue_name: str
    ) -> int:
        """Move the runs that wait in a queue into another one of its pool; return how many."""

        async def work(connection: Connection) -> int:
            moved: int = await connection.fetchval(
                SQL.move_runs, workspace_id, from_queue_id, to_queue_id, to_queue_name
            )
            if moved:
                self._database.after_commit(connection, lambda: self._tools.floors.forget([to_queue_id]))
                self._database.after_commit(connection, self._tools.due)
            return moved

        return await self._database.run(work)

    async def list_waiting(self, workspace_id: uuid.UUID, deployment_id: uuid.UUID) -> list[uuid.UUID]:
        """Return the runs of a deployment that did not start."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_waiting_runs, workspace_id, deployment_id)
        return [row["flow_run_id"] for row in rows]


@dataclasses.dataclass(slots=True)
class _Claim:
    connection: Connection
    workspace_id: uuid.UUID
    place: Place
    workers: Sequence[ClaimingWorker]
    lease_seconds: float
    floors: Sequence[datetime.datetime]
    full: set[str] = dataclasses.field(default_factory=set)
    was_blocked: bool = False

    async def take(self, tools: Tools) -> list[ClaimedRun]:
        """Claim runs for the workers; what limits hold back hides nothing that could run."""
        rows = await self.connection.fetch(SQL.list_full_limits, self.workspace_id)
        self.full = {row["name"] for row in rows}
        left = list(self.workers)
        claimed: list[ClaimedRun] = []
        for _ in range(_ROUNDS):
            count = sum(worker.count for worker in left)
            if count <= 0:
                break
            candidates = await self._lock_due(count, left, {run.row["flow_run_id"] for run in claimed})
            chosen, limits = await self._within_limits(candidates)
            taken = assign(((row["flow_run_id"], row["worker_labels"]) for row in chosen), left)
            runs = [row for row in chosen if row["flow_run_id"] in taken]
            claimed += await self._store(runs, taken, limits, tools)
            left = _less(left, list(taken.values()))
            if len(runs) == len(candidates):
                break
        return claimed

    async def _lock_due(self, count: int, workers: Sequence[ClaimingWorker], had: set[uuid.UUID]) -> list[Row]:
        common = (self.workspace_id, list(self.full), [dict(worker.labels) for worker in workers], count)
        place = self.place
        rows: Sequence[Row]
        if place.work_pool_id is None:
            rows = await self.connection.fetch(
                SQL.claim_from_deployments, *common, list(place.deployment_ids), self._floor()
            )
        elif place.queues:
            rows = await self.connection.fetch(
                SQL.claim_from_queues,
                *common,
                place.work_pool_id,
                [queue for queue, _ in place.queues],
                [most for _, most in place.queues],
                list(self.floors),
            )
        else:
            rows = await self.connection.fetch(SQL.claim_from_pool, *common, place.work_pool_id)
        return [row for row in rows if row["flow_run_id"] not in had]

    async def _within_limits(self, rows: Sequence[Row]) -> tuple[list[Row], frozenset[str]]:
        names = {name for row in rows for name in row["limits"]}
        limits, now = await line.lock_limits(self.connection, self.workspace_id, names)
        if not limits or now is None:
            return list(rows), frozenset()
        grants = grant((Candidate(row["flow_run_id"], tuple(row["limits"])) for row in rows), limits, now)
        granted = {candidate.key for candidate in grants.granted}
        if grants.full:
            self.was_blocked = True
            self.full |= grants.full
        rates = frozenset(limit.name for limit in limits if limit.is_rate)
        if rates:
            await self._pour(rates, [row for row in rows if row["flow_run_id"] in granted])
        slots = frozenset(limit.name for limit in limits if not limit.is_rate)
        return [row for row in rows if row["flow_run_id"] in granted], slots

    async def _pour(self, rates: frozenset[str], rows: Sequence[Row]) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            for name in rates.intersection(row["limits"]):
                counts[name] = counts.get(name, 0) + 1
        await self.connection.execute(
            SQL.pour_limits, self.workspace_id, list(counts), [float(count) for count in counts.values()]
        )

    async def _store(
        self,
        rows: Sequence[Row],
        taken: Mapping[uuid.UUID, ClaimingWorker],
        limits: frozenset[str],
        tools: Tools,
    ) -> list[ClaimedRun]:
        if not rows:
            return []
        batch = Batch()
        attempts = []
        for row in rows:
            worker = taken[row["flow_run_id"]]
            change = _change(row, worker, self.lease_seconds)
            held = batch.add(row, change, sorted(limits.intersection(row["limits"])))
            if held is not None:
                attempts.append((held, worker.worker_id))
        await store_batch(self.connection, batch, tools)
        delays = [
            (
                (row["now"] - (row["next_scheduled_start_at"] or row["created_at"])).total_seconds(),
                row["work_pool_name"],
            )
            for row in rows
        ]
        tools.database.after_commit(self.connection, lambda: _count_delays(delays))
        if self.place.start_timeout_seconds is not None:
            await self.connection.execute(
                SQL.add_start_deadlines,
                self.workspace_id,
                [held.token for held, _ in attempts],
                [run["flow_run_id"] for run in batch.runs],
                self.place.start_timeout_seconds,
            )
        payloads = await self._payloads([row["flow_run_id"] for row in rows])
        return [
            ClaimedRun(run | payloads[run["flow_run_id"]], held, worker_id)
            for run, (held, worker_id) in zip(batch.runs, attempts, strict=True)
        ]

    async def _payloads(self, flow_run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
        found: dict[uuid.UUID, dict[str, Any]] = {
            flow_run_id: {"parameters": {}, "job_variables": {}, "context": {}} for flow_run_id in flow_run_ids
        }
        for row in await self.connection.fetch(SQL.load_payloads, list(flow_run_ids)):
            found[row["flow_run_id"]] = dict(row)
        return found

    async def look_ahead(self) -> Row:
        """Return when the next run is due here, and whether limits hold back runs that are."""
        place = self.place
        if place.work_pool_id is None:
            arguments: tuple[Any, ...] = (self.workspace_id, list(place.deployment_ids), list(self.full), self._floor())
            [row] = await self.connection.fetch(SQL.look_at_deployments, *arguments)
        else:
            queues = [queue for queue, _ in place.queues]
            arguments = (self.workspace_id, place.work_pool_id, list(self.full), queues, self._floor())
            [row] = await self.connection.fetch(SQL.look_at_pool, *arguments)
        return row

    def _floor(self) -> datetime.datetime:
        return min(self.floors, default=BEGINNING)


def _count_delays(delays: Sequence[tuple[float, str]]) -> None:
    for seconds, pool in delays:
        metrics.flow_run_start_delays.record(max(0.0, seconds), {"work_pool": pool})


def _change(row: Row, worker: ClaimingWorker, lease_seconds: float) -> Change:
    now = max(row["now"], row["state_at"])
    before = run_rows.progress_of(row)
    after = enter(before, _CLAIMED, now)
    attempt = NewAttempt(uuid.uuid4(), uuid7(), lease_seconds, worker.worker_id, worker.name)
    return Change(
        facts=run_rows.facts_of(row),
        steps=(Step(uuid7(), complete(before, _CLAIMED, after), after),),
        attempt_token=attempt.token,
        lease=LeaseStep.TAKE,
        attempt=attempt,
    )


def _less(workers: Sequence[ClaimingWorker], taken: Sequence[ClaimingWorker]) -> list[ClaimingWorker]:
    left: list[ClaimingWorker] = []
    for worker in workers:
        used = sum(1 for each in taken if each is worker)
        if worker.count > used:
            left.append(dataclasses.replace(worker, count=worker.count - used))
    return left
