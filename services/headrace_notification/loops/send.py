"""Tells channels what waits for them: a bounded number at once, as each channel allows."""

from __future__ import annotations

import asyncio
import collections
import logging
import uuid

from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups
from headrace_notification.loops.waking import run_woken
from headrace_notification.repository.channels import ChannelDeliveryStore, EscalationStore
from headrace_notification.rules.channel_deliveries import ChannelDelivery
from headrace_notification.usecases.sending import Sending

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 32
MOST_OF_CHANNEL = 8
MOST_ESCALATIONS = 50


class SendLoop(Loop):
    """Claims due deliveries and tries them. Every process does; a claim is one process's until it expires.

    Args:
        store: Where they stand.
        sending: Tries them.
        wakeups: Tells when there are new ones.
        channel: On which channel.
    """

    name = "send"
    interval_seconds = 1.0

    def __init__(self, store: ChannelDeliveryStore, sending: Sending, wakeups: Wakeups, channel: str) -> None:
        super().__init__()
        self._store = store
        self._sending = sending
        self._wakeups = wakeups
        self._channel = channel
        self._under_way: dict[asyncio.Task[None], uuid.UUID] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set and the tries in progress have ended; they are bounded in time."""
        await run_woken(self, super().run(stop), self._wakeups, self._channel)
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def tick(self) -> int | None:
        """Start as many tries as there is room for."""
        room = MOST_AT_ONCE - len(self._under_way)
        if room <= 0:
            return 0
        counts = collections.Counter(self._under_way.values())
        busy = [channel_id for channel_id, count in counts.items() if count >= MOST_OF_CHANNEL]
        claimed = await self._store.claim(min(room, MOST_OF_CHANNEL), busy=busy)
        for delivery in claimed:
            task = asyncio.create_task(self._try(delivery), name=f"delivery {delivery.channel_delivery_id}")
            self._under_way[task] = delivery.channel_id
            task.add_done_callback(self._ended)
        # A full house is looked at again when a try ends; else other channels may have something.
        return len(claimed) if len(self._under_way) < MOST_AT_ONCE else 0

    async def _try(self, delivery: ChannelDelivery) -> None:
        try:
            await self._sending.attempt(delivery)
        except Exception:
            # Not known what came of it: its claim expires, and it is tried again.
            logger.exception("the outcome of delivery %s could not be stored", delivery.channel_delivery_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self.wake()


class EscalateLoop(Loop):
    """Tells other channels of what nobody acknowledged. Every process does; each delivery is one process's.

    Args:
        store: Does it.
    """

    name = "escalate"
    interval_seconds = 1.0

    def __init__(self, store: EscalationStore) -> None:
        super().__init__()
        self._store = store

    async def tick(self) -> int | None:
        """Escalate what is due; more than 0 means that there may be more."""
        return await self._store.escalate(MOST_ESCALATIONS)
