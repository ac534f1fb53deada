"""Opsgenie: alerts."""

from __future__ import annotations

import urllib.parse
from typing import Annotated, Any, Literal

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, Secret, Url, json_call, plain_text
from headrace_notification.rules.messages import Severity, cut

LONGEST_MESSAGE = 130
LONGEST_ALIAS = 512
LONGEST_DESCRIPTION = 15_000
LONGEST_DETAILS = 8000
"""Characters of all details."""
MOST_TAGS = 20

_PRIORITIES = {
    Severity.INFO: "P5",
    Severity.SUCCESS: "P5",
    Severity.WARNING: "P3",
    Severity.ERROR: "P2",
    Severity.CRITICAL: "P1",
}


class Responder(Config):
    """Whom an alert is for."""

    type: Annotated[Literal["team", "user", "escalation", "schedule"], pydantic.Field(title="Type")] = "team"
    name: Annotated[
        str, pydantic.Field(min_length=1, max_length=255, title="Name", description="A user's is the e-mail address.")
    ]


class OpsgenieConfig(Config):
    """An API integration of Opsgenie."""

    api_key: Annotated[Secret, pydantic.Field(title="API key", description="Of an API integration.")]
    responders: Annotated[
        tuple[Responder, ...],
        pydantic.Field(max_length=50, title="Responders", description="Those of the integration if empty."),
    ] = ()
    tags: Annotated[
        tuple[Annotated[str, pydantic.Field(min_length=1, max_length=50)], ...],
        pydantic.Field(max_length=MOST_TAGS, title="Tags"),
    ] = ()
    priority: Annotated[
        Literal["", "P1", "P2", "P3", "P4", "P5"], pydantic.Field(title="Priority", description="By severity if empty.")
    ] = ""
    entity: Annotated[str, pydantic.Field(max_length=512, title="Entity")] = ""
    base_url: Annotated[
        Url, pydantic.Field(title="API", description="https://api.eu.opsgenie.com for accounts in Europe.")
    ] = "https://api.opsgenie.com"


def build(config: OpsgenieConfig, notice: Notice) -> HttpCall:
    """Return the request that creates an alert, or closes the one of the matter."""
    message = notice.message
    base = config.base_url.rstrip("/")
    alias = cut(notice.incident_key, LONGEST_ALIAS)
    key = {"Authorization": f"GenieKey {config.api_key}"}
    if message.resolves:
        url = f"{base}/v2/alerts/{urllib.parse.quote(alias, safe='')}/close?identifierType=alias"
        return json_call(url, {"source": "Headrace", "note": cut(message.subject, 1000)}, **key)
    details: dict[str, str] = {}
    left = LONGEST_DETAILS
    for name, value in message.facts:
        value = cut(value, 1000)
        left -= len(name) + len(value)
        if left < 0:
            break
        details[name] = value
    document: dict[str, Any] = {
        "message": cut(message.subject, LONGEST_MESSAGE),
        "alias": alias,
        "description": cut(plain_text(notice), LONGEST_DESCRIPTION),
        "priority": config.priority or _PRIORITIES[message.severity],
        "source": "Headrace",
        "tags": list(config.tags),
        "details": details,
    }
    if config.responders:
        document["responders"] = [_responder(each) for each in config.responders]
    if config.entity:
        document["entity"] = config.entity
    return json_call(f"{base}/v2/alerts", document, **key)


def _responder(responder: Responder) -> dict[str, str]:
    return {"type": responder.type, "username" if responder.type == "user" else "name": responder.name}


OPSGENIE = Kind(
    kind="opsgenie",
    title="Opsgenie",
    description="Creates and closes alerts.",
    config=OpsgenieConfig,
    build=build,
    most_per_minute=60,
    documentation_url="https://docs.opsgenie.com/docs/alert-api",
)
