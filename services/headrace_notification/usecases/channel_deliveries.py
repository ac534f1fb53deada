"""What people do with deliveries to channels."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_notification.repository.channels import ChannelDeliveryStore
from headrace_notification.rules.channel_deliveries import ChannelDelivery
from headrace_notification.rules.channels import MOST_TRIES


async def load_delivery(
    store: ChannelDeliveryStore, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID
) -> ChannelDelivery:
    """Return a delivery.

    Raises:
        errors.NotFound: There is no such delivery.
    """
    delivery = await store.load(workspace_id, channel_delivery_id)
    if delivery is None:
        raise errors.NotFound(f"there is no delivery {channel_delivery_id}")
    return delivery


async def resend_delivery(
    store: ChannelDeliveryStore, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID
) -> ChannelDelivery:
    """Queue a delivery again that ended, and return it.

    Raises:
        errors.NotFound: There is no such delivery.
        errors.FailedPrecondition: It has not ended, it was sent as a part of another, or its channel is gone.
    """
    queued = await store.resend(workspace_id, channel_delivery_id, MOST_TRIES)
    delivery = await load_delivery(store, workspace_id, channel_delivery_id)
    if not queued:
        raise errors.FailedPrecondition(
            "only a delivery that was delivered or given up, and whose channel there still is, can be sent again; this "
            f"one is {delivery.status.value}",
            reason="DELIVERY_NOT_ENDED",
        )
    return delivery
