"""Filters of events: as far as the service can sort them out, and a test of what is left.

The service knows names and ids with "*" at the end, one value of each label, related ids and roles. What a filter says
beyond that (labels with several values, roles of certain resources, words joined by OR) is tested on each event as
the client sees it.
"""

from __future__ import annotations

import dataclasses
import datetime
import fnmatch
import functools
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from headrace.api.v1 import event_pb2
from headrace_prefect import names
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    Kind,
    Wrong,
    boolean,
    identifiers,
    json_object,
    list_of,
    moment,
    nested,
    one_of,
    string,
    strings,
)
from headrace_prefect.shapes import scalars

LONGEST_PAST = datetime.timedelta(days=180)
"""So far back a filter reaches that does not say since when."""

_LONGEST_QUERY = 200


def _pair(value: Any) -> tuple[str, str]:
    pair = strings(value)
    if len(pair) != 2:
        raise Wrong("Input should be a resource id and a role", "tuple_type")
    return pair[0], pair[1]


def _labels(value: Any) -> dict[str, list[str]]:
    labels = json_object(value)
    return {label: [string(text)] if isinstance(text, str) else strings(text) for label, text in labels.items()}


def _query(value: Any) -> str:
    text = string(value)
    if len(text) > _LONGEST_QUERY:
        raise Wrong(f"String should have at most {_LONGEST_QUERY} characters", "string_too_long")
    return text


def _one_or_more(kind: Kind) -> Kind:
    several = list_of(kind)

    def read(value: Any) -> list[Any]:
        return several(value) if isinstance(value, list) else [kind(value)]

    return read


_RESOURCE = {"id": Field(strings), "id_prefix": Field(strings), "labels": Field(_labels), "distinct": Field(boolean)}
_RELATED = {
    "id": Field(strings),
    "role": Field(strings),
    "resources_in_roles": Field(list_of(_pair)),
    "labels": Field(_labels),
}
FILTER = nested(
    {
        "occurred": Field(nested({"since": Field(moment), "until": Field(moment)})),
        "event": Field(nested({name: Field(strings) for name in ("prefix", "exclude_prefix", "name", "exclude_name")})),
        "resource": Field(nested(_RESOURCE)),
        "related": Field(_one_or_more(nested(_RELATED))),
        "any_resource": Field(_one_or_more(nested(_RESOURCE))),
        "id": Field(nested({"id": Field(identifiers)})),
        "text": Field(nested({"query": Field(_query, required=True)})),
        "order": Field(one_of(("ASC", "DESC")), default="DESC"),
    }
)
"""A filter as a client writes it."""

Event = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Wish:
    """Which events are wanted."""

    filter: event_pb2.EventFilter
    keep: Callable[[Event], bool] | None
    """Tests an event as the client sees it; None where the filter says it all."""
    since: datetime.datetime
    until: datetime.datetime | None
    oldest_first: bool


def wish(body: Body | None, now: datetime.datetime) -> Wish:
    """Return which events a filter wants.

    Args:
        body: The filter, None for all events.
        now: The time.
    """
    body = body if body is not None else FILTER({})
    occurred = body["occurred"] or {}
    since = occurred.get("since") or now - LONGEST_PAST
    until = occurred.get("until")
    message = event_pb2.EventFilter(event_ids=(body["id"] or {}).get("id") or ())
    getattr(message.occurred, "from").CopyFrom(scalars.to_timestamp(since))
    if until is not None:
        message.occurred.until.CopyFrom(scalars.to_timestamp(until))
    tests: list[Callable[[Event], bool]] = []
    if body["event"] is not None:
        tests += _by_name(message, body["event"])
    if body["resource"] is not None:
        tests += _by_resource(message, body["resource"])
    if body["related"]:
        tests += _by_related(message, body["related"])
    if body["any_resource"]:
        tests += _by_any(message, body["any_resource"])
    if body["text"] is not None:
        tests += _by_text(message, body["text"]["query"])
    keep = (lambda event: all(test(event) for test in tests)) if tests else None
    return Wish(message, keep, since, until, body["order"] == "ASC")


def _by_name(message: event_pb2.EventFilter, chosen: Body) -> Iterable[Callable[[Event], bool]]:
    wanted = list(chosen["name"] or ())
    prefixes = tuple(chosen["prefix"] or ())
    if wanted and prefixes:
        wanted = [name for name in wanted if name.startswith(prefixes)]
        if not wanted:
            yield lambda event: False
    elif prefixes:
        wanted = [f"{prefix}*" for prefix in prefixes]
    message.names.extend(names.events_to_ours(wanted))
    unwanted = [*(chosen["exclude_name"] or ()), *(f"{prefix}*" for prefix in chosen["exclude_prefix"] or ())]
    message.names_excluded.extend(names.events_to_ours(unwanted))


def _by_resource(message: event_pb2.EventFilter, chosen: Body) -> Iterable[Callable[[Event], bool]]:
    ids, prefixes = list(chosen["id"] or ()), tuple(chosen["id_prefix"] or ())
    if ids and prefixes:
        ids = [identifier for identifier in ids if identifier.startswith(prefixes)]
        if not ids:
            yield lambda event: False
    patterns = ids or [f"{prefix}*" for prefix in prefixes]
    labels = dict(chosen["labels"] or {})
    of_label = labels.get(names.RESOURCE_ID)
    if of_label and not patterns and all(_is_simple(pattern) for pattern in of_label):
        patterns = of_label
        del labels[names.RESOURCE_ID]
    message.resource_ids.extend(names.to_ours(pattern) for pattern in patterns)
    for label, wanted in list(labels.items()):
        if len(wanted) == 1 and not set(wanted[0]) & set("!*?") and label not in (names.RESOURCE_ID,):
            message.resource_labels[names.to_ours(label)] = wanted[0]
            del labels[label]
    if labels:
        yield lambda event: _is_like(event["resource"], labels)


def _by_related(message: event_pb2.EventFilter, chosen: list[Body]) -> Iterable[Callable[[Event], bool]]:
    for each in chosen:
        if each["id"] and not message.related_resource_ids:
            message.related_resource_ids.extend(names.to_ours(identifier) for identifier in each["id"])
        if each["role"] and not message.related_roles:
            message.related_roles.extend(each["role"])
        yield functools.partial(_has_related, each)


def _has_related(chosen: Body, event: Event) -> bool:
    return any(_is_related(resource, chosen) for resource in event["related"])


def _is_related(resource: Mapping[str, str], chosen: Body) -> bool:
    role, identifier = resource.get(names.RESOURCE_ROLE, ""), resource[names.RESOURCE_ID]
    return (
        (not chosen["id"] or identifier in chosen["id"])
        and (not chosen["role"] or role in chosen["role"])
        and (not chosen["resources_in_roles"] or (identifier, role) in chosen["resources_in_roles"])
        and (not chosen["labels"] or _is_like(resource, chosen["labels"]))
    )


def _by_any(message: event_pb2.EventFilter, chosen: list[Body]) -> Iterable[Callable[[Event], bool]]:
    for each in chosen:
        if each["id"] and not message.any_resource_ids:
            message.any_resource_ids.extend(names.to_ours(identifier) for identifier in each["id"])
            if len(chosen) == 1 and not each["id_prefix"] and not each["labels"]:
                return
        yield functools.partial(_has_any, each)


def _has_any(chosen: Body, event: Event) -> bool:
    return any(_is_any(resource, chosen) for resource in (event["resource"], *event["related"]))


def _is_any(resource: Mapping[str, str], chosen: Body) -> bool:
    identifier = resource[names.RESOURCE_ID]
    return (
        (not chosen["id"] or identifier in chosen["id"])
        and (not chosen["id_prefix"] or identifier.startswith(tuple(chosen["id_prefix"])))
        and (not chosen["labels"] or _is_like(resource, chosen["labels"]))
    )


def _is_simple(pattern: str) -> bool:
    return not set(pattern.removesuffix("*")) & set("!*?")


def _is_like(resource: Mapping[str, str], labels: Mapping[str, list[str]]) -> bool:
    return all(_fits(resource.get(label), patterns) for label, patterns in labels.items())


def _fits(text: str | None, patterns: list[str]) -> bool:
    # A list of nothing fits nothing; "!" excludes.
    for pattern in patterns:
        if pattern.startswith("!"):
            if text is None or not fnmatch.fnmatchcase(text, pattern[1:]):
                return True
        elif text is not None and fnmatch.fnmatchcase(text, pattern):
            return True
    return False


def _by_text(message: event_pb2.EventFilter, query: str) -> Iterable[Callable[[Event], bool]]:
    try:
        terms = shlex.split(query)
    except ValueError:
        terms = query.split()
    included = [term for term in terms if term and term[0] not in "-!+"] if terms else []
    required = [term[1:] for term in terms if term[:1] == "+" and len(term) > 1]
    excluded = [term[1:] for term in terms if term[:1] in ("-", "!") and len(term) > 1]
    if len(included) == 1 and not required and not excluded and " " not in included[0]:
        message.text = included[0]
        return
    if not terms:
        return

    def holds(event: Event) -> bool:
        text = _words_of(event)
        return (
            (not included or any(term.lower() in text for term in included))
            and all(term.lower() in text for term in required)
            and not any(term.lower() in text for term in excluded)
        )

    yield holds


def _words_of(event: Event) -> str:
    resources = [event["resource"], *event["related"]]
    texts = [event["event"], *(text for resource in resources for text in resource.values()), str(event["payload"])]
    return " ".join(texts).lower()
