"""Tells channels what waits for them: a bounded number at once, as each channel allows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from headrace_chassis.loops import Loop
from headrace_chassis.notify import Wakeups
from headrace_notification.loops.trying import TryLoop
from headrace_notification.repository.channels import ChannelDeliveryStore, EscalationStore
from headrace_notification.rules.channel_deliveries import ChannelDelivery
from headrace_notification.usecases.sending import Sending

MOST_ESCALATIONS = 50


class SendLoop(TryLoop[ChannelDelivery]):
    """Claims due deliveries to channels and sends them.

    Args:
        store: Where they stand.
        sending: Tries them.
        wakeups: Tells when there are new ones.
        channel: On which channel.
    """

    name = "send"
    most_at_once = 32
    most_of_one = 8

    def __init__(self, store: ChannelDeliveryStore, sending: Sending, wakeups: Wakeups, channel: str) -> None:
        super().__init__(wakeups, channel)
        self._store = store
        self._sending = sending

    async def claim(self, room: int, busy: Sequence[uuid.UUID]) -> list[ChannelDelivery]:
        """Claim due deliveries, few at once: one channel may have all of them."""
        return await self._store.claim(min(room, self.most_of_one), busy=busy)

    def names(self, queued: ChannelDelivery) -> tuple[uuid.UUID, uuid.UUID]:
        """Return the ids of a delivery and of its channel."""
        return queued.channel_delivery_id, queued.channel_id

    async def attempt(self, queued: ChannelDelivery) -> None:
        """Send it, and store what came of it."""
        await self._sending.attempt(queued)


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
