"""What all kinds of channels have in common."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pydantic

from headrace_notification.rules.deliveries import Answer, Result
from headrace_notification.rules.messages import Message, Severity

Secret = Annotated[
    str, pydantic.Field(min_length=1, max_length=4096, json_schema_extra={"writeOnly": True, "format": "password"})
]
"""A text that is encrypted where it is stored, and in no answer."""


def _checked_url(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is no URL ({error})") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be a URL that begins with https:// (or http://)")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ValueError("must not hold a user or a password")
    if not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("must hold ASCII characters without spaces only")
    if parts.fragment:
        raise ValueError("must not end with a fragment (#...)")
    return url


Url = Annotated[str, pydantic.Field(max_length=2048), pydantic.AfterValidator(_checked_url)]
SecretUrl = Annotated[
    str,
    pydantic.Field(max_length=2048, json_schema_extra={"writeOnly": True, "format": "password"}),
    pydantic.AfterValidator(_checked_url),
]
"""A URL that whoever knows it can send to."""


class Config(pydantic.BaseModel):
    """What a channel is configured with."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """A message as it is sent to one channel."""

    message: Message
    key: str
    """The same for all tries."""
    sent_at: int
    """Unix time."""
    acknowledge_url: str = ""
    body: bytes = b""
    """What the channel's own template made of it; empty if it has none."""

    @property
    def link(self) -> str:
        """Where there is more to see; "" if that is no address of a page."""
        return self.message.link if _is_link(self.message.link) else ""

    @property
    def links(self) -> list[tuple[str, str]]:
        """Texts and addresses of all links, the one to acknowledge last."""
        links = [("Open", self.link), *self.message.links, ("Acknowledge", self.acknowledge_url)]
        return [(text, url) for text, url in links if _is_link(url)]

    @property
    def incident_key(self) -> str:
        """What the message is about; its own key if it does not say."""
        return self.message.incident_key or self.key

    def links_within(self, room: int) -> list[tuple[str, str]]:
        """Return the links that fit into so many characters; the one to acknowledge goes first, and stays last."""
        fitting: list[tuple[str, str]] = []
        for text, url in reversed(self.links):
            room -= len(text) + len(url) + 8
            if room < 0:
                break
            fitting.insert(0, (text, url))
        return fitting


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://"))


@dataclasses.dataclass(frozen=True, slots=True)
class HttpCall:
    """A message as an HTTP request."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """A message as e-mail, and how to hand it in."""

    host: str
    port: int
    security: str
    """ "starttls", "tls" or "none"."""
    username: str
    password: str
    ca_certificate: str
    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A kind of channels."""

    kind: str
    title: str
    description: str
    config: type[Config]
    build: Callable[[Any, Notice], HttpCall | Mail]
    most_per_minute: float
    """What suits the receiver."""
    documentation_url: str
    refine: Callable[[Answer], Answer] = lambda answer: answer
    """Reads an answer the way that the receiver means it."""
    template_field: str = ""
    """The field with a template of the body, if there is one."""


def json_call(url: str, document: Mapping[str, Any], **headers: str) -> HttpCall:
    """Return the request that posts JSON."""
    # Not sorted and without spaces: sizes are limited.
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return HttpCall(url, {"Content-Type": "application/json; charset=utf-8", **headers}, body)


def plain_text(notice: Notice, *, links: bool = True) -> str:
    """Return a message as text, with its links or without."""
    message = notice.message
    parts = [message.subject]
    if message.body:
        parts.append(message.body)
    if message.facts:
        parts.append("\n".join(f"{name}: {value}" for name, value in message.facts))
    if links and notice.links:
        parts.append("\n".join(f"{text}: {url}" for text, url in notice.links))
    return "\n\n".join(parts)


def html_text(notice: Notice) -> str:
    """Return a message as a page of HTML."""
    message = notice.message
    parts = [f"<h3>{html.escape(message.subject)}</h3>"]
    if message.body:
        parts.append(f'<div style="white-space: pre-wrap">{html.escape(message.body)}</div>')
    if message.facts:
        rows = "".join(
            f'<tr><th align="left">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
            for name, value in message.facts
        )
        parts.append(f"<table>{rows}</table>")
    parts += [f'<p><a href="{html.escape(url)}">{html.escape(text)}</a></p>' for text, url in notice.links]
    return "<!doctype html><html><body>" + "".join(parts) + "</body></html>"


COLOURS = {
    Severity.INFO: 0x3B82F6,
    Severity.SUCCESS: 0x22C55E,
    Severity.WARNING: 0xF59E0B,
    Severity.ERROR: 0xEF4444,
    Severity.CRITICAL: 0xB91C1C,
}


def colour(message: Message) -> str:
    """Return the colour of a message as `#RRGGBB`."""
    return f"#{COLOURS[message.severity]:06x}"


def answered_json(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON object that was answered; an empty one if it was something else."""
    try:
        document = json.loads(answer.text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def hold_by_body(answer: Answer, seconds: object) -> Answer:
    """Return an answer that also says when to come back, where its body does."""
    if answer.result is Result.AGAIN and isinstance(seconds, int | float) and seconds >= 0:
        wanted = max(float(seconds), answer.retry_after_seconds or 0.0)
        return dataclasses.replace(answer, retry_after_seconds=wanted)
    return answer
