"""What an automation must be like to be of use."""

from __future__ import annotations

import datetime
import math
import re
import urllib.parse
from collections.abc import Iterator
from typing import TypeAlias

from headrace_notification.rules.automations import (
    METHODS,
    PLACES,
    Action,
    Automation,
    CallWebhook,
    EmitEvent,
    RunDeployment,
    SteerPlace,
)
from headrace_notification.rules.built_in import BUILT_IN, is_built_in
from headrace_notification.rules.events import RESERVED_PREFIX
from headrace_notification.rules.metrics import OPERATORS, WINDOWED, MetricTrigger, faults_of_match
from headrace_notification.rules.triggers import EventTrigger, Posture, Trigger, leaves, metric_leaves

Fault: TypeAlias = tuple[str, str]
"""The path of a field, and what is wrong with it."""

MASK = "********"
"""Stands for a secret in what is returned; handed in again, it keeps the secret."""

SHORTEST_RANGE = datetime.timedelta(minutes=1)
LONGEST_RANGE = datetime.timedelta(days=31)
SHORTEST_PROACTIVE = datetime.timedelta(seconds=10)
LONGEST_WITHIN = datetime.timedelta(days=366)
HIGHEST_THRESHOLD = 1_000_000
MOST_NAMES = 100
MOST_CONDITIONS = 20
DEEPEST = 5
MOST_LABELS = 100
MOST_HEADERS = 50
MOST_TAGS = 100
LONGEST_TEXT = 1024
LONGEST_DESCRIPTION = 10_000
LONGEST_HEADER = 8192
LONGEST_SECRET = 1024

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\uffff]*")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "keep-alive"}
)
_OWN_PREFIXES = ("headrace-", "proxy-")


def faults_of(automation: Automation) -> list[Fault]:
    """Return what is wrong with an automation, as it was handed in."""
    faults = [*_general(automation), *(("trigger." + path, fault) for path, fault in _trigger(automation.trigger))]
    lists = {
        "actions": automation.actions,
        "actions_on_trigger": automation.actions_on_trigger,
        "actions_on_resolve": automation.actions_on_resolve,
    }
    is_own = is_built_in(automation.workspace_id, automation.automation_id)
    if (automation.owner_resource_id == BUILT_IN) != is_own:
        faults.append(("owner_resource_id", f"must be {BUILT_IN!r} where the server itself made the automation alone"))
    if not any(lists.values()):
        faults.append(("actions", "must have an action; without one nothing happens"))
    if automation.actions_on_resolve and not _resolves(automation.trigger):
        faults.append(("actions_on_resolve", "must be empty: only triggers on absence and on figures resolve"))
    for name, actions in lists.items():
        for place, action in enumerate(actions):
            faults += ((f"{name}[{place}].{path}", fault) for path, fault in _action(action, is_own=is_own))
    return faults


def _general(automation: Automation) -> Iterator[Fault]:
    if not automation.name.strip():
        yield "name", "must not be empty"
    if len(automation.name) > 255:
        yield "name", "must have at most 255 characters"
    if len(automation.description) > LONGEST_DESCRIPTION:
        yield "description", f"must have at most {LONGEST_DESCRIPTION} characters"
    if len(automation.tags) > MOST_TAGS or any(len(tag) > LONGEST_TEXT for tag in automation.tags):
        yield "tags", f"must be at most {MOST_TAGS}, of at most {LONGEST_TEXT} characters"
    if len(automation.owner_resource_id) > LONGEST_TEXT:
        yield "owner_resource_id", f"must have at most {LONGEST_TEXT} characters"


def _resolves(trigger: Trigger) -> bool:
    if isinstance(trigger, MetricTrigger):
        return True
    return isinstance(trigger, EventTrigger) and trigger.posture is Posture.PROACTIVE


def _trigger(trigger: Trigger, depth: int = 1) -> Iterator[Fault]:
    if isinstance(trigger, EventTrigger):
        yield from _event_trigger(trigger)
        return
    if isinstance(trigger, MetricTrigger):
        yield from (("metric." + path, fault) for path, fault in _metric_trigger(trigger))
        return
    kind = "sequence" if trigger.in_order else "compound"
    if depth == 1 and len([*leaves(trigger), *metric_leaves(trigger)]) > MOST_CONDITIONS:
        yield kind, f"must be made of at most {MOST_CONDITIONS} conditions"
        return
    if depth > DEEPEST:
        yield kind, f"must be at most {DEEPEST} conditions deep"
        return
    if not trigger.children:
        yield f"{kind}.triggers", "must have a condition"
    elif not 1 <= trigger.require <= len(trigger.children):
        yield f"{kind}.require", f"must be from 1 to {len(trigger.children)}, or 0 for all"
    if trigger.within < datetime.timedelta() or trigger.within > LONGEST_WITHIN:
        yield f"{kind}.within", f"must be from 0 to {LONGEST_WITHIN.days} days"
    for place, child in enumerate(trigger.children):
        yield from ((f"{kind}.triggers[{place}].{path}", fault) for path, fault in _trigger(child, depth + 1))


def _metric_trigger(trigger: MetricTrigger) -> Iterator[Fault]:
    if trigger.operator not in OPERATORS:
        yield "operator", f"must be one of {' '.join(OPERATORS)}"
    if not math.isfinite(trigger.threshold):
        yield "threshold", "must be a number"
    if trigger.metric in WINDOWED and not SHORTEST_RANGE <= trigger.range <= LONGEST_RANGE:
        yield "range", f"must be from {SHORTEST_RANGE.total_seconds():g} seconds to {LONGEST_RANGE.days} days"
    if not datetime.timedelta() <= trigger.firing_for <= LONGEST_RANGE:
        yield "firing_for", f"must be from 0 to {LONGEST_RANGE.days} days"
    yield from faults_of_match(trigger)


def _event_trigger(trigger: EventTrigger) -> Iterator[Fault]:
    if not 1 <= trigger.threshold <= HIGHEST_THRESHOLD:
        yield "event.threshold", f"must be from 1 to {HIGHEST_THRESHOLD}"
    if trigger.within < datetime.timedelta() or trigger.within > LONGEST_WITHIN:
        yield "event.within", f"must be from 0 to {LONGEST_WITHIN.days} days"
    elif trigger.posture is Posture.PROACTIVE and trigger.within < SHORTEST_PROACTIVE:
        yield "event.within", "must be at least 10 seconds: the absence of an event is not known sooner"
    for field in ("after", "expect", "for_each"):
        values: tuple[str, ...] = getattr(trigger, field)
        if len(values) > MOST_NAMES or not all(0 < len(value) <= LONGEST_TEXT for value in values):
            yield f"event.{field}", f"must be at most {MOST_NAMES}, each of 1 to {LONGEST_TEXT} characters"
    matches = {"event.match": trigger.match}
    matches |= {f"event.match_related[{place}]": match for place, match in enumerate(trigger.match_related)}
    if len(matches) > MOST_LABELS:
        yield "event.match_related", f"must be at most {MOST_LABELS}"
    for path, match in matches.items():
        if len(match) > MOST_LABELS:
            yield path, f"must have at most {MOST_LABELS} labels"
        for label, patterns in match.items():
            if not patterns or len(patterns) > MOST_LABELS or not label:
                yield f"{path}[{label}]", f"must have 1 to {MOST_LABELS} values"
            elif any(len(pattern) > LONGEST_TEXT for pattern in patterns):
                yield f"{path}[{label}]", f"values must have at most {LONGEST_TEXT} characters"


def _action(action: Action, *, is_own: bool = False) -> Iterator[Fault]:
    if isinstance(action, CallWebhook):
        yield from (("call_webhook." + path, fault) for path, fault in _webhook(action))
    if isinstance(action, RunDeployment) and not 0 <= action.schedule_after_seconds <= LONGEST_WITHIN.total_seconds():
        yield "run_deployment.schedule_after", f"must be from 0 to {LONGEST_WITHIN.days} days"
    if isinstance(action, SteerPlace) and PLACES[action.kind] == "work-queue" and _names_one(action):
        yield f"{action.kind}.work_queue_name", "must be named together with its work pool, or neither"
    if isinstance(action, EmitEvent) and action.name.startswith(RESERVED_PREFIX) and not is_own:
        yield "emit_event.name", f"must not begin with {RESERVED_PREFIX!r}, which the server's own events do"


def _names_one(action: SteerPlace) -> bool:
    return bool(action.work_pool_name) != bool(action.work_queue_name)


def _webhook(action: CallWebhook) -> Iterator[Fault]:
    fault = fault_of_url(action.url)
    if fault is not None:
        yield "url", fault
    if action.method not in METHODS:
        yield "method", f"must be one of {', '.join(METHODS)}"
    if len(action.headers) > MOST_HEADERS:
        yield "headers", f"must be at most {MOST_HEADERS}"
    for name, value in action.headers.items():
        if not _TOKEN.fullmatch(name):
            yield f"headers[{name}]", "is not the name of a header"
        elif name.lower() in _OWN_HEADERS or name.lower().startswith(_OWN_PREFIXES):
            yield f"headers[{name}]", "is set by the server itself"
        if len(value) > LONGEST_HEADER or not _HEADER_VALUE.fullmatch(value):
            yield f"headers[{name}]", f"must have a value of one line, of at most {LONGEST_HEADER} characters"
    if len(action.signing_secret) > LONGEST_SECRET:
        yield "signing_secret", f"must have at most {LONGEST_SECRET} characters"


def fault_of_url(url: str) -> str | None:
    """Return what is wrong with the URL of a webhook, None if nothing is."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname or any(character.isspace() or ord(character) < 0x20 for character in url):
        return "must name a host"
    if parts.username is not None or parts.password is not None:
        return "must not carry a user or password: put credentials into a header, which is stored encrypted"
    if port == 0:
        return "must have a port from 1 to 65535"
    return None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL that has no fault."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port
