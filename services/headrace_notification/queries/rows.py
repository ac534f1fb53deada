"""Rows into the service's own words, and back."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import asyncpg

from headrace_notification.rules.automations import (
    Automation,
    Creator,
    action_document,
    action_from_document,
    trigger_document,
    trigger_from_document,
)
from headrace_notification.rules.buckets import Bucket
from headrace_notification.rules.composites import Came, Memory
from headrace_notification.rules.deliveries import Delivery, Status
from headrace_notification.rules.events import Event, Resource
from headrace_notification.rules.firings import BucketKey, Remembered

Row: TypeAlias = asyncpg.Record


def event_from_row(row: Row) -> Event:
    """Return the event in a row."""
    resource = row["resource"]
    return Event(
        event_id=row["event_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        occurred_at=row["occurred_at"],
        resource=Resource(row["resource_id"], resource["name"], "", resource["labels"]),
        related=tuple(
            Resource(related["id"], related["name"], related["role"], related["labels"]) for related in row["related"]
        ),
        payload=row["payload"],
        follows_event_id=row["follows_event_id"],
        received_at=row["received_at"],
        position=row["position"],
    )


def resource_columns(event: Event) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the columns `resource` and `related` of an event."""
    resource = {"name": event.resource.name, "labels": dict(event.resource.labels)}
    related = [
        {"id": related.resource_id, "name": related.name, "role": related.role, "labels": dict(related.labels)}
        for related in event.related
    ]
    return resource, related


def automation_from_row(row: Row) -> Automation:
    """Return the automation in a row."""
    return Automation(
        automation_id=row["automation_id"],
        workspace_id=row["workspace_id"],
        name=row["name"],
        trigger=trigger_from_document(row["trigger"]),
        description=row["description"],
        enabled=row["enabled"],
        tags=tuple(row["tags"]),
        actions=tuple(map(action_from_document, row["actions"])),
        actions_on_trigger=tuple(map(action_from_document, row["actions_on_trigger"])),
        actions_on_resolve=tuple(map(action_from_document, row["actions_on_resolve"])),
        owner_resource_id=row["owner_resource_id"],
        creator=Creator(**row["creator"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_fired_at=row["last_fired_at"],
        version=row["version"],
    )


def automation_columns(automation: Automation) -> list[Any]:
    """Return name, description, enabled, tags, trigger, the three lists of actions, and owner."""
    return [
        automation.name,
        automation.description,
        automation.enabled,
        list(automation.tags),
        trigger_document(automation.trigger),
        list(map(action_document, automation.actions)),
        list(map(action_document, automation.actions_on_trigger)),
        list(map(action_document, automation.actions_on_resolve)),
        automation.owner_resource_id,
    ]


def creator_column(creator: Creator) -> dict[str, str]:
    """Return the column `creator`."""
    return dataclasses.asdict(creator)


def delivery_from_row(row: Row) -> Delivery:
    """Return the delivery in a row."""
    return Delivery(
        delivery_id=row["delivery_id"],
        workspace_id=row["workspace_id"],
        automation_id=row["automation_id"],
        automation_name=row["automation_name"],
        event_id=row["event_id"],
        action_kind=row["action_kind"],
        action=action_from_document(row["action"]),
        context=row["context"],
        status=Status(row["status"]),
        tries=row["tries"],
        next_try_at=row["next_try_at"],
        last_answer=row["last_answer"],
        last_status_code=row["last_status_code"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def remembered_from_row(row: Row) -> tuple[BucketKey, Remembered]:
    """Return the bucket in a row, with its key."""
    bucket = Bucket(row["starts_at"], row["ends_at"], row["count"], row["fired_at"])
    came_true = {int(place): Came.of_document(came) for place, came in (row["came_true"] or {}).items()}
    return (row["automation_id"], tuple(row["key"])), Remembered(bucket, row["last_event"], came_true)


def came_true_column(memory: Memory) -> dict[str, Any] | None:
    """Return the column `came_true`."""
    return {str(place): came.document() for place, came in memory.items()} or None


def array_literals(arrays: Iterable[Sequence[str]]) -> list[str]:
    """Return arrays of texts as literals: an array of arrays of different lengths cannot be passed."""
    return [_array_literal(array) for array in arrays]


def _array_literal(array: Sequence[str]) -> str:
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in array)
    return "{" + ",".join(quoted) + "}"


def key_columns(keys: Sequence[BucketKey]) -> tuple[list[uuid.UUID], list[str]]:
    """Return keys as two columns."""
    return [automation_id for automation_id, _ in keys], array_literals(key for _, key in keys)
