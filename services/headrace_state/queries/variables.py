"""Variables in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import asyncpg

from headrace import errors
from headrace.ids import uuid7
from headrace_chassis.database import Database
from headrace_state.queries.conditions import contains_pattern
from headrace_state.queries.statements import SQL
from headrace_state.rules.rows import Row
from headrace_state.rules.variables import VariableFilter


class PostgresVariables:
    """Implements `repository.variables.Variables`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(
        self, workspace_id: uuid.UUID, name: str, value: Any, tags: Sequence[str], *, overwrite: bool
    ) -> Row | None:
        """Set a variable; None if it exists and must not be overwritten."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(
                SQL.set_variable, uuid7(), workspace_id, name, value, list(tags), overwrite
            )

    async def replace(
        self, workspace_id: uuid.UUID, variable_id: uuid.UUID, name: str, value: Any, tags: Sequence[str]
    ) -> Row | None:
        """Set the variable with an id and give it a name; None if there is none."""
        async with self._database.connection() as connection:
            try:
                return await connection.fetchrow(
                    SQL.replace_variable, variable_id, workspace_id, name, value, list(tags)
                )
            except asyncpg.UniqueViolationError:
                raise errors.AlreadyExists(f"there is another variable {name}") from None

    async def load(self, workspace_id: uuid.UUID, name: str) -> Row | None:
        """Return a variable, None if there is none."""
        async with self._database.connection() as connection:
            return await connection.fetchrow(SQL.load_variable, workspace_id, name)

    async def list_page(
        self, workspace_id: uuid.UUID, chosen: VariableFilter, after: str | None, limit: int
    ) -> tuple[list[Row], tuple[Any, ...] | None]:
        """Return a page by name, and the key to go on behind it (None at the end)."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_variables,
                workspace_id,
                contains_pattern(chosen.name_contains) if chosen.name_contains else "",
                list(chosen.names),
                list(chosen.tags_all),
                list(chosen.tags_any),
                after,
                list(chosen.ids),
                limit + 1,
            )
        if len(rows) <= limit:
            return list[Row](rows), None
        return list[Row](rows[:limit]), (rows[limit - 1]["name"],)

    async def delete(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a variable; return whether there was one."""
        async with self._database.connection() as connection:
            return await connection.fetchval(SQL.delete_variable, workspace_id, name) is not None
