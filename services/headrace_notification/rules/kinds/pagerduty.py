"""PagerDuty: events of version 2."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, Secret, Url, json_call
from headrace_notification.rules.messages import Severity, cut

LONGEST_SUMMARY = 1024
LONGEST_KEY = 255
_SEVERITIES = {
    Severity.INFO: "info",
    Severity.SUCCESS: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.CRITICAL: "critical",
}


class PagerDutyConfig(Config):
    """An integration of a PagerDuty service."""

    routing_key: Annotated[
        Secret,
        pydantic.Field(
            title="Integration key", description="Of an Events API v2 integration.", pattern=r"^[A-Za-z0-9]{32}$"
        ),
    ]
    source: Annotated[
        str, pydantic.Field(min_length=1, max_length=255, title="Source", description="What is affected.")
    ] = "headrace"
    component: Annotated[str, pydantic.Field(max_length=255, title="Component")] = ""
    group: Annotated[str, pydantic.Field(max_length=255, title="Group")] = ""
    event_class: Annotated[str, pydantic.Field(max_length=255, title="Class")] = ""
    base_url: Annotated[
        Url, pydantic.Field(title="API", description="https://events.eu.pagerduty.com for accounts in Europe.")
    ] = "https://events.pagerduty.com"


def build(config: PagerDutyConfig, notice: Notice) -> HttpCall:
    """Return the request that opens an incident, adds to it or resolves it."""
    message = notice.message
    document: dict[str, Any] = {
        "routing_key": config.routing_key,
        "event_action": "resolve" if message.resolves else "trigger",
        "dedup_key": cut(notice.incident_key, LONGEST_KEY),
    }
    if not message.resolves:
        payload: dict[str, Any] = {
            "summary": cut(message.subject, LONGEST_SUMMARY),
            "source": config.source,
            "severity": _SEVERITIES[message.severity],
            "timestamp": datetime.datetime.fromtimestamp(notice.sent_at, datetime.UTC).isoformat(),
            "custom_details": {**dict(message.facts), **({"body": message.body} if message.body else {})},
        }
        for name, value in (("component", config.component), ("group", config.group), ("class", config.event_class)):
            if value:
                payload[name] = value
        document |= {"payload": payload, "client": "Headrace"}
        if notice.link:
            document["client_url"] = notice.link
        document["links"] = [{"href": url, "text": text} for text, url in notice.links]
    return json_call(f"{config.base_url.rstrip('/')}/v2/enqueue", document)


PAGERDUTY = Kind(
    kind="pagerduty",
    title="PagerDuty",
    description="Opens and resolves incidents by the Events API v2.",
    config=PagerDutyConfig,
    build=build,
    most_per_minute=120,
    documentation_url="https://developer.pagerduty.com/docs/events-api-v2-overview",
)
