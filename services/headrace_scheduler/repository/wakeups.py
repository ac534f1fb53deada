"""Signals between processes, and their channels."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

SCHEDULES = "scheduler_schedules"
"""Woken when a schedule needs its runs made."""
WORKERS = "scheduler_workers"
"""Woken when workers have to be told something: to drain, or that their pool changed."""
BACKFILLS = "scheduler_backfills"
"""Woken when a backfill has runs to make or to cancel."""
DUE = "due"
"""Woken by the state service when runs became due or slots became free."""


class Wakeup(Protocol):
    """What a subscriber waits on."""

    def set(self) -> None:
        """Wake whoever waits."""
        ...

    async def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait for a signal; False if none came in time."""
        ...


class Wakeups(Protocol):
    """Signals between processes."""

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[Wakeup]:
        """Lend what is set when a channel is woken."""
        ...
