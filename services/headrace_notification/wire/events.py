"""Events."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import event_pb2, state_pb2
from headrace.ids import uuid7
from headrace_chassis.paging import decode_page_token, encode_page_token
from headrace_chassis.values import from_time, storable, to_storable
from headrace_notification.rules.events import RESERVED_LABELS, Event, EventCounts, EventFilter, Facet, Key, Resource
from headrace_notification.wire.values import moment, optional_id, parse_id, struct

MOST_EVENT_BYTES = 1_500_000
MOST_LABELS = 500
MOST_FILTER_VALUES = 1000
MOST_WORDS = 20


def event_from_proto(message: event_pb2.Event, workspace_id: uuid.UUID, now: datetime.datetime, path: str) -> Event:
    """Return an event of a client. Without an id it gets one, without a time it occurred now.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    if message.ByteSize() > MOST_EVENT_BYTES:
        raise errors.InvalidArgument.of_field(path, f"must have at most {MOST_EVENT_BYTES} bytes")
    if not message.name:
        raise errors.InvalidArgument.of_field(f"{path}.name", "must not be empty")
    if not message.resource.resource_id:
        raise errors.InvalidArgument.of_field(f"{path}.resource.resource_id", "must not be empty")
    return Event(
        event_id=parse_id(message.event_id, f"{path}.event_id") if message.event_id else uuid7(),
        workspace_id=workspace_id,
        name=storable(message.name),
        occurred_at=moment(message.occurred_at, f"{path}.occurred_at") if message.HasField("occurred_at") else now,
        resource=_resource(message.resource, f"{path}.resource"),
        related=tuple(_resource(related, f"{path}.related[{place}]") for place, related in enumerate(message.related)),
        payload=to_storable(message.payload),
        follows_event_id=optional_id(message.follows_event_id, f"{path}.follows_event_id"),
    )


def _resource(message: event_pb2.EventResource, path: str) -> Resource:
    if len(message.labels) > MOST_LABELS:
        raise errors.InvalidArgument.of_field(f"{path}.labels", f"must be at most {MOST_LABELS}")
    if reserved := RESERVED_LABELS & message.labels.keys():
        raise errors.InvalidArgument.of_field(f"{path}.labels", f"must not have {sorted(reserved)[0]!r}")
    return Resource(
        resource_id=storable(message.resource_id),
        name=storable(message.name),
        role=storable(message.role),
        labels={storable(label): storable(value) for label, value in message.labels.items()},
    )


def event_to_proto(event: Event) -> event_pb2.Event:
    """Return an event as it goes over the wire."""
    return event_pb2.Event(
        event_id=str(event.event_id),
        name=event.name,
        occurred_at=from_time(event.occurred_at),
        received_at=from_time(event.received_at),
        resource=_resource_to_proto(event.resource),
        related=[_resource_to_proto(related) for related in event.related],
        payload=struct(event.payload),
        follows_event_id=str(event.follows_event_id) if event.follows_event_id is not None else "",
    )


def document_to_proto(document: Mapping[str, Any]) -> event_pb2.Event:
    """Return an event that was kept as JSON."""
    return event_pb2.Event(
        event_id=document["id"],
        name=document["name"],
        occurred_at=from_time(datetime.datetime.fromisoformat(document["occurred_at"])),
        resource=_document_to_resource(document["resource"]),
        related=map(_document_to_resource, document["related"]),
        payload=struct(document["payload"]),
        follows_event_id=document["follows"] or "",
    )


def _document_to_resource(document: Mapping[str, Any]) -> event_pb2.EventResource:
    return event_pb2.EventResource(
        resource_id=document["id"],
        name=document["name"],
        role=document.get("role", ""),
        labels=document["labels"],
    )


def _resource_to_proto(resource: Resource) -> event_pb2.EventResource:
    return event_pb2.EventResource(
        resource_id=resource.resource_id, name=resource.name, role=resource.role, labels=dict(resource.labels)
    )


def filter_from_proto(wanted: event_pb2.EventFilter) -> EventFilter:
    """Return a filter in the service's words.

    Raises:
        errors.InvalidArgument: An id is none, or there are too many values or words.
    """
    if len(wanted.text.split()) > MOST_WORDS:
        raise errors.InvalidArgument.of_field("filter.text", f"must have at most {MOST_WORDS} words")
    return EventFilter(
        event_ids=tuple(parse_id(text, f"filter.event_ids[{n}]") for n, text in enumerate(wanted.event_ids)),
        names=_values("names", wanted.names),
        names_excluded=_values("names_excluded", wanted.names_excluded),
        resource_ids=_values("resource_ids", wanted.resource_ids),
        related_resource_ids=_values("related_resource_ids", wanted.related_resource_ids),
        any_resource_ids=_values("any_resource_ids", wanted.any_resource_ids),
        related_roles=_values("related_roles", wanted.related_roles),
        resource_labels={storable(label): storable(value) for label, value in wanted.resource_labels.items()},
        occurred_from=_bound(wanted.occurred, "from"),
        occurred_until=_bound(wanted.occurred, "until"),
        text=storable(wanted.text).strip(),
    )


def _values(name: str, values: Sequence[str]) -> tuple[str, ...]:
    if len(values) > MOST_FILTER_VALUES:
        raise errors.InvalidArgument.of_field(f"filter.{name}", f"must have at most {MOST_FILTER_VALUES} values")
    return tuple(map(storable, values))


def _bound(span: state_pb2.TimeRange, end: str) -> datetime.datetime | None:
    if not span.HasField(end):  # type: ignore[arg-type]
        return None
    return moment(getattr(span, end), f"filter.occurred.{end}")


def facet_from_proto(facet: int) -> Facet:
    """Return by what events are counted."""
    return {event_pb2.EVENT_FACET_RESOURCE: Facet.RESOURCE, event_pb2.EVENT_FACET_RELATED: Facet.RELATED}.get(
        event_pb2.EventFacet.ValueType(facet), Facet.NAME
    )


def counts_to_proto(
    counts: EventCounts, begin: datetime.datetime, end: datetime.datetime
) -> event_pb2.CountEventsResponse:
    """Return counts as they go over the wire."""
    span = state_pb2.TimeRange(until=from_time(end))
    getattr(span, "from").FromDatetime(begin)
    return event_pb2.CountEventsResponse(
        counts=[
            event_pb2.EventCount(value=value, count=sum(over_time), over_time=over_time)
            for value, over_time in counts.values.items()
        ],
        total=sum(counts.over_time),
        over_time=counts.over_time,
        span=span,
        capped=counts.is_capped,
    )


def key_from_token(token: str, question: bytes) -> Key | None:
    """Return where a page begins, None at the first.

    Raises:
        errors.InvalidArgument: The token is not one of this question.
    """
    match decode_page_token(token, question):
        case None:
            return None
        case (datetime.datetime() as occurred_at, int(position)):
            return Key(occurred_at, position)
    raise errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")


def key_to_token(key: Key | None, question: bytes) -> str:
    """Return the token of the page behind `key`; "" at the end."""
    return encode_page_token((key.occurred_at, key.position), question) if key is not None else ""


def place_from_token(token: str, question: bytes) -> tuple[int, int] | None:
    """Return position and skip of a follower's token, None if there is none.

    Raises:
        errors.InvalidArgument: It is damaged, or of another filter.
    """
    try:
        found = decode_page_token(token, question)
    except errors.InvalidArgument as error:
        [violation] = error.violations
        raise errors.InvalidArgument.of_field("follow_token", violation.description) from None
    match found:
        case None:
            return None
        case (int(position), int(skip)) if 0 <= position < 2**63 and 0 <= skip < 2**31:
            return position, skip
    raise errors.InvalidArgument.of_field("follow_token", "must be a token that this call returned")


def place_to_token(position: int, skip: int, question: bytes) -> str:
    """Return a follower's token."""
    return encode_page_token((position, skip), question)
