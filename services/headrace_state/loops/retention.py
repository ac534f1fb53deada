"""Deletes what is too old."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

from headrace_chassis.clock import Clock
from headrace_chassis.leases import ServiceLease
from headrace_chassis.loops import Loop
from headrace_state.repository.retention import Retention
from headrace_state.rules.retention import RetentionRules
from headrace_state.usecases.retention import SMALL_THINGS, Sweep, sweep_small_things

logger = logging.getLogger(__name__)


class RetentionSweeper(Loop):
    """Every quarter of an hour, and at once when rules change: goes through all workspaces, a stretch a tick.

    Args:
        retention: What there is.
        clock: What time it is.
        defaults: For how many days what is kept, by kind, where a workspace says nothing.
        lease: Ticks only while it is held.
    """

    name = "retention"
    interval_seconds = 900.0

    def __init__(
        self,
        retention: Retention,
        clock: Clock,
        defaults: Mapping[str, float],
        *,
        lease: ServiceLease | None = None,
    ) -> None:
        super().__init__(lease=lease)
        self._retention = retention
        self._clock = clock
        self._defaults = defaults
        self._left: list[uuid.UUID] = []
        self._sweep: Sweep | None = None

    async def tick(self) -> int | None:
        """Do the next stretch of the walk; the last one waits for the next walk."""
        if self._sweep is None:
            if not self._left:
                self._left = await self._retention.list_workspaces()
            if not self._left:
                return 0
            workspace_id = self._left[-1]
            rules = RetentionRules(await self._retention.list_rules(workspace_id), self._defaults)
            gone_things = await sweep_small_things(self._retention, workspace_id, rules)
            for kind, count in gone_things.items():
                if count:
                    logger.info("deleted %d of %s that were too old", count, kind)
            if max(gone_things.values()) >= SMALL_THINGS:
                return 1
            self._sweep = Sweep(self._retention, workspace_id, rules)
        gone = await self._sweep.step(self._clock.now())
        if gone is None:
            self._sweep = None
            self._left.pop()
            return len(self._left)
        if gone:
            logger.info("deleted %d flow runs that were too old", gone)
        return 1
