"""Makes deliveries: a bounded number at once, a few of each automation."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.notify import Wakeups
from headrace_notification.loops.trying import TryLoop
from headrace_notification.repository import DeliveryStore
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.usecases.delivering import Delivering


class DeliverLoop(TryLoop[Delivery]):
    """Claims due deliveries and tries them.

    Args:
        store: Where they stand.
        delivering: Tries them.
        wakeups: Tells when there are new ones.
        channel: On which channel.
    """

    name = "deliver"
    most_at_once = 16
    most_of_one = 4

    def __init__(self, store: DeliveryStore, delivering: Delivering, wakeups: Wakeups, channel: str) -> None:
        super().__init__(wakeups, channel)
        self._store = store
        self._delivering = delivering

    async def claim(self, room: int, busy: Sequence[uuid.UUID]) -> list[Delivery]:
        """Claim due deliveries, a few of each automation."""
        return await self._store.claim(room, per_automation=self.most_of_one, busy=busy)

    def names(self, queued: Delivery) -> tuple[uuid.UUID, uuid.UUID]:
        """Return the ids of a delivery and of its automation."""
        return queued.delivery_id, queued.automation_id

    async def attempt(self, queued: Delivery) -> None:
        """Do it, and store what came of it."""
        await self._delivering.attempt(queued)
