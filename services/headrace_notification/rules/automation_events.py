"""What automations did, told as events: that they fired, and what became of each action."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from headrace_notification.rules.buckets import Outcome
from headrace_notification.rules.deliveries import Delivery, Status
from headrace_notification.rules.events import Event, Resource
from headrace_notification.rules.firings import Firing, chain_of
from headrace_notification.rules.triggers import EventTrigger

AUTOMATION = "headrace.automation."
"""How the names of these events begin, and the ids of automations as resources."""

TRIGGERED = AUTOMATION + "triggered"
RESOLVED = AUTOMATION + "resolved"
ACTION_TRIGGERED = AUTOMATION + "action.triggered"
ACTION_EXECUTED = AUTOMATION + "action.executed"
ACTION_FAILED = AUTOMATION + "action.failed"

Made: TypeAlias = tuple[uuid.UUID, datetime.datetime]
"""The id of a new event, and when it was made."""

MOST_RELATED = 100
LONGEST_REASON = 500


def is_looked_at(automation_id: uuid.UUID, leaf: EventTrigger, event: Event) -> bool:
    """Return whether a condition that covers an event is to look at it.

    What automations did concerns those alone that ask for it by name: one that asks for all events would otherwise
    answer itself, and many such each other without an end. For the same reason nobody looks at what an automation did
    that already answers to another one.
    """
    if not event.name.startswith(AUTOMATION):
        return True
    chain = {
        one.resource_id for one in event.related if one.role == "creator" and one.resource_id.startswith(AUTOMATION)
    }
    if len(chain) > 1 or f"{AUTOMATION}{automation_id}" in chain:
        return False
    return any(name.startswith(AUTOMATION) for name in (*leaf.expect, *leaf.after))


def related_to(
    automation_id: uuid.UUID, automation_name: str, cause: Mapping[str, Any] | None, about: str
) -> tuple[Resource, ...]:
    """Return whom an event concerns that an automation made: those that led to it, and what its cause was about.

    Args:
        automation_id: Which automation.
        automation_name: Its name.
        cause: The event that made it fire, as JSON.
        about: What the new event itself is about.
    """
    own = str(automation_id)
    chain = dict.fromkeys((*chain_of(cause), own))
    related = [Resource(AUTOMATION + found, automation_name if found == own else "", "creator") for found in chain]
    if cause is not None:
        seen = {about}
        for one in (cause["resource"], *cause["related"]):
            if one.get("role") != "creator" and one["id"] not in seen:
                seen.add(one["id"])
                related.append(Resource(one["id"], one["name"], one.get("role") or "cause", one["labels"]))
    return tuple(related[:MOST_RELATED])


def events_of_firing(firing: Firing, deliveries: Sequence[Delivery], made: Callable[[], Made]) -> list[Event]:
    """Return what a firing and the queueing of its actions are told as.

    Args:
        firing: Which one.
        deliveries: Its actions.
        made: Makes ids, and tells when.
    """
    automation, cause = firing.automation, firing.event
    about = Resource(f"{AUTOMATION}{automation.automation_id}", automation.name)
    related = related_to(automation.automation_id, automation.name, cause, about.resource_id)
    event_id, now = made()
    fired = Event(
        event_id=event_id,
        workspace_id=automation.workspace_id,
        name=RESOLVED if firing.outcome is Outcome.RESOLVED else TRIGGERED,
        occurred_at=now,
        resource=about,
        related=related,
        payload={
            "labels": dict(firing.labels),
            "metric": dict(firing.metric) if firing.metric is not None else None,
            "event": cause["name"] if cause is not None else None,
        },
        follows_event_id=uuid.UUID(cause["id"]) if cause is not None else None,
    )
    told = [fired]
    for delivery in deliveries:
        told.append(_of_delivery(delivery, (queued_event_id(delivery), now), ACTION_TRIGGERED, event_id))
        if delivery.status is Status.DEAD:
            told.append(_ended(delivery, delivery.status, delivery.last_answer, 0, made()))
    return told


def event_of_end(delivery: Delivery, status: Status, answer: str, status_code: int, made: Made) -> Event | None:
    """Return what the end of a delivery is told as; None if it goes on.

    Args:
        delivery: Which one.
        status: How it stands now.
        answer: What was answered.
        status_code: The HTTP status; 0 if there was none.
        made: The id of the new event, and when.
    """
    return _ended(delivery, status, answer, status_code, made) if status is not Status.PENDING else None


def queued_event_id(delivery: Delivery) -> uuid.UUID:
    """Return the id of the event that tells that a delivery was queued; its own is that of the event that it emits."""
    return uuid.UUID(int=delivery.delivery_id.int ^ 1)


def _ended(delivery: Delivery, status: Status, answer: str, status_code: int, made: Made) -> Event:
    is_done = status is Status.DELIVERED
    told: dict[str, Any] = {"tries": delivery.tries}
    if status_code:
        told["status_code"] = status_code
    if not is_done:
        told["reason"] = answer[:LONGEST_REASON]
    return _of_delivery(delivery, made, ACTION_EXECUTED if is_done else ACTION_FAILED, queued_event_id(delivery), told)


def _of_delivery(
    delivery: Delivery,
    made: Made,
    name: str,
    follows: uuid.UUID,
    told: Mapping[str, Any] | None = None,
) -> Event:
    about = Resource(f"{AUTOMATION}{delivery.automation_id}", delivery.automation_name)
    return Event(
        event_id=made[0],
        workspace_id=delivery.workspace_id,
        name=name,
        occurred_at=made[1],
        resource=about,
        related=related_to(
            delivery.automation_id, delivery.automation_name, delivery.context["event"], about.resource_id
        ),
        payload={"action": delivery.action_kind, "delivery_id": str(delivery.delivery_id), **(told or {})},
        follows_event_id=follows,
    )
