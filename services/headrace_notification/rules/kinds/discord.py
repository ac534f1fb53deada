"""Discord: webhooks of channels."""

from __future__ import annotations

import urllib.parse
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.deliveries import Answer
from headrace_notification.rules.kinds.base import (
    COLOURS,
    Config,
    HttpCall,
    Kind,
    Notice,
    SecretUrl,
    answered_json,
    hold_by_body,
    json_call,
)
from headrace_notification.rules.messages import cut

LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 4096
MOST_FIELDS = 25
LONGEST_NAME = 256
LONGEST_VALUE = 1024
LONGEST_EMBED = 6000
"""Characters of all texts of an embed."""


class DiscordConfig(Config):
    """A webhook of a Discord channel."""

    webhook_url: Annotated[
        SecretUrl, pydantic.Field(title="Webhook URL", description="From the channel's integrations.")
    ]
    username: Annotated[
        str,
        pydantic.Field(max_length=80, title="Name", description="Under which messages appear; the webhook's if empty."),
    ] = ""


def build(config: DiscordConfig, notice: Notice) -> HttpCall:
    """Return the request with one embed, in which nobody is mentioned."""
    message = notice.message
    title = cut(message.subject, LONGEST_TITLE)
    links = "\n".join(f"[{text.replace(']', ')')}]({url})" for text, url in notice.links_within(2000))
    room = LONGEST_DESCRIPTION - (len(links) + 2 if links else 0)
    description = cut(message.body, max(1, room)) if message.body else ""
    description = "\n\n".join(part for part in (description, links) if part)
    left = LONGEST_EMBED - len(title) - len(description)
    fields: list[dict[str, Any]] = []
    for name, value in message.facts[:MOST_FIELDS]:
        field = {"name": cut(name, LONGEST_NAME), "value": cut(value, LONGEST_VALUE) or "-", "inline": len(value) < 40}
        left -= len(str(field["name"])) + len(str(field["value"]))
        if left < 0:
            break
        fields.append(field)
    embed: dict[str, Any] = {"title": title, "color": COLOURS[message.severity], "fields": fields}
    if description:
        embed["description"] = description
    if notice.link:
        embed["url"] = notice.link
    document: dict[str, Any] = {"embeds": [embed], "allowed_mentions": {"parse": []}}
    if config.username:
        document["username"] = config.username
    parts = urllib.parse.urlsplit(config.webhook_url)
    query = [pair for pair in urllib.parse.parse_qsl(parts.query) if pair[0] != "wait"]
    # So that the answer tells whether the message stands, and not only whether it was read.
    return json_call(parts._replace(query=urllib.parse.urlencode([*query, ("wait", "true")])).geturl(), document)


def refine(answer: Answer) -> Answer:
    """Return the answer with the pause that Discord asks for in its body."""
    return hold_by_body(answer, answered_json(answer).get("retry_after"))


DISCORD = Kind(
    kind="discord",
    title="Discord",
    description="Posts to a channel by a webhook.",
    config=DiscordConfig,
    build=build,
    refine=refine,
    most_per_minute=30,
    documentation_url="https://discord.com/developers/docs/resources/webhook",
)
