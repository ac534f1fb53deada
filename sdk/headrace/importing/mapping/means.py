"""What actions of automations go through: blocks there, channels and calls here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from headrace.api.v1 import automation_pb2, channel_pb2
from headrace.importing.mapping.values import struct, text

_METHODS = frozenset({"POST", "PUT", "PATCH"})


@dataclasses.dataclass(slots=True)
class Means:
    """What became of blocks that actions go through, by the ids of their documents there."""

    calls: dict[str, automation_pb2.CallWebhookAction] = dataclasses.field(default_factory=dict)
    channels: dict[str, str] = dataclasses.field(default_factory=dict)
    """Ids of channels."""


def call_of(data: Mapping[str, Any], block_id: str) -> automation_pb2.CallWebhookAction | None:
    """Return what a block calls; None if it calls nothing.

    Args:
        data: What the block holds, with secrets.
        block_id: The block here.
    """
    url, headers = data.get("url"), data.get("headers")
    if not isinstance(url, str):
        return None
    return automation_pb2.CallWebhookAction(
        url=text(url),
        method=text(str(data.get("method") or "POST")),
        headers={text(str(name)): text(str(word)) for name, word in headers.items()} if headers else {},
        allow_private_addresses=bool(data.get("allow_private_urls", True)),
        block_id=block_id,
    )


def channel_of(slug: str, name: str, data: Mapping[str, Any], channel_id: str) -> channel_pb2.Channel | None:
    """Return the channel that a block becomes; None if there is no kind of channel like it.

    Args:
        slug: The block's type.
        name: Its name.
        data: What it holds, with secrets.
        channel_id: The id that the channel gets: that of the block here, as if a stock client had made it.
    """
    make = _KINDS.get(slug)
    if make is None:
        return None
    kind, config = make(data)
    return channel_pb2.Channel(
        channel_id=channel_id,
        name=f"{slug}/{name}",
        description="Made from the block of this name.",
        kind=kind,
        config=struct(config),
    )


def _by_url(kind: str) -> Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]:
    return lambda data: (kind, {"webhook_url": data.get("url")})


def _discord(data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    url = f"https://discord.com/api/webhooks/{data.get('webhook_id')}/{data.get('webhook_token')}"
    return "discord", {"webhook_url": url}


def _webhook(data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    method = data.get("method") if data.get("method") in _METHODS else "POST"
    return "webhook", {"url": data.get("url"), "method": method, "headers": data.get("headers") or {}}


_KINDS: dict[str, Callable[[Mapping[str, Any]], tuple[str, dict[str, Any]]]] = {
    "slack-webhook": _by_url("slack"),
    "ms-teams-webhook": _by_url("teams"),
    "discord-webhook": _discord,
    "custom-webhook": _webhook,
    "webhook": _webhook,
}
