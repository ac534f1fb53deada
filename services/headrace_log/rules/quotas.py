"""How much a workspace may write."""

from __future__ import annotations

import dataclasses

BURST_SECONDS = 10.0
"""So much of the rate may come at once after a time of quiet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much may be written; 0 is no limit."""

    lines_per_second: int = 0
    bytes_per_day: int = 0

    def narrowed(self, other: Limits) -> Limits:
        """Return what holds where both do."""
        return Limits(
            _narrower(self.lines_per_second, other.lines_per_second), _narrower(self.bytes_per_day, other.bytes_per_day)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket:
    """What may be written at once at a moment; below 0 is what was written ahead of its time."""

    tokens: float
    at: float


def delay(bucket: Bucket | None, now: float, lines: int, rate: int) -> tuple[float, Bucket]:
    """Return how many seconds a batch is too early, and the bucket after it.

    Args:
        bucket: As it was; None is full.
        now: Seconds of any clock that only goes on.
        lines: Of the batch.
        rate: Lines a second, above 0.
    """
    capacity = rate * BURST_SECONDS
    tokens = capacity if bucket is None else min(capacity, bucket.tokens + max(0.0, now - bucket.at) * rate)
    # A batch that is larger than what ever fits is taken when the bucket is full.
    return max(0.0, (min(lines, capacity) - tokens) / rate), Bucket(tokens - lines, now)


def _narrower(one: int, other: int) -> int:
    return min(one, other) if one and other else one or other
