"""Events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.api.v1 import event_pb2
from headrace_prefect import names
from headrace_prefect.bodies.fields import Body, Field, Wrong, identifier, json_object, list_of, moment, nested, string
from headrace_prefect.shapes import scalars

_LONGEST_NAME = 1024


def _labels(value: Any) -> dict[str, str]:
    labels = json_object(value)
    for label, text in labels.items():
        if not isinstance(text, str):
            raise Wrong("Input should be a valid string", "string_type", (label,))
    if not labels.get(names.RESOURCE_ID):
        raise Wrong(f"Resources must include the {names.RESOURCE_ID} label")
    return labels


def _related(value: Any) -> dict[str, str]:
    labels = _labels(value)
    if not labels.get(names.RESOURCE_ROLE):
        raise Wrong(f"Related Resources must include the {names.RESOURCE_ROLE} label")
    return labels


def _name(value: Any) -> str:
    text = string(value)
    if not text or len(text) > _LONGEST_NAME:
        raise Wrong(f"String should have 1 to {_LONGEST_NAME} characters", "string_too_long")
    return text


EVENT = nested(
    {
        "id": Field(identifier, default=""),
        "occurred": Field(moment, required=True),
        "event": Field(_name, required=True),
        "resource": Field(_labels, required=True),
        "related": Field(list_of(_related, 100), default=list),
        "payload": Field(json_object, default=dict),
        "follows": Field(identifier, default=""),
    }
)
"""An event as a client tells it."""


def to_event(body: Body) -> event_pb2.Event:
    """Return an event of a client for `EmitEvents`."""
    return event_pb2.Event(
        event_id=body["id"],
        name=body["event"],
        occurred_at=scalars.to_timestamp(body["occurred"]),
        resource=_to_resource(body["resource"]),
        related=[_to_resource(labels) for labels in body["related"]],
        payload=scalars.to_struct(body["payload"]),
        follows_event_id=body["follows"],
    )


def _to_resource(labels: Mapping[str, str]) -> event_pb2.EventResource:
    others = {
        names.to_ours(label): text
        for label, text in labels.items()
        if label not in (names.RESOURCE_ID, names.RESOURCE_NAME, names.RESOURCE_ROLE)
    }
    return event_pb2.EventResource(
        resource_id=names.to_ours(labels[names.RESOURCE_ID]),
        name=labels.get(names.RESOURCE_NAME, ""),
        role=labels.get(names.RESOURCE_ROLE, ""),
        labels=others,
    )


def shape(event: event_pb2.Event) -> dict[str, Any]:
    """Return an event."""
    occurred = scalars.moment(event, "occurred_at")
    return {
        "id": event.event_id,
        "occurred": occurred,
        "received": scalars.moment(event, "received_at") or occurred,
        "event": names.to_theirs(event.name),
        "resource": _resource(event.resource),
        "related": [_resource(related) for related in event.related],
        "payload": scalars.of_struct(event.payload) if event.HasField("payload") else {},
        "follows": scalars.word(event.follows_event_id),
    }


def _resource(resource: event_pb2.EventResource) -> dict[str, str]:
    labels = {names.RESOURCE_ID: names.to_theirs(resource.resource_id)}
    if resource.name:
        labels[names.RESOURCE_NAME] = resource.name
    if resource.role:
        labels[names.RESOURCE_ROLE] = resource.role
    for label, text in resource.labels.items():
        labels[names.to_theirs(label)] = text
    return labels
