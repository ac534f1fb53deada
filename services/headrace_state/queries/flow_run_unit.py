"""One transaction on flow runs: lock, then store what the rules decided."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from headrace_chassis import metrics
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries import line, run_inputs, run_rows, task_run_ends
from headrace_state.queries.floors import Floors
from headrace_state.queries.statements import SQL
from headrace_state.repository.flow_runs import Change, Held, Step
from headrace_state.rules.facts import Answer, FlowRunFacts, LimitFacts, NewState, Proposal
from headrace_state.rules.flow_run import awaited_key
from headrace_state.rules.progress import LeaseStep, waits_in_queue
from headrace_state.rules.rows import Row
from headrace_state.rules.states import StateType
from headrace_state.wire import changes

DUE_CHANNEL = "due"
"""Notified when runs became due or slots became free."""

_ONE_DAY = datetime.timedelta(days=1)
_BEGINNING = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def slots_channel(lease_id: uuid.UUID) -> str:
    """Return the channel that is notified when a waiter got its slots."""
    return f"slots:{lease_id}"


def history_since(run_id: uuid.UUID) -> datetime.datetime:
    """Return a time before the first transition of a run, so that older partitions are left alone."""
    if run_id.version != 7:
        return _BEGINNING
    made = _BEGINNING + datetime.timedelta(milliseconds=min(run_id.int >> 80, 2**45))
    # The id may come from a client whose clock is wrong by some hours ...
    now = datetime.datetime.now(datetime.UTC)
    if made > now + _ONE_DAY:
        # ... or have been made when the bits of version 7 were not settled yet.
        return _BEGINNING
    return min(made, now) - _ONE_DAY


@dataclasses.dataclass(frozen=True, slots=True)
class Tools:
    """What a unit of work needs beside its connection."""

    database: Database
    outbox: Outbox
    wakeups: Wakeups
    floors: Floors = dataclasses.field(default_factory=Floors)

    def queued(self, rows: Iterable[Row]) -> None:
        """Tell dispatchers of runs that came into the queue."""
        for row in rows:
            self.floors.queued((row["work_queue_id"], row["deployment_id"]), row["due_at"])
        self.due()

    def due(self) -> None:
        """Tell dispatchers to look for due runs."""
        self.wakeups.notify(DUE_CHANNEL)


class PostgresFlowRunUnit:
    """Implements `repository.flow_runs.FlowRunUnit` on a connection in a transaction."""

    def __init__(self, connection: Connection, workspace_id: uuid.UUID, tools: Tools) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._tools = tools
        self._rows: dict[uuid.UUID, Row] = {}
        self._locked: dict[uuid.UUID, Row] = {}
        self._gathered: Batch | None = None
        self._cut_short: list[tuple[Row, NewState]] = []

    async def lock(self, flow_run_id: uuid.UUID, proposal: Proposal) -> FlowRunFacts | None:
        """Lock a run and return all that the rules may know; None if there is no such run."""
        row = self._locked.get(flow_run_id)
        if row is None:
            row = await self._connection.fetchrow(SQL.lock_facts, self._workspace_id, [flow_run_id])
        if row is None:
            return None
        self._rows[flow_run_id] = row
        answer = await self._find_answer(row, proposal.proposal_id) if proposal.proposal_id is not None else None
        facts = run_rows.facts_of(row, answer)
        if proposal.state.type is StateType.PAUSED and (key := awaited_key(proposal.state.details)) is not None:
            is_there = await self.load_run_input(flow_run_id, key) is not None
            facts = dataclasses.replace(facts, has_awaited_input=is_there)
        return facts

    async def _find_answer(self, row: Row, proposal_id: uuid.UUID) -> Answer | None:
        answers = row["answers"]
        found = next((each for each in answers if each["proposal"] == str(proposal_id)), None)
        if found is None and len(answers) < run_rows.ANSWERS_KEPT:
            return None
        if found is not None and found["version"] == row["state_version"]:
            return Answer(run_rows.state_of(row), found.get("code", ""), found.get("reason", ""))
        # Under the lock of the run's row, so that history is as new as the row.
        transition = await self._connection.fetchrow(
            SQL.find_answer,
            row["flow_run_id"],
            history_since(row["flow_run_id"]),
            proposal_id,
            found["version"] if found is not None else 0,
        )
        return run_rows.answer_of(transition) if transition is not None else None

    def row(self, flow_run_id: uuid.UUID) -> Row:
        """Return a locked run as it is stored now."""
        return self._rows[flow_run_id]

    async def lock_limits(self, facts: FlowRunFacts) -> FlowRunFacts:
        """Lock the limits of a locked run and return the facts with them."""
        row = self._rows[facts.flow_run_id]
        if not row["limits"]:
            return facts
        limits, _ = await line.lock_limits(self._connection, row["workspace_id"], row["limits"])
        found = tuple(LimitFacts(limit.name, limit.slots, limit.taken) for limit in limits if not limit.is_rate)
        return dataclasses.replace(facts, limits=found)

    async def store(self, change: Change) -> Held | None:
        """Store what becomes of a locked run, tell others, hand freed slots on."""
        batch = Batch() if self._gathered is None else self._gathered
        self._locked.pop(change.facts.flow_run_id, None)
        held = batch.add(self._rows[change.facts.flow_run_id], change)
        self._rows[change.facts.flow_run_id] = batch.runs[-1]
        if self._gathered is None:
            await store_batch(self._connection, batch, self._tools)
        return held

    @contextlib.asynccontextmanager
    async def together(self, flow_run_ids: Sequence[uuid.UUID]) -> AsyncIterator[None]:
        """Lock runs at once, and store at once, at the end of the block, what becomes of them in it."""
        rows = await self._connection.fetch(SQL.lock_facts, self._workspace_id, list(flow_run_ids))
        self._locked = {row["flow_run_id"]: row for row in rows}
        self._gathered = batch = Batch()
        yield
        self._gathered, self._locked = None, {}
        if batch.runs:
            await store_batch(self._connection, batch, self._tools)
        cut_short, self._cut_short = self._cut_short, []
        await task_run_ends.end_task_runs(self._connection, self._workspace_id, cut_short)

    async def lock_expired_lease(self, lease_id: uuid.UUID) -> bool:
        """Lock a lease and return whether it has expired; its holder can then no longer renew it."""
        return bool(await self._connection.fetchval(SQL.lock_expired_lease, lease_id))

    async def extend_lease(self, lease_id: uuid.UUID, until: datetime.datetime) -> None:
        """Let a lease hold until its holder, who gives no sign of life before, has had its time after `until`."""
        await self._connection.execute(SQL.extend_lease, lease_id, until)

    async def end_task_runs(self, flow_run_id: uuid.UUID, state: NewState) -> None:
        """Move the task runs of a run that are not final into `state`."""
        ended = (self._rows[flow_run_id], state)
        if self._gathered is not None:
            self._cut_short.append(ended)
        else:
            await task_run_ends.end_task_runs(self._connection, self._workspace_id, [ended])

    async def reopen_task_runs(self, flow_run_id: uuid.UUID, task_run_ids: Sequence[uuid.UUID] | None) -> int:
        """Make finished task runs be executed again: all, or those named and what depends on them."""
        return await task_run_ends.reopen_task_runs(self._connection, self._rows[flow_run_id], task_run_ids)

    async def load_run_input(self, flow_run_id: uuid.UUID, key: str) -> Row | None:
        """Return an input of a run, None if there is none."""
        return await run_inputs.load_run_input(self._connection, self._workspace_id, flow_run_id, key)

    async def add_run_input(self, flow_run_id: uuid.UUID, key: str, value: Any, sender: str) -> tuple[Row, bool]:
        """Add an input to a locked run, or find the one with its key; return it, and whether it was added."""
        added = await run_inputs.add_run_input(self._connection, self._workspace_id, flow_run_id, key, value, sender)
        self._ring(flow_run_id)
        return added

    async def put_run_input(self, flow_run_id: uuid.UUID, key: str, value: Any, sender: str) -> Row:
        """Store an input of a locked run, in place of an older one with its key; return it."""
        stored = await run_inputs.put_run_input(self._connection, self._workspace_id, flow_run_id, key, value, sender)
        self._ring(flow_run_id)
        return stored

    async def forget_waits(self, flow_run_id: uuid.UUID) -> None:
        """Delete what a locked run keeps of its sleeps, forms and awaited events, so that it waits anew."""
        await self._connection.execute(SQL.forget_waits, self._workspace_id, flow_run_id)

    def _ring(self, flow_run_id: uuid.UUID) -> None:
        wakeups, channel = self._tools.wakeups, run_inputs.inputs_channel(flow_run_id)
        self._tools.database.after_commit(self._connection, lambda: wakeups.notify(channel))


class Batch:
    """The rows that changes of flow runs make, for one statement."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.unqueued: list[uuid.UUID] = []
        self.queued: list[dict[str, Any]] = []
        self.released: list[uuid.UUID] = []
        self.leases: list[dict[str, Any]] = []
        self.slots: list[tuple[uuid.UUID, str, uuid.UUID]] = []
        self.told: list[tuple[uuid.UUID, str, bytes]] = []

    def add(self, row: Row, change: Change, active_limits: Sequence[str] | None = None) -> Held | None:
        """Add what a change makes of the run in `row`; return who holds the run then.

        Args:
            row: The run as it is stored.
            change: What becomes of it.
            active_limits: The limits of which an attempt that begins takes slots; None: those in the facts.
        """
        run = dict(row)
        for step in change.steps:
            previous = dict(run)
            _enter(run, step)
            if step is change.steps[-1]:
                self._hold(run, row, change, active_limits)
            self.history.append(
                run_rows.history_row(run, proposal_id=step.proposal_id, code=step.code, reason=step.reason)
            )
            payload = changes.flow_run_state(run, previous)
            self.told.append((run["workspace_id"], changes.FLOW_RUN_STATE, payload))
            if run["state_type"] == StateType.CANCELLING.value:
                self.told.append((run["workspace_id"], changes.FLOW_RUN_CANCELLING, payload))
        self.runs.append(run)
        if waits_in_queue(change.steps[-1].progress):
            self.queued.append(run_rows.due_row(run))
        elif waits_in_queue(change.facts.progress):
            self.unqueued.append(run["flow_run_id"])
        if run["lease_id"] is None or change.attempt_token is None:
            return None
        return self._held(run, row, change)

    def _hold(self, run: dict[str, Any], row: Row, change: Change, active_limits: Sequence[str] | None) -> None:
        run["attempt_token"] = change.attempt_token
        if change.infrastructure_id:
            run["infrastructure_id"] = change.infrastructure_id
        if change.lease is not LeaseStep.NONE and row["lease_id"] is not None:
            self.released.append(row["lease_id"])
            run["lease_id"] = None
        attempt = change.attempt
        if change.lease is LeaseStep.TAKE and attempt is not None:
            run["lease_id"] = attempt.lease_id
            run["worker_id"] = attempt.worker_id
            run["worker_name"] = attempt.worker_name
            self.leases.append(
                run_rows.lease_row(run, attempt.lease_id, attempt.token, run["state_at"], attempt.lease_seconds)
            )
            names = active_limits if active_limits is not None else [limit.name for limit in change.facts.limits]
            self.slots.extend((run["workspace_id"], name, attempt.lease_id) for name in names)

    def _held(self, run: Row, row: Row, change: Change) -> Held:
        if change.attempt is not None:
            lease = self.leases[-1]
            return Held(run["attempt"], change.attempt.token, lease["expires_at"], lease["duration_seconds"])
        return Held(run["attempt"], run["attempt_token"], row["lease_expires_at"], row["lease_seconds"])


def _enter(run: dict[str, Any], step: Step) -> None:
    run.update(
        state_id=step.state_id,
        state_type=step.state.type.value,
        state_name=step.state.name,
        state_message=step.state.message,
        state_at=step.progress.at,
        state_version=run["state_version"] + 1,
        state_details=dict(step.state.details),
        state_result=step.state.result,
        updated_at=step.progress.at,
        **run_rows.progress_columns(step.progress),
    )
    run["answers"] = run_rows.remember(run["answers"], step, run["state_version"])


async def _store(connection: Connection, batch: Batch) -> list[Row]:
    # Most changes touch neither queue nor slots: a statement that does not name them is planned and run faster.
    runs, history = run_rows.as_json(batch.runs), run_rows.as_json(batch.history)
    ids = [run["flow_run_id"] for run in batch.runs]
    told = (
        [entry[0] for entry in batch.told],
        [entry[1] for entry in batch.told],
        [entry[2] for entry in batch.told],
    )
    if not (batch.unqueued or batch.queued or batch.leases or batch.slots):
        if not batch.released:
            await connection.execute(SQL.store_states, runs, history, ids, *told)
            return []
        return list(await connection.fetch(SQL.store_ends, runs, history, ids, *told, batch.released))
    return list(
        await connection.fetch(
            SQL.store_transitions,
            runs,
            history,
            batch.unqueued,
            run_rows.as_json(batch.queued),
            batch.released,
            run_rows.as_json(batch.leases),
            [slot[0] for slot in batch.slots],
            [slot[1] for slot in batch.slots],
            [slot[2] for slot in batch.slots],
            *told,
            ids,
        )
    )


def count_states(rows: Iterable[Row]) -> None:
    """Count the states in `rows` among those that flow runs entered; for after the commit."""
    for state_type, number in collections.Counter(row["state_type"] for row in rows).items():
        metrics.flow_run_states.add(number, {"state": state_type})


async def store_batch(connection: Connection, batch: Batch, tools: Tools) -> None:
    """Store a batch in the transaction of `connection`, hand freed slots on, and wake whom it concerns afterwards."""
    freed = await _store(connection, batch)
    tools.database.after_commit(connection, tools.outbox.wake)
    tools.database.after_commit(connection, lambda: count_states(batch.history))
    if batch.queued:
        tools.database.after_commit(connection, lambda: tools.queued(batch.queued))
    elif freed:
        tools.database.after_commit(connection, tools.due)
    by_workspace: dict[uuid.UUID, list[str]] = {}
    for row in freed:
        by_workspace.setdefault(row["workspace_id"], []).append(row["limit_name"])
    for workspace_id in sorted(by_workspace):
        await hand_on(connection, workspace_id, by_workspace[workspace_id], tools)


async def hand_on(connection: Connection, workspace_id: uuid.UUID, names: Sequence[str], tools: Tools) -> None:
    """Hand freed slots to those who wait for them, who learn of it after the commit."""
    granted = await line.serve_line(connection, workspace_id, names)
    tell_granted(connection, granted, tools)


def tell_granted(connection: Connection, granted: Sequence[uuid.UUID], tools: Tools) -> None:
    """Wake those who got slots in the transaction, once it has committed."""
    if not granted:
        return

    def tell() -> None:
        for lease_id in granted:
            tools.wakeups.notify(slots_channel(lease_id))

    tools.database.after_commit(connection, tell)
