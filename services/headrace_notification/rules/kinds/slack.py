"""Slack: incoming webhooks, and bots with a token."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.deliveries import Answer, Result
from headrace_notification.rules.kinds.base import (
    Config,
    HttpCall,
    Kind,
    Notice,
    Secret,
    SecretUrl,
    Url,
    answered_json,
    json_call,
)
from headrace_notification.rules.messages import cut

LONGEST_HEADER = 150
LONGEST_SECTION = 3000
MOST_FIELDS = 10
LONGEST_FIELD = 500
"""Shorter than Slack's limit of 2,000: all texts of a message together are limited, too."""
LONGEST_BUTTON = 75
LONGEST_URL = 3000
MOST_BUTTONS = 5

_PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


class SlackConfig(Config):
    """An incoming webhook of Slack."""

    webhook_url: Annotated[SecretUrl, pydantic.Field(title="Webhook URL", description="Of the incoming webhook.")]


class SlackBotConfig(Config):
    """A bot in a Slack workspace."""

    token: Annotated[Secret, pydantic.Field(title="Bot token", description="Begins with xoxb-; needs chat:write.")]
    channel: Annotated[
        str, pydantic.Field(min_length=1, max_length=255, title="Channel", description="Its id, or #name.")
    ]
    base_url: Annotated[Url, pydantic.Field(title="API", description="Where Slack's API is.")] = "https://slack.com/api"


def blocks(notice: Notice) -> list[dict[str, Any]]:
    """Return a message as blocks."""
    message = notice.message
    made: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": cut(message.subject, LONGEST_HEADER)}}
    ]
    if message.body:
        made.append({"type": "section", "text": _text(message.body, LONGEST_SECTION)})
    facts = message.facts[:MOST_FIELDS]
    if facts:
        fields = [
            {"type": "mrkdwn", "text": _fit(value, LONGEST_FIELD, f"*{escaped(cut(name, 100))}*\n")}
            for name, value in facts
        ]
        made.append({"type": "section", "fields": fields})
    buttons = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": cut(text, LONGEST_BUTTON)},
            "url": url,
            "action_id": f"link-{place}",
        }
        for place, (text, url) in enumerate(notice.links)
        if len(url) <= LONGEST_URL
    ]
    if buttons:
        # The last one acknowledges: it stays whatever else is left out.
        shown = buttons if len(buttons) <= MOST_BUTTONS else [*buttons[: MOST_BUTTONS - 1], buttons[-1]]
        made.append({"type": "actions", "elements": shown})
    return made


def escaped(text: str) -> str:
    """Return a text in which nothing is a mention, a link or a command."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(text: str, longest: int) -> dict[str, str]:
    return {"type": "mrkdwn", "text": _fit(text, longest)}


def _fit(text: str, longest: int, before: str = "") -> str:
    # Cut before it is escaped, so that no entity is cut; shorter and shorter until it fits.
    room = longest - len(before)
    fitting = room
    while len(escaped(cut(text, fitting))) > room:
        fitting = fitting * 3 // 4
    return before + escaped(cut(text, fitting))


def _payload(notice: Notice) -> dict[str, Any]:
    # What notifications and readers of screens show.
    return {"text": _fit(notice.message.subject, LONGEST_SECTION), "blocks": blocks(notice)}


def build_webhook(config: SlackConfig, notice: Notice) -> HttpCall:
    """Return the request to an incoming webhook."""
    return json_call(config.webhook_url, _payload(notice))


def build_bot(config: SlackBotConfig, notice: Notice) -> HttpCall:
    """Return the request that posts as a bot."""
    document = {"channel": config.channel, "unfurl_links": False, **_payload(notice)}
    url = f"{config.base_url.rstrip('/')}/chat.postMessage"
    return json_call(url, document, Authorization=f"Bearer {config.token}")


def refine_bot(answer: Answer) -> Answer:
    """Return the answer as Slack means it: refusals come with the status 200."""
    document = answered_json(answer)
    if answer.result is not Result.DONE or document.get("ok") is True:
        return answer
    error = str(document.get("error", "no answer of Slack's API"))
    # What is no answer of Slack's says nothing for good.
    passes = not document or error in _PASSING
    return dataclasses.replace(answer, result=Result.AGAIN if passes else Result.REFUSED)


SLACK = Kind(
    kind="slack",
    title="Slack",
    description="Posts to a channel by an incoming webhook.",
    config=SlackConfig,
    build=build_webhook,
    most_per_minute=60,
    documentation_url="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
)
SLACK_BOT = Kind(
    kind="slack-bot",
    title="Slack (bot)",
    description="Posts to any channel that a bot is a member of.",
    config=SlackBotConfig,
    build=build_bot,
    refine=refine_bot,
    most_per_minute=60,
    documentation_url="https://docs.slack.dev/reference/methods/chat.postMessage",
)
