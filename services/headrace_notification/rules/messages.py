"""Messages: what is told to people, and how much of it fits."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Mapping
from typing import Any

LONGEST_SUBJECT = 1000
LONGEST_BODY = 50_000
LONGEST_FACT = 4000
LONGEST_NAME = 255
LONGEST_LINK = 2048
LONGEST_KEY = 255
MOST_FACTS = 50
MOST_LINKS = 5

CUT = "…"
"""Stands where a text was cut."""


class Severity(enum.IntEnum):
    """How much a message matters; larger is worse."""

    INFO = 1
    SUCCESS = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """What is told."""

    subject: str
    """One line."""
    body: str = ""
    severity: Severity = Severity.INFO
    link: str = ""
    """Where there is more to see."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values, in this order."""
    links: tuple[tuple[str, str], ...] = ()
    """Texts and addresses of further links."""
    incident_key: str = ""
    """The same for all messages about one matter."""
    resolves: bool = False
    """Whether the matter is settled."""
    plural: str = ""
    """What several such are called, as in "17 runs failed in 5 minutes": "runs failed"."""


@dataclasses.dataclass(frozen=True, slots=True)
class Envelope:
    """A message, where it goes and why."""

    workspace_id: uuid.UUID
    channel_id: uuid.UUID
    message: Message
    dedup_key: str
    """A message whose key is known for the channel is not queued again."""
    group_key: str = ""
    """Those of one key are gathered, where the channel gathers; "" is sent alone."""
    event_id: uuid.UUID | None = None
    automation_id: uuid.UUID | None = None
    flow_run_id: uuid.UUID | None = None
    escalation_of_id: uuid.UUID | None = None
    escalations: int = 0
    """How often it was passed on because nobody acknowledged."""


def cut(text: str, longest: int) -> str:
    """Return a text of at most `longest` characters, with a mark where it was cut."""
    return text if len(text) <= longest else text[: longest - 1] + CUT


def cut_bytes(text: str, longest: int) -> str:
    """Return a text of at most `longest` bytes in UTF-8, with a mark where it was cut."""
    data = text.encode()
    if len(data) <= longest:
        return text
    return data[: longest - len(CUT.encode())].decode(errors="ignore") + CUT


def one_line(text: str) -> str:
    """Return a text without line breaks and other control characters, which mean something in headers."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def fitted(message: Message) -> Message:
    """Return a message within all limits, which can be stored."""
    return dataclasses.replace(
        message,
        subject=cut(one_line(message.subject), LONGEST_SUBJECT) or "(no subject)",
        body=cut(_storable(message.body), LONGEST_BODY),
        link=_storable(message.link) if len(message.link) <= LONGEST_LINK else "",
        facts=tuple(
            (cut(one_line(name), LONGEST_NAME), cut(_storable(value), LONGEST_FACT))
            for name, value in message.facts[:MOST_FACTS]
        ),
        links=tuple(
            (cut(one_line(text), LONGEST_NAME), _storable(url))
            for text, url in message.links[:MOST_LINKS]
            if len(url) <= LONGEST_LINK
        ),
        incident_key=cut(_storable(message.incident_key), LONGEST_KEY),
        plural=cut(one_line(message.plural), LONGEST_NAME),
    )


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def message_document(message: Message) -> dict[str, Any]:
    """Return a message as JSON."""
    return {
        "subject": message.subject,
        "body": message.body,
        "severity": message.severity.name,
        "link": message.link,
        "facts": [list(fact) for fact in message.facts],
        "links": [list(link) for link in message.links],
        "incident_key": message.incident_key,
        "resolves": message.resolves,
        "plural": message.plural,
    }


def message_from_document(document: Mapping[str, Any]) -> Message:
    """Return the message that JSON describes."""
    return Message(
        subject=document["subject"],
        body=document["body"],
        severity=Severity[document["severity"]],
        link=document["link"],
        facts=tuple((name, value) for name, value in document["facts"]),
        links=tuple((text, url) for text, url in document["links"]),
        incident_key=document["incident_key"],
        resolves=document["resolves"],
        plural=document["plural"],
    )
