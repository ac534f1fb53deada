"""Loops that a wakeup of another process, or another part of this one, wakes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from headrace_chassis.loops import Loop
from headrace_chassis.notify import Pace, Wakeups


async def run_woken(
    loop: Loop, running: Coroutine[Any, Any, None], wakeups: Wakeups, channel: str, pace: Pace | None = None
) -> None:
    """Run a loop and wake it whenever `channel` is notified.

    Args:
        loop: Which one.
        running: Runs it.
        wakeups: Where the channel is.
        channel: Its name.
        pace: How quickly one look may follow another; by default as for readers of everything that happens.
    """
    pace = pace or Pace()

    async def pass_on() -> None:
        async with wakeups.subscribe(channel) as wakeup:
            while True:
                await wakeup.wait()
                await pace.wait()
                loop.wake()

    waking = asyncio.create_task(pass_on(), name=f"wakes {loop.name}")
    try:
        await running
    finally:
        waking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waking
