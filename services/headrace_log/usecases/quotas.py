"""Limits of what workspaces write, and what is told of what they could not."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import datetime
import time
import uuid
from collections.abc import Callable, Mapping

from headrace import errors
from headrace_log.repository import QuotaStore
from headrace_log.rules.quotas import Bucket, Limits, delay
from headrace_log.rules.records import Batch

MOST_RUNS_TOLD = 1000
"""Runs in whose logs it is told at once how many lines they lack."""

_Run = tuple[uuid.UUID, str]


class Quotas:
    """Judges batches by what their workspaces have written.

    Rates are counted in this process. What was written in a day is shared with other processes each time that it is
    kept, every few seconds.

    Args:
        store: Where limits and usage are kept.
        server_limits: Hold for every workspace.
        now: Tells the time.
    """

    def __init__(self, store: QuotaStore, server_limits: Limits, now: Callable[[], datetime.datetime]) -> None:
        self._store = store
        self._server_limits = server_limits
        self._now = now
        self._limits: dict[uuid.UUID, Limits] = {}
        self._buckets: dict[uuid.UUID, Bucket] = {}
        self._day = now().astimezone(datetime.UTC).date()
        self._known: dict[uuid.UUID, tuple[int, int]] = {}
        self._written: dict[uuid.UUID, tuple[int, int]] = {}
        self._dropped: collections.Counter[_Run] = collections.Counter()

    def limits_of(self, workspace_id: uuid.UUID) -> Limits:
        """Return what holds for a workspace."""
        own = self._limits.get(workspace_id)
        return self._server_limits if own is None else own.narrowed(self._server_limits)

    def delay(self, batch: Batch, *, may_wait: bool) -> float:
        """Return how many seconds a batch has to wait before it may be stored; it counts as written if it `may_wait`.

        Raises:
            errors.ResourceExhausted: The workspace has written all that it may today, or the batch is too early and
                may not wait.
        """
        limits = self.limits_of(batch.workspace_id)
        if limits.bytes_per_day and self.used(batch.workspace_id)[1] + batch.size_bytes > limits.bytes_per_day:
            raise errors.ResourceExhausted(
                f"the workspace has written the {limits.bytes_per_day} bytes of logs that it may write a day",
                retry_after_seconds=self._seconds_left(),
                reason="LOG_DAY_FULL",
            )
        if not limits.lines_per_second:
            return 0.0
        wait, bucket = delay(
            self._buckets.get(batch.workspace_id), time.monotonic(), len(batch.rows), limits.lines_per_second
        )
        if wait and not may_wait:
            raise errors.ResourceExhausted(
                f"the workspace may write {limits.lines_per_second} log lines a second",
                retry_after_seconds=wait,
                reason="LOG_RATE_EXCEEDED",
            )
        self._buckets[batch.workspace_id] = bucket
        return wait

    def used(self, workspace_id: uuid.UUID) -> tuple[int, int]:
        """Return the records and bytes that a workspace has written today, as far as this process knows."""
        self._turn_day()
        known, written = self._known.get(workspace_id, (0, 0)), self._written.get(workspace_id, (0, 0))
        return known[0] + written[0], known[1] + written[1]

    def stored(self, batch: Batch) -> None:
        """Count what was stored; for the ingest."""
        self._turn_day()
        records, size = self._written.get(batch.workspace_id, (0, 0))
        self._written[batch.workspace_id] = (records + len(batch.rows), size + batch.size_bytes)

    def dropped(self, workspace_id: uuid.UUID, lines: Mapping[str, int]) -> None:
        """Count lines that were refused, by flow run."""
        for flow_run_id, count in lines.items():
            run = (workspace_id, flow_run_id)
            if run in self._dropped or len(self._dropped) < MOST_RUNS_TOLD:
                self._dropped[run] += count

    def take_dropped(self) -> dict[_Run, int]:
        """Return what was counted as dropped since the last call."""
        taken, self._dropped = dict(self._dropped), collections.Counter()
        return taken

    async def keep(self) -> None:
        """Keep what was written, and learn limits and what other processes wrote."""
        self._turn_day()
        day, written = self._day, self._written
        self._written = {}
        try:
            if written:
                await self._store.add_usage(day, written)
        except BaseException:
            if day == self._day:
                for workspace_id, (records, size) in written.items():
                    more = self._written.get(workspace_id, (0, 0))
                    self._written[workspace_id] = (records + more[0], size + more[1])
            raise
        self._limits = await self._store.load_limits()
        known = await self._store.load_usage(day)
        if day == self._day:
            self._known = known

    async def refresh(self) -> None:
        """Do the same for a caller, of whose call the storage knows nothing: it is about all workspaces."""
        await asyncio.get_running_loop().create_task(self.keep(), name="log quotas", context=contextvars.Context())

    def _turn_day(self) -> None:
        today = self._now().astimezone(datetime.UTC).date()
        if today != self._day:
            # What was written in the last seconds of a day counts for no day.
            self._day, self._known, self._written = today, {}, {}

    def _seconds_left(self) -> float:
        now = self._now().astimezone(datetime.UTC)
        midnight = datetime.datetime.combine(now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC)
        return (midnight - now).total_seconds()
