"""Channels for tests, and waiting for what is sent to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc.aio

from headrace.api.v1 import channel_pb2, channel_pb2_grpc, delivery_pb2, delivery_pb2_grpc

PENDING = delivery_pb2.CHANNEL_DELIVERY_STATUS_PENDING
DELIVERED = delivery_pb2.CHANNEL_DELIVERY_STATUS_DELIVERED
DEAD = delivery_pb2.CHANNEL_DELIVERY_STATUS_DEAD
GROUPED = delivery_pb2.CHANNEL_DELIVERY_STATUS_GROUPED


def a_channel(
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str = "on call",
    policy: channel_pb2.ChannelPolicy | None = None,
    **fields: Any,
) -> channel_pb2.Channel:
    """Return a channel as a caller hands it in."""
    channel = channel_pb2.Channel(name=name, kind=kind, policy=policy, **fields)
    channel.config.update(dict(config))
    return channel


async def create_channel(channel: grpc.aio.Channel, wanted: channel_pb2.Channel) -> channel_pb2.Channel:
    """Create a channel and return it as the server shows it."""
    stub = channel_pb2_grpc.ChannelServiceStub(channel)
    response = await stub.CreateChannel(channel_pb2.CreateChannelRequest(channel=wanted))
    return response.channel


async def send(
    channel: grpc.aio.Channel,
    channel_id: str,
    subject: str = "etl failed",
    *,
    key: str = "",
    group: str = "",
    **fields: Any,
) -> str:
    """Queue a message and return its delivery's id."""
    stub = channel_pb2_grpc.ChannelServiceStub(channel)
    message = channel_pb2.Message(**{"subject": subject, "severity": channel_pb2.SEVERITY_ERROR, **fields})
    request = channel_pb2.SendMessageRequest(channel_id=channel_id, message=message, dedup_key=key, group_key=group)
    return str((await stub.SendMessage(request)).channel_delivery_id)


async def channel_deliveries(channel: grpc.aio.Channel, **request: Any) -> list[delivery_pb2.ChannelDelivery]:
    """Return all deliveries that are asked for, oldest first."""
    stub = delivery_pb2_grpc.ChannelDeliveryServiceStub(channel)
    found: list[delivery_pb2.ChannelDelivery] = []
    token = ""
    while True:
        page = await stub.ListChannelDeliveries(
            delivery_pb2.ListChannelDeliveriesRequest(page_size=200, page_token=token, **request)
        )
        found += page.deliveries
        token = page.next_page_token
        if not token:
            return list(reversed(found))


async def load_channel_delivery(
    channel: grpc.aio.Channel, channel_delivery_id: str
) -> delivery_pb2.GetChannelDeliveryResponse:
    """Return a delivery with its tries."""
    stub = delivery_pb2_grpc.ChannelDeliveryServiceStub(channel)
    request = delivery_pb2.GetChannelDeliveryRequest(channel_delivery_id=channel_delivery_id)
    response: delivery_pb2.GetChannelDeliveryResponse = await stub.GetChannelDelivery(request)
    return response


async def ended(channel: grpc.aio.Channel, channel_delivery_id: str) -> delivery_pb2.GetChannelDeliveryResponse:
    """Return a delivery with its tries once it does not wait any more."""
    while True:
        found = await load_channel_delivery(channel, channel_delivery_id)
        if found.delivery.status != PENDING:
            return found
        await asyncio.sleep(0.02)


async def all_ended(channel: grpc.aio.Channel, count: int, **request: Any) -> list[delivery_pb2.ChannelDelivery]:
    """Return deliveries once there are `count` and none waits any more."""
    while True:
        found = await channel_deliveries(channel, **request)
        if len(found) >= count and all(one.status != PENDING for one in found):
            return found
        await asyncio.sleep(0.05)
