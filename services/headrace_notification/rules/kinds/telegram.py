"""Telegram: a bot that writes to a chat."""

from __future__ import annotations

import html
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.deliveries import Answer
from headrace_notification.rules.kinds.base import (
    Config,
    HttpCall,
    Kind,
    Notice,
    Secret,
    Url,
    answered_json,
    hold_by_body,
    json_call,
)
from headrace_notification.rules.messages import Severity, cut

LONGEST_TEXT = 4096
"""Characters of a message without its markup."""
LONGEST_BUTTON = 64


class TelegramConfig(Config):
    """A bot of Telegram, and a chat."""

    token: Annotated[
        Secret,
        pydantic.Field(title="Token", description="From @BotFather.", pattern=r"^[0-9]+:[A-Za-z0-9_-]+$"),
    ]
    chat_id: Annotated[
        str,
        pydantic.Field(
            title="Chat", description="Its number, or @channel.", pattern=r"^(-?[0-9]{1,20}|@[A-Za-z0-9_]{4,64})$"
        ),
    ]
    message_thread_id: Annotated[
        int | None, pydantic.Field(ge=1, title="Topic", description="Of a group with topics.")
    ] = None
    base_url: Annotated[
        Url, pydantic.Field(title="API", description="Where the bot API is; another for a server of your own.")
    ] = "https://api.telegram.org"


def build(config: TelegramConfig, notice: Notice) -> HttpCall:
    """Return the request with the text as HTML and the links as buttons."""
    message = notice.message
    subject = cut(message.subject, 500)
    parts = [message.body] if message.body else []
    if message.facts:
        parts.append("\n".join(f"{name}: {value}" for name, value in message.facts))
    rest = cut("\n\n".join(parts), LONGEST_TEXT - len(subject) - 2)
    text = f"<b>{html.escape(subject, quote=False)}</b>"
    if rest:
        text += "\n\n" + html.escape(rest, quote=False)
    document: dict[str, Any] = {
        "chat_id": config.chat_id,
        "text": text,
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": message.severity < Severity.WARNING,
    }
    if config.message_thread_id is not None:
        document["message_thread_id"] = config.message_thread_id
    if notice.links:
        document["reply_markup"] = {
            "inline_keyboard": [[{"text": cut(label, LONGEST_BUTTON), "url": url}] for label, url in notice.links]
        }
    return json_call(f"{config.base_url.rstrip('/')}/bot{config.token}/sendMessage", document)


def refine(answer: Answer) -> Answer:
    """Return the answer with the pause that Telegram asks for in its body."""
    parameters = answered_json(answer).get("parameters")
    return hold_by_body(answer, parameters.get("retry_after") if isinstance(parameters, dict) else None)


TELEGRAM = Kind(
    kind="telegram",
    title="Telegram",
    description="Writes to a chat as a bot.",
    config=TelegramConfig,
    build=build,
    refine=refine,
    most_per_minute=20,
    documentation_url="https://core.telegram.org/bots/api#sendmessage",
)
