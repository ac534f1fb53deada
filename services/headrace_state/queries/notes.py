"""Notes on flow runs in Postgres."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_chassis.database import Database
from headrace_state.queries.statements import SQL
from headrace_state.rules.rows import Row


class PostgresRunNotes:
    """Implements `repository.notes.RunNotes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        workspace_id: uuid.UUID,
        flow_run_id: uuid.UUID,
        run_note_id: uuid.UUID,
        text: str,
        creator: tuple[str, str, str],
    ) -> Row:
        """Add a note to a run, or return the one with its id."""
        async with self._database.connection() as connection:
            made = await connection.fetchrow(
                SQL.insert_run_note, workspace_id, flow_run_id, run_note_id, text, *creator
            )
            if made is not None:
                return made
            found = await connection.fetchrow(SQL.load_run_note, workspace_id, flow_run_id, run_note_id)
            if found is not None:
                return found
            if await connection.fetchrow(SQL.load_graph_run, workspace_id, flow_run_id) is None:
                raise errors.NotFound(f"there is no flow run {flow_run_id}")
        raise errors.AlreadyExists(f"the id {run_note_id} is taken")

    async def list_page(
        self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, after: uuid.UUID | None, limit: int
    ) -> list[Row]:
        """Return the notes on a run behind one, oldest first."""
        async with self._database.connection() as connection:
            return list(await connection.fetch(SQL.list_run_notes, workspace_id, flow_run_id, after, limit))

    async def delete(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, run_note_id: uuid.UUID) -> bool:
        """Delete a note; return whether there was one."""
        async with self._database.connection() as connection:
            gone = await connection.fetchval(SQL.delete_run_note, workspace_id, flow_run_id, run_note_id)
        return gone is not None
