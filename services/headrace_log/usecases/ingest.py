"""Batches of all writers into few commits.

While one group is being committed the next one gathers. Where many writers write more than one commit takes, a second
group is committed beside it, out of the batches of other writers: those of one writer are committed in the order in
which they came. What waits is bounded: a writer that is faster than the database is held up, not let grow.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import logging
import uuid
from collections.abc import Callable, Iterable

from headrace import errors
from headrace_log.repository import Outcome, RecordStore
from headrace_log.rules.positions import MOST_RECORDS_IN_BLOCK
from headrace_log.rules.records import Batch

logger = logging.getLogger(__name__)

MOST_PENDING_BYTES = 64 * 1024 * 1024
"""How much may wait beside what is being committed; further batches wait outside, in their streams."""

MOST_GROUP_RECORDS = 20_000
MOST_GROUP_BYTES = 16 * 1024 * 1024
GATHER_SECONDS = 0.005
"""How long a small group waits for company."""

MOST_AT_ONCE = 2
"""Groups that are committed at the same time: one keeps the database busy while another waits for the disk."""

WORTHWHILE_RECORDS = 4_000
"""So many waiting records are worth a commit beside another one."""

_SMALL_GROUP_RECORDS = 2_000

_Writer = tuple[uuid.UUID, str] | int
"""A process that numbers its batches; a batch without one is a writer of its own."""


@dataclasses.dataclass(slots=True)
class _Waiting:
    batch: Batch
    done: asyncio.Future[Outcome]


@dataclasses.dataclass(slots=True)
class _Group:
    writers: set[_Writer] = dataclasses.field(default_factory=set)
    batches: list[_Waiting] = dataclasses.field(default_factory=list)


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
        # By writer, whoever waits for longest first.
        self._waiting: collections.OrderedDict[_Writer, collections.deque[_Waiting]] = collections.OrderedDict()
        self._pending_bytes = 0
        self._pending_records = 0
        self._under_way: dict[asyncio.Task[None], _Group] = {}
        self._changed = asyncio.Event()
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
        under_way = dict(self._under_way)
        for commit in under_way:
            commit.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        queues = (*(group.batches for group in under_way.values()), *self._waiting.values())
        for queue in queues:
            self._fail(queue, errors.Unavailable("the server is stopping", reason="SERVER_STOPPING"))
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
        waiting = _Waiting(batch, asyncio.get_running_loop().create_future())
        writer: _Writer = (batch.workspace_id, batch.process_id) if batch.process_id else id(waiting)
        self._waiting.setdefault(writer, collections.deque()).append(waiting)
        self._pending_bytes += batch.size_bytes
        self._pending_records += len(batch.rows)
        self._changed.set()
        return waiting.done

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            if not self._under_way and self._pending_records < _SMALL_GROUP_RECORDS:
                await asyncio.sleep(GATHER_SECONDS)
            self._changed.clear()
            while (group := self._take_group()).batches:
                task = asyncio.create_task(self._commit(group.batches), name="log commit")
                self._under_way[task] = group
                task.add_done_callback(self._ended)
            async with self._room:
                self._room.notify_all()

    def _ended(self, task: asyncio.Task[None]) -> None:
        group = self._under_way.pop(task)
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a commit of log records failed in an unexpected way", exc_info=error)
            self._fail(group.batches, errors.Unavailable("it is not known whether it was stored"))

    def _take_group(self) -> _Group:
        """Return what is to be committed now; nothing if it may wait for what is under way."""
        group = _Group()
        if len(self._under_way) >= MOST_AT_ONCE or (self._under_way and self._pending_records < WORTHWHILE_RECORDS):
            return group
        busy = {writer for other in self._under_way.values() for writer in other.writers}
        free = [writer for writer in self._waiting if writer not in busy]
        free_records = sum(len(waiting.batch.rows) for writer in free for waiting in self._waiting[writer])
        if self._under_way and free_records < WORTHWHILE_RECORDS:
            return group
        # Each of those that may be committed at once gets its share, but whole writers.
        share = max(WORTHWHILE_RECORDS, -(-free_records // (MOST_AT_ONCE - len(self._under_way))))
        records = size = 0
        for writer in free:
            if records >= share:
                break
            queue = self._waiting[writer]
            while queue:
                batch = queue[0].batch
                records += len(batch.rows)
                size += batch.size_bytes
                if group.batches and (records > MOST_GROUP_RECORDS or size > MOST_GROUP_BYTES):
                    break
                group.batches.append(queue.popleft())
                group.writers.add(writer)
                self._pending_bytes -= batch.size_bytes
                self._pending_records -= len(batch.rows)
            if not queue:
                del self._waiting[writer]
            elif writer in group.writers:
                # Next time the others are before it.
                self._waiting.move_to_end(writer)
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

    def _fail(self, group: Iterable[_Waiting], error: Exception) -> None:
        for waiting in group:
            if not waiting.done.done():
                waiting.done.set_exception(error)
                # Whoever waited may be gone; the failure has been logged.
                waiting.done.exception()


assert MOST_GROUP_RECORDS <= MOST_RECORDS_IN_BLOCK
