"""Makes deliveries: a bounded number at once, a few of each automation."""

from __future__ import annotations

import asyncio
import collections
import logging
import uuid

from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups
from headrace_notification.loops.waking import run_woken
from headrace_notification.repository import DeliveryStore
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.usecases.delivering import Delivering

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 16
MOST_OF_AUTOMATION = 4


class DeliverLoop(Loop):
    """Claims due deliveries and tries them. Every process does; a claim is one process's until it expires.

    Args:
        store: Where they stand.
        delivering: Tries them.
        wakeups: Tells when there are new ones.
        channel: On which channel.
    """

    name = "deliver"
    interval_seconds = 1.0

    def __init__(self, store: DeliveryStore, delivering: Delivering, wakeups: Wakeups, channel: str) -> None:
        super().__init__()
        self._store = store
        self._delivering = delivering
        self._wakeups = wakeups
        self._channel = channel
        self._under_way: dict[asyncio.Task[None], uuid.UUID] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set and the tries in progress have ended; they are bounded in time."""
        await run_woken(self, super().run(stop), self._wakeups, self._channel)
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def tick(self) -> int | None:
        """Start as many tries as there is room for."""
        room = MOST_AT_ONCE - len(self._under_way)
        if room <= 0:
            return 0
        counts = collections.Counter(self._under_way.values())
        busy = [automation_id for automation_id, count in counts.items() if count >= MOST_OF_AUTOMATION]
        claimed = await self._store.claim(room, per_automation=MOST_OF_AUTOMATION, busy=busy)
        for delivery in claimed:
            task = asyncio.create_task(self._try(delivery), name=f"delivery {delivery.delivery_id}")
            self._under_way[task] = delivery.automation_id
            task.add_done_callback(self._ended)
        # A full house is looked at again when a try ends; else there may be more of the same automations.
        return len(claimed) if len(self._under_way) < MOST_AT_ONCE else 0

    async def _try(self, delivery: Delivery) -> None:
        try:
            await self._delivering.attempt(delivery)
        except Exception:
            # Not known what came of it: its claim expires, and it is tried again.
            logger.exception("the outcome of delivery %s could not be stored", delivery.delivery_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self.wake()
