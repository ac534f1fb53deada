"""Follows another service's outbox and stores what it tells as events."""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from headrace import errors
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_notification.repository import EventStore, Followed
from headrace_notification.rules.events import Event

logger = logging.getLogger(__name__)

CURSOR_AHEAD = "CURSOR_AHEAD"


class SourceBatch(Protocol):
    """What a source told."""

    @property
    def events(self) -> Sequence[Event]:
        """In the order in which they happened."""
        ...

    @property
    def cursor(self) -> str:
        """How far the source is followed with them."""
        ...

    @property
    def until(self) -> datetime.datetime:
        """Everything that happened there until then has come."""
        ...


class Source(Protocol):
    """Another service that tells what happens."""

    name: str

    def follow(self, cursor: str) -> AsyncIterator[SourceBatch]:
        """Yield what is told behind `cursor`."""
        ...


class FollowLoop(Loop):
    """Follows one source, in one process at a time.

    A tick lasts as long as the connection does. Events and cursor are stored together, so that after any break
    nothing is missing and nothing twice.

    Args:
        source: Whom to follow.
        store: Where the events go.
        lease: What must be held.
        look: Is shown all events before they are stored, some of them more than once.
    """

    name = "follow"
    interval_seconds = 0.5

    def __init__(
        self,
        source: Source,
        store: EventStore,
        lease: ServiceLease,
        look: Callable[[Sequence[Event]], Awaitable[None]],
    ) -> None:
        super().__init__(lease=lease)
        self._look = look
        self.name = f"follow-{source.name}"  # type: ignore[misc] # one loop a source
        self._source = source
        self._store = store
        self._stop: asyncio.Event | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set."""
        self._stop = stop
        await super().run(stop)

    async def tick(self) -> int | None:
        """Follow until the connection breaks, the lease is lost or the process stops."""
        cursor = await self._store.load_cursor(self._source.name)
        following = asyncio.create_task(self._follow(cursor), name=self.name)
        stopping = asyncio.create_task(self._until_stop())
        try:
            await asyncio.wait((following, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (following, stopping):
                task.cancel()
            results = await asyncio.gather(following, stopping, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]
        return 0

    async def _until_stop(self) -> None:
        if self._stop is not None:
            await self._stop.wait()
        else:
            await asyncio.get_running_loop().create_future()

    async def _follow(self, cursor: str) -> None:
        try:
            async for batch in self._source.follow(cursor):
                await self._store_batch(batch)
        except errors.FailedPrecondition as error:
            if error.reason != CURSOR_AHEAD:
                raise
            # Ids tell what is known already, so that beginning anew doubles nothing that is still kept.
            logger.error("the outbox of %s is another one than before: following it anew", self._source.name)
            await self._store.add((), Followed(self._source.name, "", None))

    async def _store_batch(self, batch: SourceBatch) -> None:
        await self._look(batch.events)
        followed = Followed(self._source.name, batch.cursor, batch.until)
        try:
            await self._store.add(batch.events, followed)
        except errors.InvalidArgument:
            # One that cannot be stored must not keep all that follow from being told.
            for event in batch.events:
                try:
                    await self._store.add([event])
                except errors.InvalidArgument:
                    logger.exception("the event %s (%s) is left out", event.event_id, event.name)
            await self._store.add((), followed)
