"""Microsoft Teams: a workflow that posts what a webhook receives."""

from __future__ import annotations

from typing import Annotated, Any

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, SecretUrl, json_call
from headrace_notification.rules.messages import Severity, cut, cut_bytes

LARGEST = 28 * 1024
"""Bytes of a message."""

MOST_BODY = 12_000
MOST_FACTS = 20
MOST_ACTIONS = 6
_COLOURS = {
    Severity.INFO: "accent",
    Severity.SUCCESS: "good",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}


class TeamsConfig(Config):
    """A workflow of Microsoft Teams."""

    webhook_url: Annotated[
        SecretUrl,
        pydantic.Field(
            title="Webhook URL", description='Of a workflow that begins "when a webhook request is received".'
        ),
    ]


def _document(notice: Notice, longest_body: int, longest_fact: int) -> dict[str, Any]:
    message = notice.message
    body: list[dict[str, Any]] = [
        {
            "type": "TextBlock",
            "text": cut(message.subject, 500),
            "size": "large",
            "weight": "bolder",
            "wrap": True,
            "color": _COLOURS[message.severity],
        }
    ]
    if message.body:
        body.append({"type": "TextBlock", "text": cut_bytes(message.body, longest_body), "wrap": True})
    if message.facts:
        facts = [
            {"title": cut(name, 100), "value": cut_bytes(value, longest_fact)}
            for name, value in message.facts[:MOST_FACTS]
        ]
        body.append({"type": "FactSet", "facts": facts})
    links = notice.links
    shown = links if len(links) <= MOST_ACTIONS else [*links[: MOST_ACTIONS - 1], links[-1]]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": cut(text, 80), "url": url} for text, url in shown],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def build(config: TeamsConfig, notice: Notice) -> HttpCall:
    """Return the request with an adaptive card that is no larger than Teams takes."""
    longest_body, longest_fact = MOST_BODY, 400
    while True:
        call = json_call(config.webhook_url, _document(notice, longest_body, longest_fact))
        # Quotation marks and line breaks take two bytes each in JSON.
        if len(call.body) <= LARGEST or longest_body < 100:
            return call
        longest_body, longest_fact = longest_body // 2, max(20, longest_fact // 2)


TEAMS = Kind(
    kind="teams",
    title="Microsoft Teams",
    description="Posts an adaptive card by a workflow's webhook.",
    config=TeamsConfig,
    build=build,
    most_per_minute=60,
    documentation_url="https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
)
