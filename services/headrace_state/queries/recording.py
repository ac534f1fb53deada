"""Frames of transitions into Postgres: a few statements for many task runs, in one transaction."""

from __future__ import annotations

import collections
import datetime
from collections.abc import Sequence
from typing import Any

import asyncpg

from headrace import errors
from headrace_chassis import metrics
from headrace_chassis.codecs import parse_uuid
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Outbox
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.repository.background import CHANNEL
from headrace_state.rules.frames import Frame, TaskRunRows, collapse, merge
from headrace_state.rules.states import FINAL
from headrace_state.wire import background, changes

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, errors.InvalidArgument)
"""What Postgres or the driver says to values that can never be stored."""

_READY_LIMIT = 100
"""Background tasks that are let go with the end of others; the rest follows within a second."""


class PostgresRecording:
    """Implements `repository.task_runs.Recording`."""

    def __init__(self, database: Database, outbox: Outbox, wakeups: Wakeups) -> None:
        self._database = database
        self._outbox = outbox
        self._wakeups = wakeups

    async def write(self, frames: Sequence[Frame]) -> list[frozenset[int]]:
        """Store frames of one workspace in one transaction; return which attempts of each may not write."""

        async def work(connection: Connection) -> list[frozenset[int]]:
            return await self._write(connection, list(frames))

        try:
            return await self._database.run(work)
        except _REFUSED as error:
            raise errors.InvalidArgument(f"the database refuses the values: {error}", reason="MALFORMED") from error

    async def _write(self, connection: Connection, frames: list[Frame]) -> list[frozenset[int]]:
        attempts, background_ids = await _load_attempts(connection, frames)
        kept = [
            frozenset(
                place
                for place, (flow_run_id, token) in enumerate(zip(frame.flow_run_ids, frame.tokens, strict=True))
                if (flow_run_id.lower(), token.lower()) in attempts
            )
            for frame in frames
        ]
        merged = merge(frames, kept)
        if merged.task_run_ids:
            numbers = [
                attempts.get((flow_run_id.lower(), token.lower()), 0)
                for flow_run_id, token in zip(merged.flow_run_ids, merged.tokens, strict=True)
            ]
            await store_frame(connection, merged, numbers, background_ids)
            if background_ids:
                merged.told = [
                    background.without_flow_run(told) if told and flow_run_id.lower() in background_ids else told
                    for told, flow_run_id in zip(merged.told, merged.flow_run_ids, strict=True)
                ]
                await self._finish(connection, merged, background_ids)
            await self._tell(connection, merged)
        return [frozenset(range(len(frame.tokens))) - allowed for frame, allowed in zip(frames, kept, strict=True)]

    async def _finish(self, connection: Connection, merged: Frame, background_ids: frozenset[str]) -> None:
        """Forget background tasks that are over, and let go what waited for them."""
        over = [
            task_run_id
            for task_run_id, state_type in zip(merged.task_run_ids, merged.types, strict=True)
            if state_type in FINAL and task_run_id.lower() in background_ids
        ]
        if not over:
            return
        await connection.execute(SQL.finish_background_tasks, merged.workspace_id, over)
        if await connection.fetch(SQL.ready_background_tasks, _READY_LIMIT):
            self._database.after_commit(connection, self._wake)

    def _wake(self) -> None:
        self._wakeups.notify(CHANNEL)

    async def _tell(self, connection: Connection, merged: Frame) -> None:
        told = [payload for payload in merged.told if payload]
        await connection.execute(
            SQL.append_outbox, [merged.workspace_id] * len(told), [changes.TASK_RUN_STATES] * len(told), told
        )
        self._database.after_commit(connection, self._outbox.wake)
        self._database.after_commit(connection, lambda: _count_states(merged))


def _count_states(frame: Frame) -> None:
    for state_type, number in collections.Counter(frame.types).items():
        metrics.task_run_states.add(number, {"state": state_type})


async def _load_attempts(
    connection: Connection, frames: Sequence[Frame]
) -> tuple[dict[tuple[str, str], int], frozenset[str]]:
    """Return the numbers of the attempts that may write, and which of them are background tasks."""
    wanted = {flow_run_id for frame in frames for flow_run_id in frame.flow_run_ids}
    rows = await connection.fetch(SQL.fence_attempts, frames[0].workspace_id, list(wanted))
    attempts = {(str(row["flow_run_id"]), str(row["attempt_token"])): row["attempt"] for row in rows}
    if len(rows) == len(wanted):
        return attempts, frozenset()
    others = await connection.fetch(SQL.fence_background_tasks, frames[0].workspace_id, list(wanted))
    held = {(str(row["task_run_id"]), str(row["token"])): row["deliveries"] for row in others if row["token"]}
    attempts.update(held)
    known = {row["flow_run_id"] for row in rows} | {row["task_run_id"] for row in others}
    alone = {own for frame in frames for own in _alone(frame) if parse_uuid(own) not in known}
    attempts.update({(own, own): 0 for own in alone})
    return attempts, frozenset({task_run_id for task_run_id, _ in held} | alone)


def _alone(frame: Frame) -> set[str]:
    """Return task runs outside of any flow run, which are recorded by their own names: nobody else can have them."""
    own = {
        place: name.lower()
        for place, (name, token) in enumerate(zip(frame.flow_run_ids, frame.tokens, strict=True))
        if name.lower() == token.lower()
    }
    if not own:
        return set()
    strange = {
        own[attempt]
        for attempt, task_run_id in zip(frame.attempt_of, frame.task_run_ids, strict=True)
        if attempt in own and task_run_id.lower() != own[attempt]
    }
    return set(own.values()) - strange


async def store_frame(
    connection: Connection, frame: Frame, numbers: Sequence[int], without_flow_run: frozenset[str]
) -> None:
    """Store transitions, and what they make of their task runs.

    Args:
        connection: In a transaction.
        frame: The transitions, all of attempts that may write.
        numbers: Of the attempts.
        without_flow_run: Names in the frame's `flow_run_ids` that are not flow runs.
    """
    names = [None if name.lower() in without_flow_run else name for name in frame.flow_run_ids]
    flow_run_ids = [names[attempt] for attempt in frame.attempt_of]
    attempts = [numbers[attempt] for attempt in frame.attempt_of]
    stored = await connection.execute(
        SQL.record_history,
        frame.workspace_id,
        frame.task_run_ids,
        flow_run_ids,
        attempts,
        frame.state_ids,
        frame.types,
        frame.names,
        frame.messages,
        frame.occurred,
        frame.versions,
        frame.details,
        frame.results,
    )
    described, plain, is_exact = collapse(frame)
    is_exact = is_exact and _count(stored) == len(frame)
    for statement, rows in ((SQL.record_task_runs, described), (SQL.record_states, plain)):
        if rows.places:
            columns = [*_columns(frame, flow_run_ids, attempts, rows), *zip(*rows.specs, strict=True)]
            done = await connection.execute(statement, frame.workspace_id, *columns)
            is_exact = is_exact and _count(done) == len(rows.places)
    if not is_exact:
        await _repair(connection, frame, described)


def _columns(
    frame: Frame, flow_run_ids: Sequence[str | None], attempts: Sequence[int], rows: TaskRunRows
) -> list[Sequence[Any]]:
    places = rows.places
    return [
        [frame.task_run_ids[place] for place in places],
        [flow_run_ids[place] for place in places],
        [attempts[place] for place in places],
        [frame.state_ids[place] for place in places],
        [frame.types[place] for place in places],
        [frame.names[place] for place in places],
        [frame.messages[place] for place in places],
        [frame.occurred[place] for place in places],
        [frame.versions[place] for place in places],
        [frame.details[place] for place in places],
        [frame.results[place] for place in places],
        rows.run_counts,
        rows.first_at,
        rows.started_at,
        rows.ended_at,
        rows.run_seconds,
    ]


async def _repair(connection: Connection, frame: Frame, described: TaskRunRows) -> None:
    """Make task runs exact whose transitions came twice or not in their order."""
    if described.places:
        await connection.execute(
            SQL.describe_task_runs,
            frame.workspace_id,
            [frame.task_run_ids[place] for place in described.places],
            *zip(*described.specs, strict=True),
        )
    task_run_ids = sorted({parse_uuid(task_run_id) for task_run_id in frame.task_run_ids})
    since = min(
        min(history_since(task_run_id) for task_run_id in task_run_ids),
        datetime.datetime.fromtimestamp(min(frame.occurred), tz=datetime.UTC),
    )
    await connection.execute(SQL.recompute_task_runs, frame.workspace_id, task_run_ids, since)


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
