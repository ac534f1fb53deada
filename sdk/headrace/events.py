"""Events of your own: something happened, and whoever waits for it is told.

    emit_event("orders.imported", resource="shop.orders", payload={"count": 42})

They are sent in the background, in batches; nothing waits for them. Within a run the run is related to them.

    for event in follow_events("orders.*"):
        print(event.name, event.payload)
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from headrace import errors
from headrace.api.v1 import event_pb2
from headrace.context import current_run
from headrace.engine.connection import get_backend
from headrace.event_stream import FollowedEvent, afollow_events, follow_events
from headrace.ids import uuid7

__all__ = ["EmittedEvent", "FollowedEvent", "Resource", "afollow_events", "emit_event", "follow_events"]

RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE = (
    "headrace.resource.id",
    "headrace.resource.name",
    "headrace.resource.role",
)
LONGEST_NAME = 1024
MOST_RELATED = 100
RESERVED_PREFIX = "headrace."

Resource = str | Mapping[str, str]
"""The id of a resource, or labels of which one is `headrace.resource.id`; name and role are labels, too."""


@dataclasses.dataclass(frozen=True, slots=True)
class EmittedEvent:
    """An event on its way."""

    id: str
    name: str
    occurred_at: datetime.datetime


def emit_event(
    event: str,
    resource: Resource,
    *,
    related: Iterable[Resource] = (),
    payload: Mapping[str, Any] | None = None,
    follows: EmittedEvent | str | None = None,
    occurred_at: datetime.datetime | None = None,
    event_id: str | None = None,
) -> EmittedEvent:
    """Emit an event. It is sent in the background; while the server is away, up to 10,000 wait.

    Args:
        event: What happened, such as `orders.imported`. Names of the server's own events begin with `headrace.`.
        resource: What it happened to.
        related: What else it concerns. Within a run that is also the flow run, the task run, the deployment and the
            tags.
        payload: Details: what JSON can hold.
        follows: The event that it follows, where the order matters.
        occurred_at: When it happened; now by default.
        event_id: A UUID that makes it the same event if it is emitted again.

    Returns:
        The event, which others may follow.

    Raises:
        errors.InvalidArgument: Something of it is not as it must be.
        errors.HeadraceError: There is no server (only outside of flows, where nothing is connected yet).
    """
    moment = occurred_at or datetime.datetime.now(datetime.UTC)
    if not event or len(event) > LONGEST_NAME or event.startswith(RESERVED_PREFIX):
        raise errors.InvalidArgument.of_field(
            "event", f"must have 1 to {LONGEST_NAME} characters and not begin with {RESERVED_PREFIX!r}"
        )
    message = event_pb2.Event(event_id=_id(event_id), name=event, resource=_resource(resource, "resource"))
    message.occurred_at.FromDatetime(moment)
    known = {message.resource.resource_id}
    for one in (*(_resource(each, "related") for each in related), *_of_run()):
        if one.resource_id not in known and len(message.related) < MOST_RELATED:
            known.add(one.resource_id)
            message.related.append(one)
    if payload is not None:
        try:
            # What cannot be JSON is told to who emits it, not to a log that nobody reads.
            message.payload.update(json.loads(json.dumps(dict(payload), allow_nan=False)))
        except (TypeError, ValueError) as error:
            raise errors.InvalidArgument.of_field("payload", f"must be what JSON can hold: {error}") from error
    if follows is not None:
        message.follows_event_id = _id(follows.id if isinstance(follows, EmittedEvent) else follows)
    run = current_run.get()
    backend = run.flow_run.backend if run is not None and run.flow_run is not None else get_backend()
    backend.emit_event(message)
    return EmittedEvent(message.event_id, event, moment)


def _id(given: str | None) -> str:
    if given is None:
        return str(uuid7())
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise errors.InvalidArgument.of_field("event_id", f"must be a UUID: {given}") from None


def _resource(resource: Resource, field: str) -> event_pb2.EventResource:
    labels = {RESOURCE_ID: resource} if isinstance(resource, str) else dict(resource)
    resource_id = labels.pop(RESOURCE_ID, "")
    if not resource_id or len(resource_id) > LONGEST_NAME:
        raise errors.InvalidArgument.of_field(field, f"must have {RESOURCE_ID}, of 1 to {LONGEST_NAME} characters")
    if not all(isinstance(value, str) for value in labels.values()):
        raise errors.InvalidArgument.of_field(field, "must have texts as labels")
    name, role = labels.pop(RESOURCE_NAME, ""), labels.pop(RESOURCE_ROLE, "")
    return event_pb2.EventResource(resource_id=resource_id, name=name, role=role, labels=labels)


def _of_run() -> Iterator[event_pb2.EventResource]:
    run = current_run.get()
    if run is None:
        return
    if run.task_run is not None:
        task_run = run.task_run
        yield event_pb2.EventResource(
            resource_id=f"headrace.task-run.{task_run.id}", name=task_run.name, role="task-run"
        )
    flow_run = run.flow_run
    if flow_run is None:
        return
    yield event_pb2.EventResource(resource_id=f"headrace.flow-run.{flow_run.id}", name=flow_run.name, role="flow-run")
    deployment = flow_run.assignment.deployment if flow_run.assignment is not None else {}
    if deployment.get("id"):
        yield event_pb2.EventResource(
            resource_id=f"headrace.deployment.{deployment['id']}",
            name=str(deployment.get("name", "")),
            role="deployment",
        )
    for tag in flow_run.tags:
        yield event_pb2.EventResource(resource_id=f"headrace.tag.{tag}", name=tag, role="tag")
