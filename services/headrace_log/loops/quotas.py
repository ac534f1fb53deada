"""Keeps what workspaces wrote, and tells in the logs of runs what they lack."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from headrace_chassis.loops import Loop
from headrace_log.usecases.ingest import Ingest
from headrace_log.usecases.quotas import Quotas
from headrace_log.wire.packing import note

LINES_KEPT = "{} log lines are missing here: the workspace has written all that it may write today (UTC)"


class QuotaLoop(Loop):
    """Shares what was written with other processes, every few seconds.

    Args:
        quotas: Counts it.
        ingest: Takes the lines that tell what is missing.
        now: Tells the time.
    """

    name = "log-quotas"
    interval_seconds = 5.0

    def __init__(self, quotas: Quotas, ingest: Ingest, now: Callable[[], datetime.datetime]) -> None:
        super().__init__()
        self._quotas = quotas
        self._ingest = ingest
        self._now = now

    async def tick(self) -> int | None:
        """Keep what was written; tell what was dropped."""
        await self._quotas.keep()
        dropped = self._quotas.take_dropped()
        try:
            for (workspace_id, flow_run_id), count in list(dropped.items()):
                batch = note(workspace_id, flow_run_id, LINES_KEPT.format(count), self._now())
                await (await self._ingest.submit(batch))
                del dropped[workspace_id, flow_run_id]
        finally:
            # What could not be told is told another time.
            for (workspace_id, flow_run_id), count in dropped.items():
                self._quotas.dropped(workspace_id, {flow_run_id: count})
        return None
