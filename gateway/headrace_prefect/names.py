"""Names of events, resources and labels: ours begin with `headrace.`, Prefect's with `prefect.`.

What the server itself tells is named alike on both sides behind that word. Resources are renamed both ways, so that
automations and filters of either side see what the other one tells. Names of events that clients make up stay as they
are: only the server's own begin with `headrace.`.
"""

from __future__ import annotations

from collections.abc import Iterable

OURS = "headrace."
THEIRS = "prefect."

RESOURCE_ID = THEIRS + "resource.id"
RESOURCE_NAME = THEIRS + "resource.name"
RESOURCE_ROLE = THEIRS + "resource.role"


def to_ours(text: str) -> str:
    """Return the id of a resource, or a label, in our words."""
    return OURS + text[len(THEIRS) :] if text.startswith(THEIRS) else text


def to_theirs(text: str) -> str:
    """Return the id of a resource, a label, or the name of an event in Prefect's words."""
    return THEIRS + text[len(OURS) :] if text.startswith(OURS) else text


def pattern_to_ours(pattern: str) -> str:
    """Return a pattern of resource ids in our words; "!" may stand in front."""
    if pattern.startswith("!"):
        return "!" + to_ours(pattern[1:])
    return to_ours(pattern)


def pattern_to_theirs(pattern: str) -> str:
    """Return a pattern of resource ids in Prefect's words; "!" may stand in front."""
    if pattern.startswith("!"):
        return "!" + to_theirs(pattern[1:])
    return to_theirs(pattern)


def events_to_ours(patterns: Iterable[str]) -> list[str]:
    """Return patterns of names of events: those of the server in our words, those of clients as they are."""
    found: dict[str, None] = {}
    for pattern in patterns:
        start = pattern.removesuffix("*")
        if pattern.startswith(THEIRS):
            found[to_ours(pattern)] = None
        elif pattern.endswith("*") and THEIRS.startswith(start) and start:
            found[OURS + "*"] = None
        found[pattern] = None
    return list(found)


def events_to_theirs(patterns: Iterable[str]) -> list[str]:
    """Return patterns of names of events as they were before `events_to_ours`."""
    return list(dict.fromkeys(to_theirs(pattern) for pattern in patterns))
