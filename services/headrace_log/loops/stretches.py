"""Sums up the text of long runs, so that searches in them need not read every record."""

from __future__ import annotations

import asyncio
import collections
import time
import uuid

from headrace_chassis.loops import Loop
from headrace_log.repository import RecordTail, StretchStore
from headrace_log.rules.records import Batch

WORTHWHILE = 10_000
"""So many new records of a run are worth summing up; fewer are searched as fast without."""

MOST_RUNS = 10_000
"""Runs whose new records are counted; those not heard of for longest are forgotten, and searched record by record."""

BUSY_LINES_PER_SECOND = 20_000
"""While more come, and while someone searches, the others go first."""

SLOW_SECONDS = 0.1
"""A search in a run that takes longer asks for the run to be summed up."""

_LOOK_SECONDS = 0.5
_PAUSE = 0.5
_BUSY_PAUSE = 5.0
"""How long it rests behind each turn, in turns."""

_LONGEST_PAUSE_SECONDS = 1.0

_Run = tuple[uuid.UUID, uuid.UUID]


class StretchLoop(Loop):
    """Adds stretches to the runs of which this process stored many records, a few stretches a tick.

    Args:
        store: Where stretches are kept.
        tail: Tells what is committed.
    """

    name = "log-stretches"
    interval_seconds = 2.0

    def __init__(self, store: StretchStore, tail: RecordTail) -> None:
        super().__init__()
        self._store = store
        self._tail = tail
        self._counts: collections.OrderedDict[_Run, int] = collections.OrderedDict()
        self._due: collections.OrderedDict[_Run, None] = collections.OrderedDict()
        self._searches = 0
        self._stored = 0
        self._seen = 0
        self._seen_at = time.monotonic()
        self._busy = False

    def stored(self, batch: Batch) -> None:
        """Count what was stored; for the ingest."""
        records = len(batch.rows)
        self._stored += records
        if not batch.flow_run_ids:
            return
        share = -(-records // len(batch.flow_run_ids))
        for flow_run_id in batch.flow_run_ids:
            run = (batch.workspace_id, flow_run_id)
            count = self._counts.pop(run, 0) + share
            if count >= WORTHWHILE:
                self.want(batch.workspace_id, flow_run_id)
                count = 0
            self._counts[run] = count
        while len(self._counts) > MOST_RUNS:
            self._counts.popitem(last=False)

    def began(self) -> None:
        """Make way for a search."""
        self._searches += 1

    def ended(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID, seconds: float) -> None:
        """Go on; and sum up what a search took long for."""
        self._searches -= 1
        if seconds > SLOW_SECONDS:
            self.want(workspace_id, flow_run_id)

    def want(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID) -> None:
        """Sum a run up soon."""
        if len(self._due) < MOST_RUNS:
            self._due[(workspace_id, flow_run_id)] = None
            self.wake()

    async def tick(self) -> int | None:
        """Add stretches to the first run that is due; more than 0 means that there may be more."""
        is_busy = self._is_busy()
        if not self._due:
            return 0
        started = time.perf_counter()
        run, _ = self._due.popitem(last=False)
        try:
            added = await self._store.extend(*run, await self._tail.settle())
        except BaseException:
            # Behind the others, for which it may go well.
            self._due[run] = None
            raise
        if added:
            self._due[run] = None
        taken = time.perf_counter() - started
        pause = _BUSY_PAUSE if is_busy or self._searches else _PAUSE
        await asyncio.sleep(min(taken * pause, _LONGEST_PAUSE_SECONDS))
        return len(self._due)

    def _is_busy(self) -> bool:
        # Whoever writes goes first; a burst ends.
        now = time.monotonic()
        if now - self._seen_at >= _LOOK_SECONDS:
            rate = (self._stored - self._seen) / (now - self._seen_at)
            self._seen, self._seen_at, self._busy = self._stored, now, rate > BUSY_LINES_PER_SECOND
        return self._busy
