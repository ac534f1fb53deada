"""Run inputs in Postgres."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

from headrace import errors
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeup, Wakeups
from headrace_state.queries.statements import SQL
from headrace_state.rules.rows import Row

MOST_INPUTS = 10_000
"""Inputs that a flow run can have at a time."""


def inputs_channel(flow_run_id: uuid.UUID) -> str:
    """Return the channel that is notified when an input came to a flow run."""
    return f"inputs:{flow_run_id}"


class PostgresRunInputs:
    """Implements `repository.run_inputs.RunInputs`."""

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups

    async def load(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str) -> Row | None:
        """Return an input, None if there is none."""
        async with self._database.connection() as connection:
            return await load_run_input(connection, workspace_id, flow_run_id, key)

    async def list_page(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, prefix: str, after: Sequence[Any] | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page, oldest first, and the key to go on behind it (None at the end)."""
        at, key = (after[0], after[1]) if after is not None else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_run_inputs, workspace_id, flow_run_id, prefix, at, key, limit + 1)
        if len(rows) <= limit:
            return list[Row](rows), None
        last = rows[limit - 1]
        return list[Row](rows[:limit]), (last["created_at"], last["key"])

    async def list_new(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, prefix: str, known: Sequence[str], limit: int
    ) -> list[Row]:
        """Return inputs whose keys are not among the known ones, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_new_run_inputs, workspace_id, flow_run_id, prefix, list(known), limit
            )
        return list[Row](rows)

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str) -> bool:
        """Delete an input; return whether there was one."""
        async with self._database.connection() as connection:
            return await connection.fetchval(SQL.delete_run_input, workspace_id, flow_run_id, key) is not None

    @contextlib.asynccontextmanager
    async def bell(self, flow_run_id: uuid.UUID) -> AsyncIterator[Wakeup]:
        """Lend what rings when an input came to a flow run."""
        async with self._wakeups.subscribe(inputs_channel(flow_run_id)) as wakeup:
            yield wakeup


async def load_run_input(
    connection: Connection, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str
) -> Row | None:
    """Return an input, None if there is none."""
    return await connection.fetchrow(SQL.load_run_input, workspace_id, flow_run_id, key)


async def add_run_input(
    connection: Connection, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str, value: Any, sender: str
) -> tuple[Row, bool]:
    """Add an input to a locked flow run, or find the one with the key; return it, and whether it was added.

    Raises:
        errors.ResourceExhausted: The flow run has too many inputs.
    """
    added = await connection.fetchrow(SQL.add_run_input, flow_run_id, key, workspace_id, value, sender, MOST_INPUTS)
    if added is not None:
        return added, True
    found = await load_run_input(connection, workspace_id, flow_run_id, key)
    if found is None:
        raise errors.ResourceExhausted(
            f"the flow run has {MOST_INPUTS} inputs, which is the most; let it delete some", reason="TOO_MANY_INPUTS"
        )
    return found, False


async def put_run_input(
    connection: Connection, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, key: str, value: Any, sender: str
) -> Row:
    """Store an input of a locked flow run, in place of an older one with its key; return it."""
    stored = await connection.fetchrow(SQL.put_run_input, flow_run_id, key, workspace_id, value, sender)
    if stored is None:
        raise errors.Internal("an input was stored and is not there")
    return stored
