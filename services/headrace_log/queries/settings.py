"""Limits, usage and rules of retention in their tables, and records deleted by them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence

from headrace import errors
from headrace_chassis.database import Database
from headrace_log import repository
from headrace_log.queries import SQL
from headrace_log.queries.planning import by_index
from headrace_log.rules.quotas import Limits
from headrace_log.rules.retention import Band, RetentionRule

MOST_RULES = 200


class SettingsStore(repository.SettingsStore):
    """Keeps the settings of logs.

    Args:
        database: The service's pool.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_usage(self, day: datetime.date, written: Mapping[uuid.UUID, tuple[int, int]]) -> None:
        """Add records and bytes to what workspaces have written on a day."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL.add_usage,
                day,
                list(written),
                [records for records, _ in written.values()],
                [size for _, size in written.values()],
            )

    async def load_usage(self, day: datetime.date) -> dict[uuid.UUID, tuple[int, int]]:
        """Return the records and bytes of a day by workspace."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("select workspace_id, records, bytes from usage where day = $1", day)
        return {row["workspace_id"]: (row["records"], row["bytes"]) for row in rows}

    async def load_limits(self) -> dict[uuid.UUID, Limits]:
        """Return the limits of the workspaces that have some."""
        async with self._database.connection() as connection:
            rows = await connection.fetch("select workspace_id, lines_per_second, bytes_per_day from quota")
        return {row["workspace_id"]: Limits(row["lines_per_second"], row["bytes_per_day"]) for row in rows}

    async def set_limits(self, workspace_id: uuid.UUID, limits: Limits) -> None:
        """Set the limits of a workspace."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL.set_quota, workspace_id, limits.lines_per_second, limits.bytes_per_day)

    async def load_rules(self) -> dict[uuid.UUID, list[RetentionRule]]:
        """Return the rules of all workspaces."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "select workspace_id, deployment_id, level_at_most, days, swept_until from retention_rule"
            )
        rules: dict[uuid.UUID, list[RetentionRule]] = {}
        for row in rows:
            rule = RetentionRule(row["deployment_id"], row["level_at_most"], row["days"], row["swept_until"])
            rules.setdefault(row["workspace_id"], []).append(rule)
        return rules

    async def set_rule(self, workspace_id: uuid.UUID, rule: RetentionRule) -> None:
        """Set a rule of retention.

        Raises:
            errors.ResourceExhausted: The workspace has as many as it may have.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL.set_retention_rule, workspace_id, rule.deployment_id, rule.level_at_most, rule.days
            )
            count = await connection.fetchval(
                "select count(*) from retention_rule where workspace_id = $1", workspace_id
            )
            if count > MOST_RULES:
                raise errors.ResourceExhausted(f"a workspace has at most {MOST_RULES} rules", reason="TOO_MANY_RULES")
            await connection.execute(SQL.forget_sweeps, workspace_id)

    async def delete_rule(self, workspace_id: uuid.UUID, deployment_id: str, level_at_most: int) -> bool:
        """Delete a rule; return whether it was there."""
        async with self._database.transaction() as connection:
            status = await connection.execute(
                "delete from retention_rule where workspace_id = $1 and deployment_id = $2 and level_at_most = $3",
                workspace_id,
                deployment_id,
                level_at_most,
            )
            await connection.execute(SQL.forget_sweeps, workspace_id)
        return status != "DELETE 0"

    async def oldest(self, workspace_id: uuid.UUID, since: datetime.datetime | None) -> datetime.datetime | None:
        """Return when the oldest record of a workspace was written, of all or from a moment on; None without any."""
        async with by_index(self._database) as connection:
            found: datetime.datetime | None = await connection.fetchval(SQL.oldest_record, workspace_id, since)
        return found

    async def list_runs(
        self, workspace_id: uuid.UUID, since: datetime.datetime, until: datetime.datetime
    ) -> list[uuid.UUID]:
        """Return the flow runs that wrote in a span of time."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.runs_between, workspace_id, since, until)
        return [row["flow_run_id"] for row in rows]

    async def delete_records(
        self,
        workspace_id: uuid.UUID,
        since: datetime.datetime,
        until: datetime.datetime,
        band: Band,
        *,
        of_runs: Sequence[uuid.UUID] | None = None,
        not_of_runs: Sequence[uuid.UUID] = (),
    ) -> int:
        """Delete records of a span of time and a band of levels; return how many."""
        runs = None if of_runs is None else list(of_runs)
        async with self._database.transaction() as connection:
            status = await connection.execute(
                SQL.delete_records, workspace_id, since, until, band.above, band.up_to, runs, list(not_of_runs)
            )
        return int(status.rpartition(" ")[2])

    async def save_swept(self, workspace_id: uuid.UUID, rule: RetentionRule, until: datetime.datetime) -> None:
        """Keep up to which moment was deleted by a rule, if it is still as it was."""
        async with self._database.transaction() as connection:
            await connection.execute(
                SQL.save_swept,
                workspace_id,
                rule.deployment_id,
                rule.level_at_most,
                rule.days,
                until,
                rule.swept_until,
            )
