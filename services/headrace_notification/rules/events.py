"""Events and what they are about."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import uuid
from collections.abc import Mapping
from typing import Any

RESOURCE_ID = "headrace.resource.id"
RESOURCE_NAME = "headrace.resource.name"
RESOURCE_ROLE = "headrace.resource.role"
RESERVED_PREFIX = "headrace."
"""Names of what the server itself tells; clients cannot tell it in its place."""

RESERVED_LABELS = frozenset({RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE})


@dataclasses.dataclass(frozen=True, slots=True)
class Resource:
    """What an event is about, or concerns."""

    resource_id: str
    name: str = ""
    role: str = ""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def label(self, label: str) -> str | None:
        """Return the value of a label; id, name and role are labels, too. None if there is none."""
        if label == RESOURCE_ID:
            return self.resource_id
        if label == RESOURCE_NAME:
            return self.name or None
        if label == RESOURCE_ROLE:
            return self.role or None
        return self.labels.get(label)


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    event_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    occurred_at: datetime.datetime
    resource: Resource
    related: tuple[Resource, ...] = ()
    payload: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    follows_event_id: uuid.UUID | None = None
    received_at: datetime.datetime | None = None
    """When it was stored; None before."""
    position: int = 0
    """Its place in the order of commits; 0 before it is stored."""


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Key:
    """A place in the order of time; events of one moment stand in the order in which they were committed."""

    occurred_at: datetime.datetime
    position: int


@dataclasses.dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events. Empty fields do not restrict; fields are joined by AND, values in a field by OR."""

    event_ids: tuple[uuid.UUID, ...] = ()
    names: tuple[str, ...] = ()
    names_excluded: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    related_resource_ids: tuple[str, ...] = ()
    any_resource_ids: tuple[str, ...] = ()
    related_roles: tuple[str, ...] = ()
    resource_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    occurred_from: datetime.datetime | None = None
    occurred_until: datetime.datetime | None = None
    text: str = ""


class Facet(enum.Enum):
    """By what events are counted."""

    NAME = "name"
    RESOURCE = "resource"
    RELATED = "related"


@dataclasses.dataclass(frozen=True, slots=True)
class EventCounts:
    """How many events there are."""

    values: Mapping[str, tuple[int, ...]]
    """By value, the most frequent first: how many in each bucket of time."""
    over_time: tuple[int, ...]
    is_capped: bool


def event_document(event: Event) -> dict[str, Any]:
    """Return an event as people write it in JSON: for webhooks, templates and deliveries."""
    return {
        "id": str(event.event_id),
        "name": event.name,
        "occurred_at": event.occurred_at.isoformat(),
        "resource": _resource_document(event.resource),
        "related": [_resource_document(related) for related in event.related],
        "payload": dict(event.payload),
        "follows": str(event.follows_event_id) if event.follows_event_id is not None else None,
    }


def _resource_document(resource: Resource) -> dict[str, Any]:
    document: dict[str, Any] = {"id": resource.resource_id, "name": resource.name, "labels": dict(resource.labels)}
    if resource.role:
        document["role"] = resource.role
    return document
