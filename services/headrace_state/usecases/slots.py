"""Take slots of limits, waiting in line."""

from __future__ import annotations

import asyncio
import uuid

from headrace_state.repository.limits import Slots
from headrace_state.rules.slots import SlotsAwaited, SlotsHeld, SlotsRefused, SlotWish

LONGEST_WAIT_SECONDS = 25.0
"""One call waits no longer; the caller then calls again and keeps its place."""

KEEP_SECONDS = 10.0
"""How long after its last call a waiter keeps its place."""

_POLL_SECONDS = 1.0


async def acquire_slots(
    slots: Slots, workspace_id: uuid.UUID, wish: SlotWish, wait_seconds: float
) -> SlotsHeld | SlotsAwaited | SlotsRefused:
    """Take slots of all named limits under one lease, or of none, waiting in line up to `wait_seconds`.

    Raises:
        errors.NotFound: A name has no limit, and the wish is strict.
        errors.InvalidArgument: More slots are wanted than a limit has, or a limit is none of a rate.
        errors.AlreadyExists: The lease is somebody else's.
    """
    if wait_seconds <= 0:
        return await slots.acquire(workspace_id, wish, None)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + min(wait_seconds, LONGEST_WAIT_SECONDS)
    async with slots.bell(wish.lease_id) as bell:
        while True:
            left = deadline - loop.time()
            answer = await slots.acquire(workspace_id, wish, max(0.0, left) + KEEP_SECONDS)
            if not isinstance(answer, SlotsAwaited):
                return answer
            left = deadline - loop.time()
            if left <= 0:
                return answer
            # Slots of rate limits come back by themselves, and nobody rings for them.
            pause = _POLL_SECONDS if answer.free_in_seconds is None else min(_POLL_SECONDS, answer.free_in_seconds)
            await bell.wait(min(left, max(pause, 0.001)))
