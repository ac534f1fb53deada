"""Automations for tests, and waiting for what they do."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from typing import Any

import grpc.aio

from headrace.api.v1 import automation_pb2, automation_pb2_grpc
from headrace.ids import uuid7


def a_webhook(url: str, **fields: Any) -> automation_pb2.Action:
    """Return the action that calls a receiver on this machine."""
    return automation_pb2.Action(
        call_webhook=automation_pb2.CallWebhookAction(**{"url": url, "allow_private_addresses": True, **fields})
    )


def a_match(**labels: str | Sequence[str]) -> automation_pb2.ResourceMatch:
    """Return a match of labels; `resource_id` stands for `headrace.resource.id`, and so on."""
    message = automation_pb2.ResourceMatch()
    for label, values in labels.items():
        name = f"headrace.{label.replace('_', '.')}" if label.startswith("resource_") else label
        message.labels[name].values.extend([values] if isinstance(values, str) else values)
    return message


def an_automation(
    *actions: automation_pb2.Action,
    expect: Sequence[str] = ("headrace.flow-run.Failed",),
    within: datetime.timedelta = datetime.timedelta(),
    name: str = "tell me",
    enabled: bool = True,
    **trigger: Any,
) -> automation_pb2.Automation:
    """Return an automation on events, as a caller hands it in."""
    event = automation_pb2.EventTrigger(expect=expect, **trigger)
    event.within.FromTimedelta(within)
    return automation_pb2.Automation(
        automation_id=str(uuid7()),
        name=name,
        enabled=enabled,
        trigger=automation_pb2.Trigger(event=event),
        actions=actions,
    )


async def create(channel: grpc.aio.Channel, automation: automation_pb2.Automation) -> automation_pb2.Automation:
    """Create an automation and return it as the server shows it."""
    stub = automation_pb2_grpc.AutomationServiceStub(channel)
    response = await stub.CreateAutomation(automation_pb2.CreateAutomationRequest(automation=automation))
    return response.automation


async def deliveries(channel: grpc.aio.Channel, **request: Any) -> list[automation_pb2.Delivery]:
    """Return the newest deliveries, oldest first."""
    stub = automation_pb2_grpc.AutomationServiceStub(channel)
    response = await stub.ListDeliveries(automation_pb2.ListDeliveriesRequest(page_size=200, **request))
    return list(reversed(response.deliveries))


async def settled(channel: grpc.aio.Channel, count: int = 1, **request: Any) -> list[automation_pb2.Delivery]:
    """Return the deliveries once there are `count` and none waits any more."""
    while True:
        found = await deliveries(channel, **request)
        if len(found) >= count and all(one.status != automation_pb2.DELIVERY_STATUS_PENDING for one in found):
            return found
        await asyncio.sleep(0.02)


async def answered(channel: grpc.aio.Channel, text: str) -> automation_pb2.Delivery:
    """Return the first delivery whose last try was answered with `text`."""
    while True:
        for one in await deliveries(channel):
            if one.last_answer == text:
                return one
        await asyncio.sleep(0.02)
