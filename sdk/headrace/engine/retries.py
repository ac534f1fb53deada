"""When a failed run is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from headrace import errors

MAX_DELAYS = 50
RetryDelays: TypeAlias = float | Sequence[float] | Callable[[int], Sequence[float]]
"""Seconds before each retry: one for all, one for each, or a function of the number of retries."""


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Return delays that double: `backoff_factor` seconds, twice that, four times that, and so on."""

    def delays(retries: int) -> list[float]:
        return [backoff_factor * 2.0**number for number in range(min(retries, MAX_DELAYS))]

    return delays


def resolve_delays(retries: int, delays: RetryDelays | None) -> tuple[float, ...]:
    """Return the seconds before each retry; the last one holds for all further.

    Raises:
        errors.InvalidArgument: A delay is negative or no number, or there are too many.
    """
    if delays is None:
        return ()
    if callable(delays):
        delays = delays(retries)
    try:
        found = tuple(map(float, delays if isinstance(delays, Sequence) and not isinstance(delays, str) else (delays,)))
    except (TypeError, ValueError) as error:
        raise errors.InvalidArgument.of_field("retry_delay_seconds", f"must be numbers, not {delays!r}") from error
    if len(found) > MAX_DELAYS:
        raise errors.InvalidArgument.of_field("retry_delay_seconds", f"has more than {MAX_DELAYS} delays")
    if any(not delay >= 0 for delay in found):
        raise errors.InvalidArgument.of_field("retry_delay_seconds", "must not be negative")
    return found


def delay_of(delays: Sequence[float], retry: int, jitter_factor: float) -> float:
    """Return the seconds to wait before a retry.

    Args:
        delays: As `resolve_delays` returns them.
        retry: Its number, from 1.
        jitter_factor: The wait is stretched by a random part of up to this factor.
    """
    if not delays:
        return 0.0
    delay = delays[min(retry, len(delays)) - 1]
    return delay * (1.0 + random.random() * jitter_factor) if jitter_factor else delay
