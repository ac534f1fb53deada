"""Wait for what gives no signal: ask again until it is so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_PAUSE_SECONDS = 0.02


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Return once `holds` says so.

    Raises:
        TimeoutError: It did not within `seconds`.
    """
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(_PAUSE_SECONDS)
