"""Deletes records by the rules of their workspaces."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_log.repository import RetentionStore, RunDeployments
from headrace_log.usecases.retaining import retain


class RetainLoop(Loop):
    """Deletes what no rule keeps any longer, every few minutes; what no rule is about goes by days.

    Args:
        store: Keeps rules and records.
        runs: Tells which deployments runs are of.
        now: Tells the time.
        lease: Held by the one replica that does it.
    """

    name = "log-retain"
    interval_seconds = 300.0

    def __init__(
        self,
        store: RetentionStore,
        runs: RunDeployments,
        now: Callable[[], datetime.datetime],
        *,
        lease: ServiceLease | None = None,
    ) -> None:
        super().__init__(lease=lease)
        self._store = store
        self._runs = runs
        self._now = now

    async def tick(self) -> int | None:
        """Delete a piece; more than 0 means that there may be more."""
        return int(await retain(self._store, self._runs, self._now()))
