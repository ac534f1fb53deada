"""What an event does to the triggers that cover it, and what has to be done when one fires."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from headrace_notification.rules import buckets
from headrace_notification.rules.automations import Action, Automation, RunDeployment, kind_of
from headrace_notification.rules.buckets import Bucket, Outcome
from headrace_notification.rules.deliveries import Delivery
from headrace_notification.rules.events import Event, event_document

BucketKey: TypeAlias = tuple[uuid.UUID, tuple[str, ...]]
"""An automation, and the values by which its trigger counts apart."""


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """A bucket, and the event that it last saw, as JSON."""

    bucket: Bucket
    last_event: Mapping[str, Any] | None


@dataclasses.dataclass(frozen=True, slots=True)
class Firing:
    """A trigger that fired, or resolved."""

    automation: Automation
    outcome: Outcome
    at: datetime.datetime
    key: tuple[str, ...]
    event: Mapping[str, Any] | None
    """The event that made it, or the one that started the watch; as JSON."""


def judge_event(
    automation: Automation, remembered: Remembered | None, event: Event
) -> tuple[Remembered | None, list[Firing]]:
    """Return what an automation remembers after an event that its trigger covers, and its firings."""
    trigger = automation.trigger
    document = event_document(event)
    key = trigger.key_of(event)
    if trigger.is_immediate:
        return None, [Firing(automation, Outcome.FIRED, event.occurred_at, key, document)]
    step = buckets.on_event(
        trigger,
        remembered.bucket if remembered is not None else None,
        event.occurred_at,
        starts=trigger.starts_after(event.name),
        is_expected=trigger.expects(event.name),
    )
    firings = [Firing(automation, outcome, event.occurred_at, key, document) for outcome in step.outcomes]
    return (Remembered(step.bucket, document) if step.bucket is not None else None), firings


def judge_time(
    automation: Automation, key: tuple[str, ...], remembered: Remembered, now: datetime.datetime
) -> tuple[Remembered | None, list[Firing]]:
    """Return what an automation remembers once the time of a bucket is over, and its firings."""
    step = buckets.on_time(automation.trigger, remembered.bucket, now)
    firings = [Firing(automation, outcome, now, key, remembered.last_event) for outcome in step.outcomes]
    return (Remembered(step.bucket, remembered.last_event) if step.bucket is not None else None), firings


def first_bucket(automation: Automation, now: datetime.datetime) -> Remembered | None:
    """Return what a new automation remembers: the open window of a trigger that is always on."""
    if not automation.enabled or not automation.trigger.is_always_on:
        return None
    return Remembered(buckets.open_bucket(automation.trigger, now), None)


def deliveries_of(firing: Firing, new_id: Callable[[], uuid.UUID]) -> list[Delivery]:
    """Return what is to be done for a firing."""
    automation = firing.automation
    special = automation.actions_on_resolve if firing.outcome is Outcome.RESOLVED else automation.actions_on_trigger
    context = {
        "event": firing.event,
        "automation": {"id": str(automation.automation_id), "name": automation.name},
        "firing": {
            "state": firing.outcome.value,
            "at": firing.at.isoformat(),
            "labels": dict(zip(automation.trigger.for_each, firing.key, strict=True)),
        },
    }
    event_id = uuid.UUID(firing.event["id"]) if firing.event is not None else None
    return [
        Delivery(
            delivery_id=new_id(),
            workspace_id=automation.workspace_id,
            automation_id=automation.automation_id,
            automation_name=automation.name,
            event_id=event_id,
            action_kind=kind_of(action),
            action=action,
            context=context,
        )
        for action in (*automation.actions, *special)
        if not _would_run_in_circles(action, automation, firing)
    ]


def _would_run_in_circles(action: Action, automation: Automation, firing: Firing) -> bool:
    """Return whether the event is about a run that this automation started, and the action starts another."""
    if not isinstance(action, RunDeployment) or firing.event is None:
        return False
    creator = f"headrace.automation.{automation.automation_id}"
    return any(related["id"] == creator and related.get("role") == "creator" for related in firing.event["related"])
