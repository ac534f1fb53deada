"""`ChannelDeliveryService` on the wire."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import delivery_pb2, delivery_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.pages import asked_page
from headrace_chassis.paging import decode_page_token
from headrace_chassis.scope import everywhere
from headrace_chassis.values import storable
from headrace_notification.repository.channels import ChannelDeliveryPage, ChannelDeliveryStore
from headrace_notification.usecases.acknowledging import Acknowledging
from headrace_notification.usecases.channel_deliveries import load_delivery, resend_delivery
from headrace_notification.wire import channels as wire
from headrace_notification.wire.values import optional_id, parse_id

Context = grpc.aio.ServicerContext[Any, Any]

_MOST_TRIES_SHOWN = 100


class ChannelDeliveryServicer(delivery_pb2_grpc.ChannelDeliveryServiceServicer):
    """Shows deliveries to channels, sends them again, and takes acknowledgements.

    Args:
        store: Keeps deliveries.
        acknowledging: Takes acknowledgements.
    """

    def __init__(self, store: ChannelDeliveryStore, acknowledging: Acknowledging) -> None:
        self._store = store
        self._acknowledging = acknowledging

    async def ListChannelDeliveries(
        self, request: delivery_pb2.ListChannelDeliveriesRequest, context: Context
    ) -> delivery_pb2.ListChannelDeliveriesResponse:
        """Return a page of deliveries."""
        workspace_id = current_caller().workspace_id
        acknowledged = request.acknowledged if request.HasField("acknowledged") else None
        ids = (request.channel_id, request.event_id, request.automation_id, request.flow_run_id, request.digest_id)
        statuses = wire.statuses_from_proto(request.statuses)
        page = asked_page(
            request,
            "channel deliveries",
            *ids,
            ",".join(sorted(status.value for status in statuses)),
            str(acknowledged),
            workspace_id,
            key=(uuid.UUID,),
        )
        found = await self._store.list_deliveries(
            workspace_id,
            ChannelDeliveryPage(
                channel_id=optional_id(request.channel_id, "channel_id"),
                statuses=statuses,
                event_id=optional_id(request.event_id, "event_id"),
                automation_id=optional_id(request.automation_id, "automation_id"),
                flow_run_id=optional_id(request.flow_run_id, "flow_run_id"),
                acknowledged=acknowledged,
                digest_id=optional_id(request.digest_id, "digest_id"),
                before=page.after_id,
                limit=page.lookahead,
            ),
        )
        shown, token = page.split(found, lambda delivery: (delivery.channel_delivery_id,))
        return delivery_pb2.ListChannelDeliveriesResponse(
            deliveries=map(wire.delivery_to_proto, shown), next_page_token=token
        )

    async def GetChannelDelivery(
        self, request: delivery_pb2.GetChannelDeliveryRequest, context: Context
    ) -> delivery_pb2.GetChannelDeliveryResponse:
        """Return one delivery with its tries."""
        delivery_id = parse_id(request.channel_delivery_id, "channel_delivery_id")
        delivery = await load_delivery(self._store, current_caller().workspace_id, delivery_id)
        tries = await self._store.list_tries(delivery_id, _MOST_TRIES_SHOWN)
        return delivery_pb2.GetChannelDeliveryResponse(
            delivery=wire.delivery_to_proto(delivery), tries=map(wire.try_to_proto, tries)
        )

    async def ResendChannelDelivery(
        self, request: delivery_pb2.ResendChannelDeliveryRequest, context: Context
    ) -> delivery_pb2.ResendChannelDeliveryResponse:
        """Send a delivery again that ended."""
        delivery_id = parse_id(request.channel_delivery_id, "channel_delivery_id")
        delivery = await resend_delivery(self._store, current_caller().workspace_id, delivery_id)
        return delivery_pb2.ResendChannelDeliveryResponse(delivery=wire.delivery_to_proto(delivery))

    async def AcknowledgeChannelDelivery(
        self, request: delivery_pb2.AcknowledgeChannelDeliveryRequest, context: Context
    ) -> delivery_pb2.AcknowledgeChannelDeliveryResponse:
        """Acknowledge a delivery."""
        caller = current_caller()
        delivery_id = parse_id(request.channel_delivery_id, "channel_delivery_id")
        by = storable(caller.display_name or caller.principal_id or "somebody")
        delivery = await self._acknowledging.acknowledge(caller.workspace_id, delivery_id, by)
        return delivery_pb2.AcknowledgeChannelDeliveryResponse(delivery=wire.delivery_to_proto(delivery))

    async def GetAcknowledgement(
        self, request: delivery_pb2.GetAcknowledgementRequest, context: Context
    ) -> delivery_pb2.GetAcknowledgementResponse:
        """Return what a link acknowledges."""
        # The link says whose it is, and is signed; who follows it is nobody that we know.
        with everywhere():
            delivery = await self._acknowledging.find(request.token)
        return delivery_pb2.GetAcknowledgementResponse(acknowledgement=wire.acknowledgement_to_proto(delivery))

    async def AcknowledgeByLink(
        self, request: delivery_pb2.AcknowledgeByLinkRequest, context: Context
    ) -> delivery_pb2.AcknowledgeByLinkResponse:
        """Acknowledge by the link in a message."""
        with everywhere():
            delivery = await self._acknowledging.by_link(request.token)
        return delivery_pb2.AcknowledgeByLinkResponse(acknowledgement=wire.acknowledgement_to_proto(delivery))


def _id(token: str, question: bytes) -> uuid.UUID | None:
    match decode_page_token(token, question):
        case None:
            return None
        case (uuid.UUID() as delivery_id,):
            return delivery_id
    raise errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")
