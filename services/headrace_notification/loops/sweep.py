"""Deletes what is no longer needed beside the partitions that retention drops."""

from __future__ import annotations

from typing import Protocol

from headrace_chassis.loops import Loop

DELIVERY_DAYS = 30
BUCKET_DAYS = 30
LIMIT = 1000


class Sweeper(Protocol):
    """Deletes what is no longer needed, a piece at a time, and tells how much."""

    async def forget_deliveries(self, *, days: int, limit: int) -> int:
        """Delete deliveries that ended more than `days` ago."""
        ...

    async def forget_channel_deliveries(self, *, days: int, limit: int) -> int:
        """Delete deliveries to channels that ended more than `days` ago."""
        ...

    async def forget_buckets(self, *, days: int, limit: int) -> int:
        """Forget what no event or timer has touched for `days`."""
        ...

    async def forget_calls(self, *, limit: int) -> int:
        """Forget calls of webhooks that are other events when they come again."""
        ...


class SweepLoop(Loop):
    """Forgets old deliveries, old calls, and what triggers remember of keys that are not heard of any more.

    Args:
        sweeper: Does it.
    """

    name = "notification-sweep"
    interval_seconds = 300.0

    def __init__(self, sweeper: Sweeper) -> None:
        super().__init__()
        self._sweeper = sweeper

    async def tick(self) -> int | None:
        """Delete a piece of each; more than 0 means that there may be more."""
        swept = [
            await self._sweeper.forget_deliveries(days=DELIVERY_DAYS, limit=LIMIT),
            await self._sweeper.forget_channel_deliveries(days=DELIVERY_DAYS, limit=LIMIT),
            await self._sweeper.forget_buckets(days=BUCKET_DAYS, limit=LIMIT),
            await self._sweeper.forget_calls(limit=LIMIT),
        ]
        return max(swept) if LIMIT in swept else 0
