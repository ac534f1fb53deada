"""What people do with deliveries."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace_notification.repository import DeliveryStore
from headrace_notification.rules.deliveries import Delivery


async def resend_delivery(store: DeliveryStore, workspace_id: uuid.UUID, delivery_id: uuid.UUID) -> Delivery:
    """Queue a delivery again that was given up, and return it.

    Raises:
        errors.NotFound: There is no such delivery.
        errors.FailedPrecondition: It was not given up.
    """
    queued = await store.resend(workspace_id, delivery_id)
    delivery = await store.load(workspace_id, delivery_id)
    if delivery is None:
        raise errors.NotFound(f"there is no delivery {delivery_id}")
    if not queued:
        raise errors.FailedPrecondition(
            f"only a delivery that was given up can be sent again; this one is {delivery.status.value}",
            reason="DELIVERY_NOT_DEAD",
        )
    return delivery
