"""Mattermost: incoming webhooks, as a rule of a server in one's own network."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, SecretUrl, colour, json_call
from headrace_notification.rules.messages import cut

LONGEST_TEXT = 6000
"""A post holds 16,383 characters, with all that belongs to it."""
MOST_FIELDS = 20
LONGEST_VALUE = 200


class MattermostConfig(Config):
    """An incoming webhook of Mattermost."""

    webhook_url: Annotated[SecretUrl, pydantic.Field(title="Webhook URL", description="Of the incoming webhook.")]
    channel: Annotated[
        str,
        pydantic.Field(max_length=64, title="Channel", description="The webhook's own if empty; @name is a person."),
    ] = ""
    username: Annotated[
        str,
        pydantic.Field(max_length=64, title="Name", description="Under which messages appear, where that is allowed."),
    ] = ""


def _quiet(text: str) -> str:
    # A space of no width: nobody is mentioned by the text of an error.
    return text.replace("@", "@\u200b")


def build(config: MattermostConfig, notice: Notice) -> HttpCall:
    """Return the request with one attachment."""
    message = notice.message
    links = " | ".join(f"[{text.replace(']', ')')}]({url})" for text, url in notice.links_within(4000))
    text = cut(_quiet(message.body), LONGEST_TEXT)
    attachment: dict[str, Any] = {
        "fallback": cut(_quiet(message.subject), 1000),
        "color": colour(message),
        "title": cut(_quiet(message.subject), 300),
        "text": "\n\n".join(part for part in (text, links) if part),
        "fields": [
            {"title": cut(name, 100), "value": cut(_quiet(value), LONGEST_VALUE), "short": len(value) < 40}
            for name, value in message.facts[:MOST_FIELDS]
        ],
    }
    if notice.link:
        attachment["title_link"] = notice.link
    document: dict[str, Any] = {"attachments": [attachment]}
    for name in ("channel", "username"):
        if getattr(config, name):
            document[name] = getattr(config, name)
    return json_call(config.webhook_url, document)


MATTERMOST = Kind(
    kind="mattermost",
    title="Mattermost",
    description="Posts by an incoming webhook. One in a private network must be on the server's egress allow-list.",
    config=MattermostConfig,
    build=build,
    most_per_minute=120,
    documentation_url="https://developers.mattermost.com/integrate/webhooks/incoming/",
)
