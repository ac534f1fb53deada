"""Batches of all writers into few commits.

While one group is being committed the next one gathers. Groups are committed one after the other, so the
batches of a writer are committed in the order in which they came. What waits is bounded: a writer that is
faster than the database is held up, not let grow.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import logging
from collections.abc import Callable

from headrace import errors
from headrace_log.repository import Outcome, RecordStore
from headrace_log.rules.positions import MOST_RECORDS_IN_BLOCK
from headrace_log.rules.records import Batch

logger = logging.getLogger(__name__)

MOST_PENDING_BYTES = 64 * 1024 * 1024
"""How much may wait beside the group that is being committed; further batches wait outside, in their streams."""

MOST_GROUP_RECORDS = 20_000
MOST_GROUP_BYTES = 16 * 1024 * 1024
GATHER_SECONDS = 0.005
"""How long a small group waits for company."""

_SMALL_GROUP_RECORDS = 2_000


@dataclasses.dataclass(slots=True)
class _Waiting:
    batch: Batch
    done: asyncio.Future[Outcome]


class Ingest:
    """Takes batches and commits them in groups. Use as an async context manager.

    Args:
        store: Where they are stored.
        most_pending_bytes: How much may wait at once.
        on_stored: Is told of each batch that was new and is committed.
    """

    def __init__(
        self,
        store: RecordStore,
        *,
        most_pending_bytes: int = MOST_PENDING_BYTES,
        on_stored: Callable[[Batch], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._on_stored = on_stored
        self._most_pending_bytes = most_pending_bytes
        self._waiting: collections.deque[_Waiting] = collections.deque()
        self._pending_bytes = 0
        self._pending_records = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Ingest:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def start(self) -> None:
        """Start to commit."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name="log ingest", context=contextvars.Context()
            )

    async def close(self) -> None:
        """Stop; what still waits is failed as Unavailable, and its writers send it elsewhere."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._fail(list(self._waiting), errors.Unavailable("the server is stopping", reason="SERVER_STOPPING"))
        self._waiting.clear()

    async def check(self) -> None:
        """Return if batches are being committed.

        Raises:
            errors.Unavailable: They are not.
        """
        if self._task is None or self._task.done():
            raise errors.Unavailable("log records are not being stored", reason="INGEST_STOPPED")

    async def submit(self, batch: Batch) -> asyncio.Future[Outcome]:
        """Hand a batch in, waiting while too much is under way.

        Returns:
            A future that is done once the batch is committed, with what became of it. It fails with
            `errors.InvalidArgument` if the batch can never be stored, and with `errors.Unavailable` if it
            may be sent again.
        """
        if self._pending_bytes + batch.size_bytes > self._most_pending_bytes and self._waiting:
            async with self._room:
                await self._room.wait_for(
                    lambda: not self._waiting or self._pending_bytes + batch.size_bytes <= self._most_pending_bytes
                )
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(batch, done))
        self._pending_bytes += batch.size_bytes
        self._pending_records += len(batch.rows)
        self._arrived.set()
        return done

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            if self._pending_records < _SMALL_GROUP_RECORDS:
                await asyncio.sleep(GATHER_SECONDS)
            group = self._take_group()
            async with self._room:
                self._room.notify_all()
            if group:
                await self._commit(group)

    def _take_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        records = size = 0
        while self._waiting:
            batch = self._waiting[0].batch
            records += len(batch.rows)
            size += batch.size_bytes
            if group and (records > MOST_GROUP_RECORDS or size > MOST_GROUP_BYTES):
                break
            group.append(self._waiting.popleft())
            self._pending_bytes -= batch.size_bytes
            self._pending_records -= len(batch.rows)
        if not self._waiting:
            self._arrived.clear()
        return group

    async def _commit(self, group: list[_Waiting]) -> None:
        try:
            outcomes = await self._store.commit([waiting.batch for waiting in group])
        except errors.InvalidArgument as error:
            if len(group) == 1:
                self._fail(group, error)
                return
            # One bad batch must not take the others with it.
            for waiting in group:
                await self._commit([waiting])
        except errors.HeadraceError as error:
            logger.warning("%d batches of log records were not committed: %s", len(group), error)
            self._fail(group, error)
        except asyncio.CancelledError:
            self._fail(group, errors.Unavailable("the server is stopping", reason="SERVER_STOPPING"))
            raise
        except Exception as error:
            logger.exception("%d batches of log records were not committed", len(group))
            self._fail(group, error)
        else:
            for waiting, outcome in zip(group, outcomes, strict=True):
                if outcome is Outcome.STORED:
                    self._on_stored(waiting.batch)
                if not waiting.done.done():
                    waiting.done.set_result(outcome)

    def _fail(self, group: list[_Waiting], error: Exception) -> None:
        for waiting in group:
            if not waiting.done.done():
                waiting.done.set_exception(error)
                # Whoever waited may be gone; the failure has been logged.
                waiting.done.exception()


assert MOST_GROUP_RECORDS <= MOST_RECORDS_IN_BLOCK
