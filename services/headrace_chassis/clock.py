"""Time as a value that is passed in, so that tests decide what time it is.

Deadlines, leases and retries that replicas must agree on are decided by the database's clock (`now()` in
SQL); this clock is for what one process alone cares about.
"""

from __future__ import annotations

import datetime
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime.datetime:
        """Return the current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime.datetime:
        """Return the current time, aware, in UTC."""
        return datetime.datetime.now(datetime.UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, from an arbitrary start."""
        return time.monotonic()


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime.datetime | None = None) -> None:
        self._now = now or datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        self._monotonic = 0.0

    def now(self) -> datetime.datetime:
        """Return the time that was set."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds by which the clock was moved."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self._now += datetime.timedelta(seconds=seconds)
        self._monotonic += seconds
