"""What was stored, as the service's own outbox tells it: to followers, and to the evaluation."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator, Iterable

from headrace import errors
from headrace_chassis.codecs import load_json
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Entry, OutboxReader
from headrace_chassis.tail import Follower, Tail
from headrace_notification.queries.events import Events
from headrace_notification.rules.events import Event, EventFilter
from headrace_notification.rules.positions import first_position, last_position

STORED = "event.stored"
FOLLOWED = "source.followed"

CATCH_UP_ENTRIES = 100

_OLDEST = "select min(position) from outbox"


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Events that were stored together."""

    workspace_id: uuid.UUID
    position: int
    oldest_at: datetime.datetime
    newest_at: datetime.datetime


def blocks_of(entries: Iterable[Entry]) -> list[Block]:
    """Return the blocks of events that outbox entries tell of."""
    return [_block(entry) for entry in entries if entry.kind == STORED]


def _block(entry: Entry) -> Block:
    content = load_json(entry.payload)
    return Block(
        entry.workspace_id,
        entry.position,
        datetime.datetime.fromisoformat(content["oldest"]),
        datetime.datetime.fromisoformat(content["newest"]),
    )


class OutboxFollower:
    """One who is told what is stored in a workspace: from the outbox while behind, then as it happens."""

    def __init__(
        self, follower: Follower, reader: OutboxReader, events: Events, wanted: EventFilter, position: int | None
    ) -> None:
        self._follower = follower
        self._reader = reader
        self._events = events
        self._wanted = wanted
        self.position = follower.start if position is None else position

    async def next(self, timeout_seconds: float) -> list[Event] | None:
        """Return events that were stored and match, waiting up to `timeout_seconds`; None if nothing was stored."""
        if self.position < self._follower.start:
            return await self._catch_up(self._follower.start)
        news = await self._follower.wait(timeout_seconds)
        if news is None:
            return None
        if news.entries is None:
            found: list[Event] = []
            while self.position < news.position:
                found += await self._catch_up(news.position)
            return found
        entries = [entry for entry in news.entries if entry.position > self.position]
        found = await self._events_of(entries)
        self.position = max(self.position, news.position)
        return found

    async def _catch_up(self, goal: int) -> list[Event]:
        batch = await self._reader.read(self.position, limit=CATCH_UP_ENTRIES)
        found = await self._events_of(
            entry for entry in batch.entries if entry.workspace_id == self._follower.workspace_id
        )
        self.position = batch.cursor if batch.cursor > self.position else goal
        return found

    async def _events_of(self, entries: Iterable[Entry]) -> list[Event]:
        found: list[Event] = []
        for block in blocks_of(entries):
            found += await self._events.list_in_positions(
                block.workspace_id,
                self._wanted,
                first_position(block.position),
                last_position(block.position),
                (block.oldest_at, block.newest_at),
            )
        return found


class OutboxTail:
    """Tells what is stored, as it happens.

    Args:
        database: The service's pool.
        wakeups: Where commits are notified.
        events: Finds events.
    """

    def __init__(self, database: Database, wakeups: Wakeups, events: Events) -> None:
        self._database = database
        self._tail = Tail(database, wakeups)
        self._reader = OutboxReader(database)
        self._events = events

    @contextlib.asynccontextmanager
    async def follow(
        self, workspace_id: uuid.UUID, wanted: EventFilter, position: int | None
    ) -> AsyncIterator[OutboxFollower]:
        """Lend a follower that begins behind `position`; None is from now on.

        Raises:
            errors.InvalidArgument: The position is of another database.
            errors.FailedPrecondition: What is behind the position is not kept any more.
        """
        async with self._tail.follow(workspace_id) as follower:
            if position is not None:
                await self._check(position, follower.start)
            yield OutboxFollower(follower, self._reader, self._events, wanted, position)

    async def _check(self, position: int, start: int) -> None:
        if position > start:
            raise errors.InvalidArgument.of_field("follow_token", "is ahead of what is stored: start without it")
        async with self._database.connection() as connection:
            oldest = await connection.fetchval(_OLDEST)
        if position < (start if oldest is None else oldest - 1):
            raise errors.FailedPrecondition(
                "what happened since is not kept for followers any more: list events instead",
                reason="FOLLOW_TOKEN_TOO_OLD",
            )

    async def close(self) -> None:
        """Stop reading."""
        await self._tail.close()
