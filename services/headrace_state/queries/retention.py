"""What goes when it is old, in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.database import Database
from headrace_state.queries.flow_run_unit import history_since
from headrace_state.queries.statements import SQL
from headrace_state.repository.retention import EndedRun, Place
from headrace_state.rules.retention import FOR_EVER, RetentionRule
from headrace_state.rules.rows import Row

TASK_RUNS_AT_ONCE = 5_000
"""Task runs that are deleted in one transaction."""


class PostgresRetention:
    """Implements `repository.retention.Retention`.

    Args:
        database: The service's pool.
        keeps_history: Whether the history of runs is kept for ever, so that it has to be deleted with them; else it
            goes by days.
    """

    def __init__(self, database: Database, *, keeps_history: bool) -> None:
        self._database = database
        self._keeps_history = keeps_history

    async def list_rules(self, workspace_id: uuid.UUID) -> list[RetentionRule]:
        """Return the rules of a workspace, the most general first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_retention_rules, workspace_id)
        return [_rule(row) for row in rows]

    async def set_rule(self, workspace_id: uuid.UUID, rule: RetentionRule) -> RetentionRule:
        """Set a rule in place of the one for the same kind and subject; return it."""
        async with self._database.connection() as connection:
            [row] = await connection.fetch(
                SQL.set_retention_rule,
                workspace_id,
                rule.kind,
                rule.scope,
                rule.subject,
                None if rule.keep_days == FOR_EVER else rule.keep_days,
            )
        return _rule(row)

    async def delete_rule(self, workspace_id: uuid.UUID, kind: str, scope: str, subject: str) -> bool:
        """Delete a rule; return whether there was one."""
        async with self._database.connection() as connection:
            gone = await connection.fetchval(SQL.delete_retention_rule, workspace_id, kind, scope, subject)
        return gone is not None

    async def list_sizes(self) -> list[Row]:
        """Return how much room each table takes, the largest first."""
        async with self._database.connection() as connection:
            return list(await connection.fetch(SQL.list_table_sizes))

    async def database_bytes(self) -> int:
        """Return how much room the database takes."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval("select pg_database_size(current_database())"))

    async def list_workspaces(self) -> list[uuid.UUID]:
        """Return the workspaces that may have something to delete."""
        async with self._database.connection() as connection:
            return [row["workspace_id"] for row in await connection.fetch(SQL.list_workspaces)]

    async def list_ended(
        self, workspace_id: uuid.UUID, older_than_days: float, after: Place | None, limit: int
    ) -> list[EndedRun]:
        """Return runs that ended so many days ago, without a tree or at its top, behind a place, oldest first."""
        ended_at, flow_run_id = after if after is not None else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_ended_trees, workspace_id, older_than_days, ended_at, flow_run_id, limit
            )
        return [EndedRun(row["flow_run_id"], row["ended_at"], row["deployment_id"], row["tags"]) for row in rows]

    async def delete_trees(self, workspace_id: uuid.UUID, flow_run_ids: Sequence[uuid.UUID]) -> int:
        """Delete runs with all that belongs to them, in small transactions that wait for nobody."""
        async with self._database.connection() as connection:
            members = await connection.fetch(SQL.list_ended_members, workspace_id, list(flow_run_ids))
            run_ids = [row["flow_run_id"] for row in members]
            if not run_ids:
                return 0
            since = min(history_since(run_id) for run_id in run_ids)
            while True:
                # Each statement is a transaction of its own: what is deleted is final, so nobody waits for it.
                gone = await connection.fetch(SQL.delete_old_task_runs, run_ids, TASK_RUNS_AT_ONCE)
                if self._keeps_history and gone:
                    ids = [row["task_run_id"] for row in gone]
                    await connection.execute(SQL.delete_old_transitions, ids, since)
                if len(gone) < TASK_RUNS_AT_ONCE:
                    break
            deleted = [row["flow_run_id"] for row in await connection.fetch(SQL.delete_old_flow_runs, run_ids)]
            if self._keeps_history and deleted:
                await connection.execute(SQL.delete_old_transitions, deleted, since)
        return len(deleted)

    async def delete_background_task_runs(self, workspace_id: uuid.UUID, older_than_days: float, limit: int) -> int:
        """Delete background task runs that ended so many days ago; return how many."""
        async with self._database.connection() as connection:
            gone = await connection.fetch(SQL.delete_old_background_task_runs, workspace_id, older_than_days, limit)
            if self._keeps_history and gone:
                ids = [row["task_run_id"] for row in gone]
                await connection.execute(
                    SQL.delete_old_transitions, ids, min(history_since(task_run_id) for task_run_id in ids)
                )
        return len(gone)

    async def delete_artifacts(self, workspace_id: uuid.UUID, older_than_days: float, limit: int) -> int:
        """Delete artifacts that are old, are not the latest of a key, and whose runs are gone; return how many."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.delete_old_artifacts, workspace_id, older_than_days, limit))


def _rule(row: Row) -> RetentionRule:
    days = row["keep_days"]
    return RetentionRule(
        row["kind"], row["scope"], row["subject"], FOR_EVER if days is None else days, row["updated_at"]
    )
