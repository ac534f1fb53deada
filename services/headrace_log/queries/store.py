"""Batches into the tables: one transaction a group, records by COPY."""

from __future__ import annotations

import itertools
import struct
import uuid
from collections.abc import AsyncIterator, Sequence

import asyncpg

from headrace import errors
from headrace_chassis import metrics
from headrace_chassis.codecs import dump_json
from headrace_chassis.database import Connection, Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import outbox_channel
from headrace_log.queries import SQL
from headrace_log.repository import Outcome
from headrace_log.rules import sequences
from headrace_log.rules.positions import first_position
from headrace_log.rules.records import PACKED_COLUMNS, Batch
from headrace_log.tables import record_intake

_COLUMNS = ("position", *PACKED_COLUMNS)
_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
# How a row begins: the number of its fields, and the position.
_pack_head = struct.Struct("!hiq").pack

MOST_RUNS_NAMED = 64
"""Flow runs that an outbox entry names; followers of any run look at an entry with more."""

_Process = tuple[uuid.UUID, str]

_OUTCOMES = {
    sequences.Verdict.REPEATED: Outcome.REPEATED,
    sequences.Verdict.TOO_OLD: Outcome.TOO_OLD,
}


class BatchStore:
    """Stores groups of batches.

    Args:
        database: The service's pool.
        wakeups: Who is told after each commit.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._database = database
        self._wakeups = wakeups
        self._channel = outbox_channel(database.schema)

    async def commit(self, batches: Sequence[Batch]) -> list[Outcome]:
        """Store all batches that are new in one transaction; return what became of each.

        Raises:
            errors.InvalidArgument: A record cannot be stored; nothing was.
            errors.Unavailable: Nothing was stored, or it is not known whether it was.
        """
        try:
            outcomes = await self._database.run(lambda connection: self._commit(connection, batches))
        except asyncpg.DataError as error:
            raise errors.InvalidArgument(f"a record cannot be stored: {error}", reason="RECORD_NOT_STORABLE") from error
        stored = [
            len(batch.rows) for batch, outcome in zip(batches, outcomes, strict=True) if outcome is Outcome.STORED
        ]
        metrics.log_records_stored.add(sum(stored))
        return outcomes

    async def _commit(self, connection: Connection, batches: Sequence[Batch]) -> list[Outcome]:
        progress = await _take_writers(connection, batches)
        unknown = await _remember(connection, batches)
        advanced: dict[_Process, sequences.Progress] = {}
        outcomes: list[Outcome] = []
        for batch in batches:
            if batch.process_id:
                process = (batch.workspace_id, batch.process_id)
                so_far = advanced.get(process, progress[process])
                verdict = sequences.judge(so_far, batch.sequence)
                if verdict is sequences.Verdict.NEW:
                    advanced[process] = sequences.take(so_far, batch.sequence)
                outcomes.append(_OUTCOMES.get(verdict, Outcome.STORED))
            elif batch.digest is not None and (batch.workspace_id, batch.digest) not in unknown:
                outcomes.append(Outcome.REPEATED)
            else:
                # The same batch may stand twice in one group.
                unknown.discard((batch.workspace_id, batch.digest or b""))
                outcomes.append(Outcome.STORED)
        fresh: dict[uuid.UUID, list[Batch]] = {}
        for batch, outcome in zip(batches, outcomes, strict=True):
            if outcome is Outcome.STORED and batch.rows:
                fresh.setdefault(batch.workspace_id, []).append(batch)
        if fresh:
            await self._store(connection, fresh)
        if advanced:
            await connection.execute(
                SQL.advance_writers,
                [workspace_id for workspace_id, _ in advanced],
                [process_id for _, process_id in advanced],
                [so_far.last_sequence for so_far in advanced.values()],
                ["{" + ",".join(map(str, so_far.missing)) + "}" for so_far in advanced.values()],
            )
        return outcomes

    async def _store(self, connection: Connection, fresh: dict[uuid.UUID, list[Batch]]) -> None:
        # Blocks are drawn before the records are written: who looks at the outbox sees that something is to come.
        drawn = await connection.fetch(SQL.draw_blocks, list(fresh), list(map(_payload, fresh.values())))
        blocks: dict[uuid.UUID, int] = {row["workspace_id"]: row["position"] for row in drawn}
        # A group is of all workspaces: no policy would hold its records apart.
        await connection.copy_to_table(
            record_intake.name, source=_copied(blocks, fresh), columns=_COLUMNS, format="binary"
        )
        self._database.after_commit(connection, self._tell)

    def _tell(self) -> None:
        self._wakeups.notify(self._channel)


async def _copied(blocks: dict[uuid.UUID, int], fresh: dict[uuid.UUID, list[Batch]]) -> AsyncIterator[bytes]:
    """Yield what COPY reads in its binary form, a batch at a time."""
    yield _COPY_HEADER
    for workspace_id, batches in fresh.items():
        position = first_position(blocks[workspace_id])
        for batch in batches:
            places = range(position, position + len(batch.rows))
            heads = map(_pack_head, itertools.repeat(len(_COLUMNS)), itertools.repeat(8), places)
            yield b"".join(itertools.chain.from_iterable(zip(heads, batch.rows, strict=True)))
            position = places.stop
    yield _COPY_TRAILER


def _payload(batches: list[Batch]) -> bytes:
    runs: set[uuid.UUID] | None = set()
    for batch in batches:
        runs = runs | batch.flow_run_ids if runs is not None and batch.flow_run_ids is not None else None
    return dump_json(
        {
            "runs": [run.hex for run in runs] if runs is not None and len(runs) <= MOST_RUNS_NAMED else None,
            "oldest": min(batch.oldest_at for batch in batches),
            "newest": max(batch.newest_at for batch in batches),
        }
    )


async def _take_writers(connection: Connection, batches: Sequence[Batch]) -> dict[_Process, sequences.Progress]:
    processes = {(batch.workspace_id, batch.process_id): None for batch in batches if batch.process_id}
    if not processes:
        return {}
    rows = await connection.fetch(
        SQL.take_writers,
        [workspace_id for workspace_id, _ in processes],
        [process_id for _, process_id in processes],
    )
    return {
        (row["workspace_id"], row["process_id"]): sequences.Progress(row["last_sequence"], frozenset(row["missing"]))
        for row in rows
    }


async def _remember(connection: Connection, batches: Sequence[Batch]) -> set[tuple[uuid.UUID, bytes]]:
    digests = {(batch.workspace_id, batch.digest) for batch in batches if batch.digest is not None}
    if not digests:
        return set()
    rows = await connection.fetch(
        SQL.remember_batches,
        [workspace_id for workspace_id, _ in digests],
        [digest for _, digest in digests],
    )
    return {(row["workspace_id"], row["digest"]) for row in rows}
