"""Trying again while a server is away: only UNAVAILABLE, for a limited time, with jitter."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from headrace import errors

T = TypeVar("T")

FIRST_DELAY_SECONDS = 0.1
LONGEST_DELAY_SECONDS = 3.0


def delays(longest: float = LONGEST_DELAY_SECONDS) -> Iterator[float]:
    """Yield how long to wait before each further try, in seconds: doubling up to a bound, half of it by chance.

    Args:
        longest: The bound.
    """
    delay = FIRST_DELAY_SECONDS
    while True:
        yield delay * random.uniform(0.5, 1.0)
        delay = min(delay * 2, longest)


async def patiently(
    operation: Callable[[], Awaitable[T]],
    patience_seconds: float,
    *,
    retried: tuple[type[errors.HeadraceError], ...] = (errors.Unavailable,),
    on_wait: Callable[[errors.HeadraceError, float], None] | None = None,
) -> T:
    """Return what `operation` returns, tried again while the server is away.

    Args:
        operation: Makes one try. It must be safe to repeat.
        patience_seconds: How long after the first try another may start.
        retried: Errors that another try may cure.
        on_wait: Told of each failure and the wait in seconds that follows.

    Raises:
        errors.HeadraceError: The last try's error.
    """
    started = time.monotonic()
    for delay in delays():
        try:
            return await operation()
        except retried as error:
            asked = getattr(error, "retry_after_seconds", None)
            wait = max(delay, asked) if asked is not None else delay
            if time.monotonic() - started + wait > patience_seconds:
                raise
            if on_wait is not None:
                on_wait(error, wait)
        await asyncio.sleep(wait)
    raise AssertionError("delays() never ends")
