"""Google Chat: webhooks of spaces."""

from __future__ import annotations

import html
import urllib.parse
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, SecretUrl, json_call
from headrace_notification.rules.messages import cut, cut_bytes

LARGEST = 32_000
"""Bytes of a message with its cards."""
MOST_BODY = 10_000
MOST_FACTS = 20


class GoogleChatConfig(Config):
    """A webhook of a space."""

    webhook_url: Annotated[
        SecretUrl, pydantic.Field(title="Webhook URL", description="From the space's apps and integrations.")
    ]
    threads: Annotated[
        bool, pydantic.Field(title="Threads", description="Messages about one matter go into one thread.")
    ] = True


def _document(notice: Notice, longest_body: int, longest_fact: int) -> dict[str, Any]:
    message = notice.message
    widgets: list[dict[str, Any]] = []
    if message.body:
        text = html.escape(cut_bytes(message.body, longest_body), quote=False)
        widgets.append({"textParagraph": {"text": text.replace("\n", "<br>")}})
    widgets += [
        {
            "decoratedText": {
                "topLabel": cut(name, 100),
                "text": html.escape(cut_bytes(value, longest_fact), quote=False),
                "wrapText": True,
            }
        }
        for name, value in message.facts[:MOST_FACTS]
    ]
    if notice.links:
        buttons = [{"text": cut(text, 80), "onClick": {"openLink": {"url": url}}} for text, url in notice.links]
        widgets.append({"buttonList": {"buttons": buttons}})
    card: dict[str, Any] = {"header": {"title": cut(message.subject, 200), "subtitle": message.severity.name.lower()}}
    if widgets:
        card["sections"] = [{"widgets": widgets}]
    # The text is what notifications show.
    document: dict[str, Any] = {
        "text": cut(message.subject, 500),
        "cardsV2": [{"cardId": cut(notice.key, 64), "card": card}],
    }
    return document


def build(config: GoogleChatConfig, notice: Notice) -> HttpCall:
    """Return the request with one card."""
    url, longest_body, longest_fact = config.webhook_url, MOST_BODY, 500
    thread = {}
    if config.threads:
        thread = {"thread": {"threadKey": notice.incident_key}}
        parts = urllib.parse.urlsplit(url)
        query = [pair for pair in urllib.parse.parse_qsl(parts.query) if pair[0] != "messageReplyOption"]
        query.append(("messageReplyOption", "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"))
        url = parts._replace(query=urllib.parse.urlencode(query)).geturl()
    while True:
        call = json_call(url, {**_document(notice, longest_body, longest_fact), **thread})
        if len(call.body) <= LARGEST or longest_body < 100:
            return call
        longest_body, longest_fact = longest_body // 2, max(20, longest_fact // 2)


GOOGLE_CHAT = Kind(
    kind="google-chat",
    title="Google Chat",
    description="Posts to a space by a webhook.",
    config=GoogleChatConfig,
    build=build,
    most_per_minute=60,
    documentation_url="https://developers.google.com/workspace/chat/quickstart/webhooks",
)
