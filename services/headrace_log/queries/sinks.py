"""Sinks in their table; their headers are sealed."""

from __future__ import annotations

import uuid
from typing import Any

from headrace import errors
from headrace_chassis.codecs import dump_json, load_json
from headrace_chassis.database import Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.secrets import SecretBox
from headrace_log.queries import SQL
from headrace_log.repository import SinkStore
from headrace_log.rules.sinks import MOST_FAILURES, Sink

MOST_SINKS = 20
"""Of a workspace."""

_MOST_IN_ALL = 10_000
_LONGEST_ERROR = 500


class Sinks(SinkStore):
    """Keeps sinks.

    Args:
        database: The service's pool.
        secrets: Seals headers.
        lease: Held by the replica that sends.
    """

    def __init__(self, database: Database, secrets: SecretBox, lease: ServiceLease) -> None:
        self._database = database
        self._secrets = secrets
        self._lease = lease

    async def load_sinks(self) -> list[Sink]:
        """Return the sinks of all workspaces."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.load_sinks, None, "", _MOST_IN_ALL)
        return [self._sink(row) for row in rows]

    async def list_sinks(self, workspace_id: uuid.UUID, *, after: str, limit: int) -> list[Sink]:
        """Return sinks of a workspace by name, those behind the name `after`."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.load_sinks, workspace_id, after, limit)
        return [self._sink(row) for row in rows]

    async def set_sink(self, sink: Sink) -> Sink:
        """Add a sink, or change what users say of it; return it as it is kept.

        Raises:
            errors.FailedPrecondition: It has headers, and the server has no key to seal them with.
            errors.ResourceExhausted: The workspace has as many as it may have.
        """
        async with self._database.transaction() as connection:
            await connection.execute(
                "select pg_advisory_xact_lock(hashtextextended($1::text, 6))", str(sink.workspace_id)
            )
            old = await connection.fetchrow(
                "select headers from sink where workspace_id = $1 and name = $2", sink.workspace_id, sink.name
            )
            known = self._open(sink.workspace_id, sink.name, old["headers"]) if old is not None else {}
            headers = {name: value or known.get(name, "") for name, value in sink.headers.items()}
            sealed = ""
            if headers:
                sealed = self._secrets.seal(dump_json(headers).decode(), _context(sink.workspace_id, sink.name))
            await connection.execute(
                SQL.set_sink,
                sink.workspace_id,
                sink.name,
                sink.kind,
                sink.url,
                sorted(headers),
                sealed,
                sink.level_at_least,
                sink.is_paused,
                sink.token,
            )
            count = await connection.fetchval("select count(*) from sink where workspace_id = $1", sink.workspace_id)
            if count > MOST_SINKS:
                raise errors.ResourceExhausted(f"a workspace has at most {MOST_SINKS} sinks", reason="TOO_MANY_SINKS")
        [kept] = [
            each
            for each in await self.list_sinks(sink.workspace_id, after="", limit=MOST_SINKS)
            if each.name == sink.name
        ]
        return kept

    async def delete_sink(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Delete a sink; return whether it was there."""
        async with self._database.transaction() as connection:
            status = await connection.execute(
                "delete from sink where workspace_id = $1 and name = $2", workspace_id, name
            )
        return status != "DELETE 0"

    async def save_sent(self, sink: Sink, token: str, records: int) -> None:
        """Keep how far a sink is.

        Raises:
            errors.LeaseLost: Another replica sends by now.
        """
        async with self._database.transaction() as connection:
            await self._lease.guard(connection)
            await connection.execute(SQL.save_sent, sink.workspace_id, sink.name, token, records)

    async def save_failure(self, sink: Sink, error: str) -> bool:
        """Count a failure of a sink; return whether it is paused now, or gone."""
        async with self._database.transaction() as connection:
            is_paused = await connection.fetchval(
                SQL.save_failure, sink.workspace_id, sink.name, error[:_LONGEST_ERROR], MOST_FAILURES
            )
        return is_paused is not False

    def _sink(self, row: Any) -> Sink:
        return Sink(
            row["workspace_id"],
            row["name"],
            row["kind"],
            row["url"],
            self._open(row["workspace_id"], row["name"], row["headers"]),
            row["level_at_least"],
            row["is_paused"],
            row["token"],
            row["sent_records"],
            row["sent_at"],
            row["failures"],
            row["last_error"],
            row["revision"],
        )

    def _open(self, workspace_id: uuid.UUID, name: str, sealed: str) -> dict[str, str]:
        if not sealed:
            return {}
        opened: dict[str, str] = load_json(self._secrets.open(sealed, _context(workspace_id, name)).encode())
        return opened


def _context(workspace_id: uuid.UUID, name: str) -> str:
    return f"log-sink:{workspace_id}:{name}"
