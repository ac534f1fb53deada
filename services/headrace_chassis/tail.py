"""One reader of a service's own outbox for all who follow it in this process.

A follower first reads what is there up to `Follower.start`, then what news tell: so history and live join
without a gap and without a double. The reader runs only while somebody follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import random
import uuid
from collections.abc import AsyncIterator

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.notify import Pace, Wakeup, Wakeups
from headrace_chassis.outbox import POLL_SECONDS, Entry, OutboxReader, outbox_channel
from headrace_chassis.scope import start_shared

logger = logging.getLogger(__name__)

PENDING_LIMIT = 256
"""Entries kept for a follower that is busy; beyond that it is told only that there is something."""

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 5.0
_INTERVAL_SECONDS = 0.025


@dataclasses.dataclass(frozen=True, slots=True)
class News:
    """What was appended since a follower last looked."""

    entries: tuple[Entry, ...] | None
    """The entries of its workspace; None if they were too many to keep."""
    position: int
    """Everything up to here is committed and told."""


class Follower:
    """One who follows the outbox, for one workspace."""

    def __init__(self, workspace_id: uuid.UUID) -> None:
        self.workspace_id = workspace_id
        self.start = 0
        """Everything up to here is committed; news begin behind it."""
        self._position = 0
        self._entries: list[Entry] | None = []
        self._wakeup = Wakeup()

    def begin(self, start: int) -> None:
        """Begin behind `start`: what was told before is history."""
        self.start = start
        self._position = max(self._position, start)
        if self._entries is not None:
            self._entries = [entry for entry in self._entries if entry.position > start]

    async def wait(self, timeout_seconds: float) -> News | None:
        """Return what is new for the workspace, waiting up to `timeout_seconds`; None if nothing is."""
        if self._entries is None or self._entries or await self._wakeup.wait(timeout_seconds):
            news = News(tuple(self._entries) if self._entries is not None else None, self._position)
            self._entries = []
            return news
        return None

    @property
    def position(self) -> int:
        """Everything up to here is committed, and told by the news so far or in the next ones."""
        return self._position

    def advance(self, entries: list[Entry], position: int) -> None:
        """Take in what the reader found."""
        self._position = max(self._position, position)
        mine = [entry for entry in entries if entry.workspace_id == self.workspace_id and entry.position > self.start]
        if not mine:
            return
        if self._entries is not None:
            self._entries.extend(mine)
            if len(self._entries) > PENDING_LIMIT:
                self._entries = None
        self._wakeup.set()


class Tail:
    """Reads the outbox of a schema while there are followers.

    Args:
        database: The service's pool; its schema holds the outbox.
        wakeups: Where appends are notified.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._reader = OutboxReader(database)
        self._channel = outbox_channel(database.schema)
        self._wakeups = wakeups
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.known_position = 0
        """A position up to which everything is known to be committed; it may be behind."""

    async def settle(self) -> int:
        """Return a position up to which everything is committed, with all that was committed before the call.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        settled = await self._reader.settled_position()
        self.known_position = max(self.known_position, settled)
        return settled

    @contextlib.asynccontextmanager
    async def follow(self, workspace_id: uuid.UUID) -> AsyncIterator[Follower]:
        """Lend a follower of one workspace.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        follower = Follower(workspace_id)
        try:
            async with self._starting:
                # It listens before the start is known, so that nothing is told unheard in between.
                self._followers.add(follower)
                follower.begin(await self.settle())
                if self._task is None:
                    self._task = start_shared(self._read(follower.start), name=f"tail {self._channel}")
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers:
                await self.close()

    async def close(self) -> None:
        """Stop reading."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _read(self, cursor: int) -> None:
        delay = _RETRY_FIRST_SECONDS
        pace = Pace(interval_seconds=_INTERVAL_SECONDS)
        async with self._wakeups.subscribe(self._channel) as wakeup:
            while True:
                try:
                    batch = await self._reader.read(cursor)
                    delay = _RETRY_FIRST_SECONDS
                except errors.HeadraceError as error:
                    logger.warning("followers of %s have to wait: %s", self._channel, error)
                    await asyncio.sleep(delay * random.uniform(0.5, 1.5))
                    delay = min(delay * 2, _RETRY_MOST_SECONDS)
                    continue
                except Exception:
                    logger.exception("reading %s failed; trying again", self._channel)
                    await asyncio.sleep(delay * random.uniform(0.5, 1.5))
                    delay = min(delay * 2, _RETRY_MOST_SECONDS)
                    continue
                cursor = batch.cursor
                self.known_position = max(self.known_position, cursor)
                for follower in tuple(self._followers):
                    follower.advance(batch.entries, cursor)
                if batch.is_all and await wakeup.wait(POLL_SECONDS):
                    await pace.wait()
