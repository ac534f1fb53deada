"""What triggers remember, what is queued for their firings, and how far events are evaluated."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from headrace_chassis.codecs import load_json
from headrace_chassis.database import Connection, Database
from headrace_chassis.leases import ServiceLease
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import OutboxReader
from headrace_notification.queries import SQL
from headrace_notification.queries.events import Events
from headrace_notification.queries.rows import (
    array_literals,
    came_true_column,
    event_from_row,
    key_columns,
    remembered_from_row,
)
from headrace_notification.queries.tail import FOLLOWED, blocks_of
from headrace_notification.repository import Stored
from headrace_notification.rules.automations import Automation, action_document
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.rules.events import Event
from headrace_notification.rules.firings import BucketKey, Memory, Remembered, timer_of
from headrace_notification.rules.positions import first_position, last_position
from headrace_notification.rules.triggers import EVALUATION

LEADS_BY = datetime.timedelta(days=1)
"""An event that another follows is looked for so far before it."""

DELIVERIES_CHANNEL = "notification_deliveries"
MOST_ENTRIES = 50
"""Outbox entries that one step takes."""


class Work:
    """One step of the evaluation, in a transaction."""

    def __init__(self, database: Database, connection: Connection, wakeups: Wakeups, events: Events) -> None:
        self._database = database
        self._connection = connection
        self._wakeups = wakeups
        self._events = events

    async def hold(self, automation_ids: Collection[uuid.UUID], *, wait: bool = True) -> set[uuid.UUID]:
        """Keep other steps from automations until this one ends; return those that this step has."""
        if not automation_ids:
            return set()
        if wait:
            await self._connection.fetch(SQL.hold_automations, sorted(automation_ids))
            return set(automation_ids)
        rows = await self._connection.fetch(SQL.try_automations, sorted(automation_ids))
        return {row["automation_id"] for row in rows if row["is_held"]}

    async def missing(self, events: Sequence[Event], leaders: Collection[uuid.UUID]) -> set[uuid.UUID]:
        """Return those of `leaders` that nobody has looked at before `events`."""
        since = min(event.occurred_at for event in events) - LEADS_BY
        last = max(event.position for event in events)
        rows = await self._connection.fetch(SQL.looked_at_events, list(leaders), since, last)
        return set(leaders) - {row["event_id"] for row in rows}

    async def hold_events(self, events: Sequence[Event], seconds: float) -> None:
        """Have events wait for those that they follow, for so long at most."""
        await self._connection.execute(
            SQL.hold_events,
            [event.event_id for event in events],
            [event.workspace_id for event in events],
            [event.follows_event_id for event in events],
            [event.occurred_at for event in events],
            seconds,
        )

    async def release_events(self, leaders: Collection[uuid.UUID]) -> list[Event]:
        """Return events that waited for `leaders`, or long enough; they wait no more."""
        return list(map(event_from_row, await self._connection.fetch(SQL.release_events, list(leaders))))

    async def lock(self, keys: Sequence[BucketKey]) -> dict[BucketKey, Remembered]:
        """Return what automations remember for keys, locked."""
        rows = await self._connection.fetch(SQL.lock_buckets, *key_columns(keys))
        return dict(map(remembered_from_row, rows))

    async def lock_due(self, limit: int) -> tuple[dict[BucketKey, Remembered], datetime.datetime | None]:
        """Return what is remembered whose time is over, locked, and the time now."""
        rows = await self._connection.fetch(SQL.lock_due_buckets, limit)
        return dict(map(remembered_from_row, rows)), rows[0]["now"] if rows else None

    async def save(self, remembered: Memory, automations: Mapping[uuid.UUID, Automation]) -> None:
        """Store what is remembered from now on; None forgets."""
        forgotten = [key for key, kept in remembered.items() if kept is None]
        if forgotten:
            await self._connection.execute(SQL.delete_buckets, *key_columns(forgotten))
        kept = [(key, kept) for key, kept in remembered.items() if kept is not None]
        if kept:
            await save_buckets(self._connection, kept, automations)

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Queue deliveries."""
        if not deliveries:
            return
        await self._connection.execute(
            SQL.insert_deliveries,
            [delivery.delivery_id for delivery in deliveries],
            [delivery.workspace_id for delivery in deliveries],
            [delivery.automation_id for delivery in deliveries],
            [delivery.automation_name for delivery in deliveries],
            [delivery.event_id for delivery in deliveries],
            [delivery.action_kind for delivery in deliveries],
            [action_document(delivery.action) for delivery in deliveries],
            [dict(delivery.context) for delivery in deliveries],
            [delivery.status.value for delivery in deliveries],
            [delivery.last_answer for delivery in deliveries],
        )
        self._database.after_commit(self._connection, self._tell)

    def _tell(self) -> None:
        self._wakeups.notify(DELIVERIES_CHANNEL)

    async def tell(self, events: Sequence[Event]) -> None:
        """Store what automations did as events, to be evaluated by a later step."""
        if events:
            await self._events.insert(self._connection, events)

    async def mark_fired(self, fired_at: Mapping[uuid.UUID, datetime.datetime]) -> None:
        """Store when automations last fired."""
        if fired_at:
            # In one order in all processes, so that two steps do not wait for each other in a circle.
            ordered = sorted(fired_at)
            await self._connection.execute(SQL.mark_fired, ordered, [fired_at[automation] for automation in ordered])

    async def advance(self, cursor: int, followed_until: Mapping[str, datetime.datetime]) -> None:
        """Store how far the evaluation has come."""
        await self._connection.execute(SQL.save_cursor, EVALUATION, str(cursor))
        if followed_until:
            await self._connection.execute(
                SQL.save_evaluated_until, list(followed_until), list(followed_until.values())
            )


async def save_buckets(
    connection: Connection,
    kept: Sequence[tuple[BucketKey, Remembered]],
    automations: Mapping[uuid.UUID, Automation],
) -> None:
    """Store what automations remember."""
    owners = [automations[automation_id] for (automation_id, _), _ in kept]
    automation_ids, keys = key_columns([key for key, _ in kept])
    buckets = [remembered.bucket for _, remembered in kept]
    # Only the end of a watch for what does not come is waited for; the others end when the next event comes.
    timers = [timer_of(owner, key, remembered.bucket) for (key, remembered), owner in zip(kept, owners, strict=True)]
    await connection.execute(
        SQL.save_buckets,
        automation_ids,
        keys,
        [owner.workspace_id for owner in owners],
        [bucket.starts_at for bucket in buckets],
        [bucket.ends_at for bucket in buckets],
        [bucket.count for bucket in buckets],
        [bucket.fired_at for bucket in buckets],
        [dict(remembered.last_event) if remembered.last_event is not None else None for _, remembered in kept],
        [due_at for due_at, _ in timers],
        array_literals(sources for _, sources in timers),
        [came_true_column(remembered.came_true) for _, remembered in kept],
    )


class Evaluation:
    """Keeps what triggers remember, and how far events are evaluated.

    Args:
        database: The service's pool.
        wakeups: Who is told of new deliveries.
        lease: What must be held to evaluate.
        events: Keeps what automations did.
    """

    def __init__(self, database: Database, wakeups: Wakeups, lease: ServiceLease, events: Events) -> None:
        self._events = events
        self._database = database
        self._wakeups = wakeups
        self._lease = lease
        self._reader = OutboxReader(database)

    @contextlib.asynccontextmanager
    async def step(self) -> AsyncIterator[Work]:
        """Begin a step; it holds once the block is left without an error.

        Raises:
            errors.LeaseLost: Another process evaluates by now.
        """
        async with self._database.transaction() as connection:
            await self._lease.guard(connection)
            yield Work(self._database, connection, self._wakeups, self._events)

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator[Work]:
        """Begin a step of the timers, which every process may take."""
        async with self._database.transaction() as connection:
            yield Work(self._database, connection, self._wakeups, self._events)

    async def load_cursor(self) -> int:
        """Return how far events are evaluated."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(SQL.load_cursor, EVALUATION) or 0)

    async def read(self, cursor: int) -> Stored:
        """Return what was stored behind `cursor`."""
        async with self._database.connection() as connection:
            read_at = await connection.fetchval("select clock_timestamp()")
        batch = await self._reader.read(cursor, limit=MOST_ENTRIES)
        blocks = blocks_of(batch.entries)
        events = []
        if blocks:
            async with self._database.connection() as connection:
                rows = await connection.fetch(
                    SQL.events_of_blocks,
                    [block.workspace_id for block in blocks],
                    [first_position(block.position) for block in blocks],
                    [last_position(block.position) for block in blocks],
                    [block.oldest_at for block in blocks],
                    [block.newest_at for block in blocks],
                )
            events = list(map(event_from_row, rows))
        marks = [load_json(entry.payload) for entry in batch.entries if entry.kind == FOLLOWED]
        followed_until = {mark["source"]: datetime.datetime.fromisoformat(mark["until"]) for mark in marks}
        return Stored(events, followed_until, batch.cursor, read_at)

    async def has_overdue(self) -> bool:
        """Return whether events have waited long enough for those that they follow."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(SQL.has_overdue_events))

    async def tell_evaluated(self, until: datetime.datetime) -> None:
        """Store that everything stored before `until` is evaluated."""
        async with self._database.connection() as connection:
            await connection.execute(SQL.tell_evaluated, until)
