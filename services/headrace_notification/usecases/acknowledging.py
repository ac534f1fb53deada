"""Someone looks after what was told: by the link in a message, or by hand."""

from __future__ import annotations

import base64
import binascii
import uuid

from headrace import errors
from headrace_notification.repository.channels import ChannelDeliveryStore, Links
from headrace_notification.rules.channel_deliveries import ChannelDelivery

PURPOSE = "acknowledge a delivery"
PATH = "/acknowledge/"
BY_LINK = "link"


class Acknowledging:
    """Makes links to acknowledge, and takes acknowledgements.

    Args:
        store: Where deliveries stand.
        links: Signs what stands in links.
        public_url: Where people reach the server.
    """

    def __init__(self, store: ChannelDeliveryStore, links: Links, public_url: str) -> None:
        self._store = store
        self._links = links
        self._public_url = public_url

    def link(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID) -> str:
        """Return the link that acknowledges a delivery; "" if this server has no key to sign it."""
        if not self._links.can_sign:
            return ""
        text = _text(workspace_id, channel_delivery_id)
        return f"{self._public_url}{PATH}{text}.{self._links.sign(text, PURPOSE)}"

    async def find(self, token: str) -> ChannelDelivery:
        """Return the delivery that a link acknowledges.

        Raises:
            errors.NotFound: The link was not made by this server, or what it was about is forgotten.
        """
        text, _, signature = token.partition(".")
        unknown = errors.NotFound("there is nothing to acknowledge by this link")
        if not self._links.is_signed(text, PURPOSE, signature):
            raise unknown
        workspace_id, channel_delivery_id = _ids(text)
        delivery = await self._store.load(workspace_id, channel_delivery_id)
        if delivery is None:
            raise unknown
        return delivery

    async def by_link(self, token: str) -> ChannelDelivery:
        """Acknowledge by a link, and return the delivery.

        Raises:
            errors.NotFound: The link was not made by this server, or what it was about is forgotten.
        """
        delivery = await self.find(token)
        return await self.acknowledge(delivery.workspace_id, delivery.channel_delivery_id, BY_LINK)

    async def acknowledge(self, workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID, by: str) -> ChannelDelivery:
        """Acknowledge a delivery, and return it; the first who does is remembered.

        Raises:
            errors.NotFound: There is no such delivery.
        """
        await self._store.acknowledge(workspace_id, channel_delivery_id, by)
        delivery = await self._store.load(workspace_id, channel_delivery_id)
        if delivery is None:
            raise errors.NotFound(f"there is no delivery {channel_delivery_id}")
        return delivery


def _text(workspace_id: uuid.UUID, channel_delivery_id: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(workspace_id.bytes + channel_delivery_id.bytes).decode().rstrip("=")


def _ids(text: str) -> tuple[uuid.UUID, uuid.UUID]:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return uuid.UUID(bytes=data[:16]), uuid.UUID(bytes=data[16:])
    except (binascii.Error, ValueError):
        raise errors.NotFound("there is nothing to acknowledge by this link") from None
