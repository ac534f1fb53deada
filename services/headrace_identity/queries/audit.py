"""The audit log in Postgres."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import asyncpg

from headrace_chassis.database import Connection, Database
from headrace_chassis.statements import Statements
from headrace_identity.repository.audit import AuditFilter
from headrace_identity.rules.audit import Entry, Head, Note, chained

SQL = Statements("headrace_identity.sql")


class PostgresAuditLog:
    """Implements `repository.AuditLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, workspace_id: uuid.UUID, notes: Sequence[Note]) -> int:
        """Add notes to the chain of a workspace."""

        async def add(connection: Connection) -> int:
            await connection.execute(SQL.lock_audit_chain, workspace_id)
            known = await connection.fetch(SQL.list_known_audit_entries, [note.audit_entry_id for note in notes])
            seen = {row["audit_entry_id"] for row in known}
            new = [note for note in notes if note.audit_entry_id not in seen]
            if not new:
                return 0
            row = await connection.fetchrow(SQL.load_audit_head, workspace_id)
            head = Head(row["sequence"], row["hash"]) if row is not None else Head()
            about = sorted({(note.object_kind, note.object_id) for note in new if note.object_id})
            left = await connection.fetch(
                SQL.list_audit_digests, workspace_id, [kind for kind, _ in about], [name for _, name in about]
            )
            digests = {(row["object_kind"], row["object_id"]): row["after_digest"] for row in left}
            entries = chained(new, head, digests)
            await connection.executemany(SQL.insert_audit_entry, [_values(entry) for entry in entries])
            return len(entries)

        return await self._database.run(add)

    async def list_page(
        self, workspace_id: uuid.UUID, wanted: AuditFilter, *, before_sequence: int | None, limit: int
    ) -> Sequence[Entry]:
        """Return entries of a workspace, the newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL.list_audit_entries,
                workspace_id,
                before_sequence,
                wanted.principal_id,
                wanted.action_contains,
                wanted.object_kind,
                wanted.object_id,
                wanted.outcome,
                wanted.since,
                wanted.until,
                limit,
            )
        return [_entry(row) for row in rows]

    async def list_after(self, workspace_id: uuid.UUID, sequence: int, limit: int) -> Sequence[Entry]:
        """Return the entries of a workspace behind one."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL.list_audit_entries_after, workspace_id, sequence, limit)
        return [_entry(row) for row in rows]


def _values(entry: Entry) -> tuple[object, ...]:
    note = entry.note
    return (
        note.workspace_id,
        entry.sequence,
        note.audit_entry_id,
        note.occurred_at,
        note.principal_id,
        note.principal_kind,
        note.principal_name,
        note.action,
        note.permission,
        note.object_kind,
        note.object_id,
        note.outcome,
        note.reason,
        note.address,
        note.user_agent,
        note.correlation_id,
        entry.before_digest,
        note.after_digest,
        entry.previous_hash,
        entry.hash,
    )


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        Note(
            audit_entry_id=row["audit_entry_id"],
            workspace_id=row["workspace_id"],
            occurred_at=row["occurred_at"],
            principal_id=row["principal_id"],
            principal_kind=row["principal_kind"],
            principal_name=row["principal_name"],
            action=row["action"],
            permission=row["permission"],
            object_kind=row["object_kind"],
            object_id=row["object_id"],
            outcome=row["outcome"],
            reason=row["reason"],
            address=row["address"],
            user_agent=row["user_agent"],
            correlation_id=row["correlation_id"],
            after_digest=row["after_digest"],
        ),
        row["sequence"],
        row["before_digest"],
        row["previous_hash"],
        row["hash"],
    )
