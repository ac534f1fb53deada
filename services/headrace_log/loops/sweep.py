"""Deletes what is no longer needed beside the partitions that retention drops."""

from __future__ import annotations

from typing import Protocol

from headrace_chassis.loops import Loop

WRITER_DAYS = 2
"""A writing process that was silent for so long has nothing under way that it could send again."""

BATCH_DAYS = 1
LIMIT = 1000


class Sweeper(Protocol):
    """Deletes what is no longer needed, a piece at a time, and tells how much."""

    async def forget_writers(self, *, days: int, limit: int) -> int:
        """Forget writing processes not heard of for `days`."""
        ...

    async def forget_batches(self, *, days: int, limit: int) -> int:
        """Forget digests of batches older than `days`."""
        ...

    async def trim_default(self, *, days: int, limit: int) -> int:
        """Delete records of far-off clocks that came more than `days` ago."""
        ...

    async def trim_stretches(self, *, limit: int) -> int:
        """Delete what sums up records that are deleted."""
        ...


class SweepLoop(Loop):
    """Forgets writers and batches, and the records of far-off clocks, every few minutes.

    Args:
        sweeper: Does it.
        retention_days: How long records are kept; None for ever.
    """

    name = "log-sweep"
    interval_seconds = 300.0

    def __init__(self, sweeper: Sweeper, retention_days: int | None) -> None:
        super().__init__()
        self._sweeper = sweeper
        self._retention_days = retention_days

    async def tick(self) -> int | None:
        """Delete a piece of each; more than 0 means that there may be more."""
        swept = [
            await self._sweeper.forget_writers(days=WRITER_DAYS, limit=LIMIT),
            await self._sweeper.forget_batches(days=BATCH_DAYS, limit=LIMIT),
        ]
        if self._retention_days is not None:
            swept.append(await self._sweeper.trim_default(days=self._retention_days, limit=LIMIT))
            swept.append(await self._sweeper.trim_stretches(limit=LIMIT))
        return max(swept) if LIMIT in swept else 0
