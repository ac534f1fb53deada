"""Who wants to know of changes of runs in this process, and the one reader of the outbox that tells them.

Replicas learn of each other's changes through the outbox, so nothing is missed whoever made the change. What a
slow reader has not taken is kept as ids, each once: it gets the latest state, not every one in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import AsyncIterator, Iterable

from headrace import errors
from headrace_chassis.database import Database
from headrace_chassis.notify import Pace, Wakeup, Wakeups
from headrace_chassis.outbox import POLL_SECONDS, Entry, OutboxReader, outbox_channel
from headrace_chassis.scope import start_shared
from headrace_state.wire import changes

logger = logging.getLogger(__name__)

PENDING_LIMIT = 10_000
"""Ids kept for a subscriber. When more come, it reads the rest again from the outbox once it has taken these."""

_RETRY_FIRST_SECONDS = 0.1
_RETRY_MOST_SECONDS = 5.0
_INTERVAL_SECONDS = 0.02


class Subscriber:
    """Somebody who is told which runs changed."""

    def __init__(self, workspace_id: uuid.UUID, *, whole_workspace: bool, with_task_runs: bool) -> None:
        self.workspace_id = workspace_id
        self.whole_workspace = whole_workspace
        self.with_task_runs = with_task_runs
        self.flow_run_ids: set[str] = set()
        """The runs that it follows, unless it follows the workspace."""
        self.behind: int | None = None
        """Where in the outbox it has to read again, because more changed than is kept."""
        self._flow_runs: dict[str, changes.FlowRunNews] = {}
        self._task_runs: dict[str, None] = {}
        self._wakeup = Wakeup()

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be kept for it."""
        return len(self._flow_runs) + len(self._task_runs) >= PENDING_LIMIT

    def tell_flow_run(self, news: changes.FlowRunNews) -> None:
        """Take in that a flow run changed; a later change of the same run replaces an earlier one."""
        self._flow_runs[news.flow_run_id] = news
        self._wakeup.set()

    def tell_task_runs(self, task_run_ids: Iterable[str]) -> None:
        """Take in that task runs changed."""
        self._task_runs.update(dict.fromkeys(task_run_ids))
        self._wakeup.set()

    def wake(self) -> None:
        """End its waiting."""
        self._wakeup.set()

    async def wait(self, timeout_seconds: float) -> bool:
        """Return whether something changed, waiting up to `timeout_seconds` for it."""
        if self._flow_runs or self._task_runs or self.behind is not None:
            return True
        return await self._wakeup.wait(timeout_seconds)

    def take(self) -> tuple[list[changes.FlowRunNews], list[str]]:
        """Return the flow runs and the ids of task runs that changed since the last time."""
        taken = list(self._flow_runs.values()), list(self._task_runs)
        self._flow_runs, self._task_runs = {}, {}
        return taken


class Feed:
    """Tells subscribers which runs changed; reads the outbox only while there are any.

    Args:
        database: The service's pool.
        wakeups: Where appends to the outbox are notified.
    """

    def __init__(self, database: Database, wakeups: Wakeups) -> None:
        self._reader = OutboxReader(database)
        self._channel = outbox_channel(database.schema)
        self._wakeups = wakeups
        self._subscribers: set[Subscriber] = set()
        self._by_run: dict[str, set[Subscriber]] = {}
        self._cursor = 0
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def follow(
        self, workspace_id: uuid.UUID, *, whole_workspace: bool = False, with_task_runs: bool = False
    ) -> AsyncIterator[Subscriber]:
        """Lend a subscriber; whatever is committed from now on is told to it.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        subscriber = Subscriber(workspace_id, whole_workspace=whole_workspace, with_task_runs=with_task_runs)
        try:
            async with self._starting:
                if self._task is None:
                    self._cursor = await self._reader.settled_position()
                    self._task = start_shared(self._read(), name="feed of runs")
                self._subscribers.add(subscriber)
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)
            self.drop_runs(subscriber, list(subscriber.flow_run_ids))
            if not self._subscribers:
                await self.close()

    def add_runs(self, subscriber: Subscriber, flow_run_ids: Iterable[str]) -> None:
        """Make a subscriber follow further flow runs."""
        for flow_run_id in flow_run_ids:
            subscriber.flow_run_ids.add(flow_run_id)
            self._by_run.setdefault(flow_run_id, set()).add(subscriber)

    def drop_runs(self, subscriber: Subscriber, flow_run_ids: Iterable[str]) -> None:
        """Make a subscriber follow these flow runs no longer."""
        for flow_run_id in flow_run_ids:
            subscriber.flow_run_ids.discard(flow_run_id)
            followers = self._by_run.get(flow_run_id)
            if followers is not None:
                followers.discard(subscriber)
                if not followers:
                    del self._by_run[flow_run_id]

    async def catch_up(self, subscriber: Subscriber) -> None:
        """Read again what was too much for a subscriber that has taken everything now.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        while subscriber.behind is not None and not subscriber.is_full:
            batch = await self._reader.read(subscriber.behind, self._kinds())
            self._dispatch(batch.entries, {subscriber})
            subscriber.behind = batch.cursor if batch.cursor < self._cursor else None

    async def close(self) -> None:
        """Stop reading."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _kinds(self) -> list[str]:
        kinds = [changes.FLOW_RUN_STATE, changes.FLOW_RUN_UPDATED]
        if any(subscriber.with_task_runs for subscriber in self._subscribers):
            kinds.append(changes.TASK_RUN_STATES)
        return kinds

    async def _read(self) -> None:
        delay = _RETRY_FIRST_SECONDS
        pace = Pace(interval_seconds=_INTERVAL_SECONDS)
        async with self._wakeups.subscribe(self._channel) as wakeup:
            while True:
                try:
                    is_all = await self._step()
                except errors.HeadraceError as error:
                    logger.warning("those who follow runs have to wait: %s", error)
                except Exception:
                    logger.exception("reading the outbox for those who follow runs failed; trying again")
                else:
                    delay = _RETRY_FIRST_SECONDS
                    if is_all and await wakeup.wait(POLL_SECONDS):
                        await pace.wait()
                    continue
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))
                delay = min(delay * 2, _RETRY_MOST_SECONDS)

    async def _step(self) -> bool:
        """Tell what is new; return whether that is all."""
        start, kinds = self._cursor, self._kinds()
        batch = await self._reader.read(start, kinds)
        if kinds != self._kinds():
            # Somebody has come meanwhile for what was left out.
            return False
        ready: set[Subscriber] = set()
        for subscriber in self._subscribers:
            if subscriber.behind is None and subscriber.is_full:
                subscriber.behind = start
                subscriber.wake()
            if subscriber.behind is None:
                ready.add(subscriber)
        self._dispatch(batch.entries, ready)
        self._cursor = batch.cursor
        return batch.is_all

    def _dispatch(self, entries: Iterable[Entry], ready: set[Subscriber]) -> None:
        for entry in entries:
            if entry.kind == changes.TASK_RUN_STATES:
                self._tell_task_runs(entry, ready)
            else:
                self._tell_flow_run(entry, ready)

    def _tell_flow_run(self, entry: Entry, ready: set[Subscriber]) -> None:
        news = changes.read_flow_run(entry.payload)
        for subscriber in ready:
            if subscriber.whole_workspace and subscriber.workspace_id == entry.workspace_id:
                subscriber.tell_flow_run(news)
        for subscriber in self._by_run.get(news.flow_run_id, ()):
            if subscriber in ready and subscriber.workspace_id == entry.workspace_id:
                subscriber.tell_flow_run(news)

    def _tell_task_runs(self, entry: Entry, ready: set[Subscriber]) -> None:
        flow_run_id, task_run_ids = changes.read_task_runs(entry.payload)
        for subscriber in self._by_run.get(flow_run_id, ()):
            if subscriber in ready and subscriber.with_task_runs and subscriber.workspace_id == entry.workspace_id:
                subscriber.tell_task_runs(task_run_ids)
