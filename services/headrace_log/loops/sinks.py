"""Sends records on to sinks, each at its own pace, from where it is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid

from headrace import errors
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_log.repository import Outlet, SinkFailed, SinkStore
from headrace_log.rules.records import RecordFilter
from headrace_log.rules.sinks import Sink, backoff_seconds
from headrace_log.usecases.following import Chunk, Follow, Following
from headrace_log.wire.sinks import token_from_text, token_to_text

logger = logging.getLogger(__name__)

_Key = tuple[uuid.UUID, str]


class SinkLoop(Loop):
    """Keeps a task for each sink that is not paused; it follows the log and sends what comes, a batch at a time.

    Nothing is taken from the log while a batch waits to be taken, so a sink that is away costs no memory.

    Args:
        store: Keeps sinks and how far they are.
        follow: Makes streams of records.
        outlet: Sends them.
        lease: Held by the replica that sends.
    """

    name = "log-sinks"
    interval_seconds = 5.0

    def __init__(self, store: SinkStore, follow: Follow, outlet: Outlet, lease: ServiceLease) -> None:
        super().__init__(lease=lease)
        self._store = store
        self._follow = follow
        self._outlet = outlet
        self._held = lease
        self._tasks: dict[_Key, tuple[int, asyncio.Task[None]]] = {}

    async def close(self) -> None:
        """Stop sending."""
        for key in list(self._tasks):
            await self._stop(key)

    async def tick(self) -> int | None:
        """Start, stop and restart the tasks as the sinks are now."""
        wanted = {(sink.workspace_id, sink.name): sink for sink in await self._store.load_sinks() if not sink.is_paused}
        for key, (revision, task) in list(self._tasks.items()):
            if task.done() or key not in wanted or wanted[key].revision != revision:
                await self._stop(key)
        for key, sink in wanted.items():
            if key not in self._tasks:
                task = asyncio.create_task(self._send(sink), name=f"log sink {sink.name}")
                self._tasks[key] = (sink.revision, task)
        return None

    async def _stop(self, key: _Key) -> None:
        _revision, task = self._tasks.pop(key)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass
        except errors.HeadraceError as error:
            logger.info("the log sink %s goes on: %s", key[1], error)
        except Exception:
            logger.exception("the log sink %s failed", key[1])

    async def _send(self, sink: Sink) -> None:
        asked = Following(
            sink.workspace_id, RecordFilter(level_at_least=sink.level_at_least), token=token_from_text(sink.token)
        )
        stream = self._follow.stream(asked, lambda: self._held.epoch is None)
        async with contextlib.aclosing(stream):
            async for chunk in stream:
                if chunk.records and not await self._deliver(sink, chunk):
                    return
                await self._store.save_sent(sink, token_to_text(chunk.token), len(chunk.records))

    async def _deliver(self, sink: Sink, chunk: Chunk) -> bool:
        """Send records; return whether they were taken before the sink was given up."""
        failures = 0
        while True:
            try:
                await self._outlet.send(sink, chunk.records)
                return True
            except SinkFailed as error:
                failures += 1
                logger.info("the log sink %s failed (%d in a row): %s", sink.name, failures, error)
                if await self._store.save_failure(sink, str(error)):
                    logger.warning("the log sink %s is paused or gone, and what is left waits: %s", sink.name, error)
                    return False
                wait = max(backoff_seconds(failures), error.retry_after_seconds or 0.0)
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))
            if self._held.epoch is None:
                raise errors.LeaseLost("another replica sends by now", reason="SERVICE_LEASE_LOST")
