"""What was committed, as the service's own outbox tells it."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator

from headrace_chassis.codecs import load_json
from headrace_chassis.database import Database
from headrace_chassis.notify import Wakeups
from headrace_chassis.outbox import Entry
from headrace_chassis.tail import Follower, Tail
from headrace_log.rules.positions import last_position
from headrace_log.rules.records import Appended


@dataclasses.dataclass(frozen=True, slots=True)
class AppendedNews:
    """What was committed since a follower last looked."""

    appended: tuple[Appended, ...] | None
    position: int


class RecordFollower:
    """One who is told what is committed in a workspace."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self.start = last_position(follower.start)

    async def wait(self, timeout_seconds: float) -> AppendedNews | None:
        """Return what was committed since the last call, waiting up to `timeout_seconds` for it; None if nothing."""
        news = await self._follower.wait(timeout_seconds)
        if news is None:
            return None
        appended = tuple(_appended(entry) for entry in news.entries) if news.entries is not None else None
        return AppendedNews(appended, last_position(news.position))


class OutboxTail:
    """Tells what is committed, as it happens.

    Args:
        database: The service's pool.
        wakeups: Where commits are notified.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._tail = Tail(database, wakeups)

    @property
    def known_position(self) -> int:
        """A position up to which all records are known to be committed; it may be behind."""
        return last_position(self._tail.known_position)

    async def settle(self) -> int:
        """Return a position up to which all records are committed, with all that were before the call."""
        return last_position(await self._tail.settle())

    @contextlib.asynccontextmanager
    async def follow(self, workspace_id: uuid.UUID) -> AsyncIterator[RecordFollower]:
        """Lend a follower of one workspace."""
        async with self._tail.follow(workspace_id) as follower:
            yield RecordFollower(follower)

    async def close(self) -> None:
        """Stop reading."""
        await self._tail.close()


def _appended(entry: Entry) -> Appended:
    content = load_json(entry.payload)
    runs = content["runs"]
    return Appended(
        flow_run_ids=frozenset(uuid.UUID(hex=run) for run in runs) if runs is not None else None,
        oldest_at=datetime.datetime.fromisoformat(content["oldest"]),
        newest_at=datetime.datetime.fromisoformat(content["newest"]),
    )
