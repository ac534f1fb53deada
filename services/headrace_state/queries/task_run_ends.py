"""What the server itself does to task runs: end them with their flow run, open them for a retry."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Connection
from headrace_state.queries.statements import SQL
from headrace_state.rules.facts import NewState
from headrace_state.rules.rows import Row
from headrace_state.wire import changes

_ENTRY_LIMIT = 500
"""Task runs in one entry of the outbox."""


async def end_task_runs(connection: Connection, workspace_id: uuid.UUID, ended: Sequence[tuple[Row, NewState]]) -> None:
    """Move the task runs of flow runs of a workspace that are not final into a state each."""
    if not ended:
        return
    rows = await connection.fetch(
        SQL.end_task_runs,
        workspace_id,
        [flow_run["flow_run_id"] for flow_run, _ in ended],
        [state.type.value for _, state in ended],
        [state.name for _, state in ended],
        [state.message for _, state in ended],
        [dict(state.details) or None for _, state in ended],
    )
    if rows:
        by_run: dict[uuid.UUID, list[Row]] = {}
        for row in rows:
            by_run.setdefault(row["flow_run_id"], []).append(row)
        for flow_run, _ in ended:
            await _tell(connection, flow_run, by_run.get(flow_run["flow_run_id"], ()))


async def reopen_task_runs(connection: Connection, flow_run: Row, task_run_ids: Sequence[uuid.UUID] | None) -> int:
    """Make finished task runs of `flow_run` be executed again: all, or those named and what depends on them."""
    rows = await connection.fetch(
        SQL.reopen_task_runs,
        flow_run["workspace_id"],
        flow_run["flow_run_id"],
        list(task_run_ids) if task_run_ids is not None else None,
    )
    await _tell(connection, flow_run, rows)
    return len(rows)


async def _tell(connection: Connection, flow_run: Row, rows: Sequence[Row]) -> None:
    payloads = [
        changes.task_run_states(flow_run["flow_run_id"], rows[start : start + _ENTRY_LIMIT])
        for start in range(0, len(rows), _ENTRY_LIMIT)
    ]
    if payloads:
        await connection.execute(
            SQL.append_outbox,
            [flow_run["workspace_id"]] * len(payloads),
            [changes.TASK_RUN_STATES] * len(payloads),
            payloads,
        )
