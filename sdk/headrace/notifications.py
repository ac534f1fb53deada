"""Messages to channels: tell people something from Python.

    send_message("on-call", "orders are late", severity="warning", facts={"Rows": 12})

Each function has a twin for asynchronous code, with an `a` before its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, TypeAlias

from headrace.api.v1 import channel_pb2
from headrace.client import get_client
from headrace.recording.identifiers import new_id

Severity: TypeAlias = Literal["info", "success", "warning", "error", "critical"]


def send_message(
    channel: str,
    subject: str,
    body: str = "",
    *,
    severity: Severity = "info",
    link: str = "",
    facts: Mapping[str, object] | None = None,
    key: str = "",
    group: str = "",
    incident: str = "",
    resolves: bool = False,
) -> str:
    """Queue a message for a channel and return the id of its delivery.

    Args:
        channel: Its name or id.
        subject: One line.
        body: The text; cut to what the channel takes.
        severity: How much it matters. Warnings and worse can be acknowledged, and escalate.
        link: Where there is more to see.
        facts: Names and values to go with it.
        key: A message whose key is known for the channel is not queued again; by default each is new.
        group: Messages of one group are gathered, where the channel gathers.
        incident: The same for all messages about one matter.
        resolves: Whether the matter is settled.

    Raises:
        errors.NotFound: There is no such channel.
        errors.InvalidArgument: The message is wrong.
    """
    channels = get_client().channels
    found = channels.GetChannel(channel_pb2.GetChannelRequest(channel=channel)).channel
    message = channel_pb2.Message(
        subject=subject,
        body=body,
        severity=channel_pb2.Severity.Value(f"SEVERITY_{severity.upper()}"),
        link=link,
        facts=[channel_pb2.Fact(name=name, value=str(value)) for name, value in (facts or {}).items()],
        incident_key=incident,
        resolves=resolves,
    )
    # With a key the call can be repeated where its answer was lost.
    request = channel_pb2.SendMessageRequest(
        channel_id=found.channel_id, message=message, dedup_key=key or str(new_id()), group_key=group
    )
    return channels.SendMessage(request).channel_delivery_id


async def asend_message(
    channel: str,
    subject: str,
    body: str = "",
    *,
    severity: Severity = "info",
    link: str = "",
    facts: Mapping[str, object] | None = None,
    key: str = "",
    group: str = "",
    incident: str = "",
    resolves: bool = False,
) -> str:
    """Queue a message for a channel; as `send_message`."""
    return await asyncio.to_thread(
        send_message,
        channel,
        subject,
        body,
        severity=severity,
        link=link,
        facts=facts,
        key=key,
        group=group,
        incident=incident,
        resolves=resolves,
    )
