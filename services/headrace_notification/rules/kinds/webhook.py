"""Any other receiver: a templated, signed HTTP request."""

from __future__ import annotations

import json
import re
from typing import Annotated, Literal

import pydantic

from headrace_notification.rules.kinds.base import Config, HttpCall, Kind, Notice, Secret, Url
from headrace_notification.rules.messages import message_document
from headrace_notification.rules.signing import signature

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "headrace-signature", "headrace-delivery-id"}
)


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OURS:
            raise ValueError(f"{name!r} is no header that can be set")
        if not value.isascii() or not value.isprintable():
            raise ValueError(f"the value of {name} must hold printable ASCII characters only")
    return headers


class WebhookConfig(Config):
    """A URL, and what is sent to it."""

    url: Annotated[Url, pydantic.Field(title="URL")]
    method: Annotated[Literal["POST", "PUT", "PATCH"], pydantic.Field(title="Method")] = "POST"
    headers: Annotated[
        dict[str, Secret],
        pydantic.Field(default_factory=dict, max_length=20, title="Headers"),
        pydantic.AfterValidator(_checked_headers),
    ]
    body_template: Annotated[
        str,
        pydantic.Field(
            max_length=20_000,
            title="Body",
            description="A template over message.subject, .body, .severity, .link, .facts, .links, .key, "
            ".incident_key, .resolves and .acknowledge_url; all of them as JSON if empty.",
        ),
    ] = ""
    signing_secret: Annotated[
        Secret | None,
        pydantic.Field(title="Signing secret", description="For the header Headrace-Signature (HMAC-SHA256)."),
    ] = None


TEMPLATE_VARIABLES = frozenset({"message"})
"""What templates of the body may name."""


def variables(notice: Notice) -> dict[str, object]:
    """Return the variable `message` of templates."""
    message = notice.message
    return {
        **message_document(message),
        "severity": message.severity.name.lower(),
        "facts": dict(message.facts),
        "links": [{"text": text, "url": url} for text, url in message.links],
        "key": notice.key,
        "incident_key": notice.incident_key,
        "acknowledge_url": notice.acknowledge_url,
    }


def build(config: WebhookConfig, notice: Notice) -> HttpCall:
    """Return the request, signed if there is a secret."""
    body = notice.body or json.dumps(variables(notice), ensure_ascii=False).encode("utf-8", "replace")
    headers = {"Content-Type": _content_type(body)}
    given = {name.lower() for name in config.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in given} | dict(config.headers)
    if config.signing_secret:
        headers["Headrace-Signature"] = signature(config.signing_secret, notice.sent_at, body)
    return HttpCall(config.url, headers, body, config.method)


def _content_type(body: bytes) -> str:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return "text/plain; charset=utf-8"
    return "application/json; charset=utf-8"


WEBHOOK = Kind(
    kind="webhook",
    title="Webhook",
    description="Sends a templated, signed request to any URL.",
    config=WebhookConfig,
    build=build,
    most_per_minute=600,
    documentation_url="",
    template_field="body_template",
)
