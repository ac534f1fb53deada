"""Encrypt the secrets of automations and webhooks anew after a change of keys."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from headrace import errors
from headrace_notification.repository import AutomationStore, DeliveryStore, Secrets
from headrace_notification.repository.webhooks import WebhookStore
from headrace_notification.rules.automations import Action, Automation, CallWebhook
from headrace_notification.usecases.automations import ACTION_FIELDS

_FIRST = uuid.UUID(int=0)
_DELIVERIES, _WEBHOOKS = 1, 2


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """How far a rotation has come."""

    phase: int = 0
    """0: automations, 1: deliveries that may still be sent, 2: webhooks."""
    after: uuid.UUID = _FIRST


@dataclasses.dataclass(frozen=True, slots=True)
class Rotation:
    """What a step of a rotation did."""

    rotated: int
    unreadable: int
    next: Place | None
    """None: there is nothing left."""


async def rotate_secrets(
    store: AutomationStore,
    deliveries: DeliveryStore,
    webhooks: WebhookStore,
    secrets: Secrets,
    place: Place,
    most: int,
) -> Rotation:
    """Encrypt the secrets of some automations, deliveries that may still be sent or webhooks with the newest key.

    Raises:
        errors.FailedPrecondition: There is no key.
    """
    secrets.seal("", "rotation")
    if place.phase == _DELIVERIES:
        return await _rotate_deliveries(deliveries, secrets, place.after, most)
    if place.phase == _WEBHOOKS:
        return await _rotate_webhooks(webhooks, secrets, place.after, most)
    return await _rotate_automations(store, secrets, place.after, most)


async def _rotate_automations(store: AutomationStore, secrets: Secrets, after: uuid.UUID, most: int) -> Rotation:
    stale = sorted(
        (each.automation_id, each.workspace_id)
        for each in await store.changed_since(0)
        if each.automation_id > after and not _is_newest(each, secrets)
    )
    rotated = unreadable = 0
    for automation_id, workspace_id in stale[:most]:
        async with store.change() as work:
            automation = await work.load(workspace_id, automation_id)
            if automation is None:
                continue
            try:
                changes: dict[str, Any] = {
                    field: tuple(_resealed(action, secrets, workspace_id) for action in getattr(automation, field))
                    for field in ACTION_FIELDS
                }
            except errors.FailedPrecondition:
                unreadable += 1
                continue
            await work.replace(dataclasses.replace(automation, **changes))
            rotated += 1
    is_last = len(stale) <= most
    return Rotation(rotated, unreadable, Place(_DELIVERIES) if is_last else Place(after=stale[most - 1][0]))


async def _rotate_deliveries(deliveries: DeliveryStore, secrets: Secrets, after: uuid.UUID, most: int) -> Rotation:
    found = await deliveries.list_unsent(after, most)
    rotated = unreadable = 0
    for delivery in found:
        if _all_newest(delivery.action, secrets):
            continue
        try:
            action = _resealed(delivery.action, secrets, delivery.workspace_id)
        except errors.FailedPrecondition:
            unreadable += 1
            continue
        await deliveries.replace_action(delivery.delivery_id, action)
        rotated += 1
    following = Place(_DELIVERIES, found[-1].delivery_id) if len(found) == most else Place(_WEBHOOKS)
    return Rotation(rotated, unreadable, following)


async def _rotate_webhooks(webhooks: WebhookStore, secrets: Secrets, after: uuid.UUID, most: int) -> Rotation:
    found = await webhooks.list_sealed(after, most)
    rotated = unreadable = 0
    for webhook in found:
        context = str(webhook.workspace_id)
        if all(secrets.is_newest(sealed) for sealed in (webhook.secret, webhook.secret_before) if sealed):
            continue
        try:
            before = webhook.secret_before and secrets.seal(secrets.open(webhook.secret_before, context), context)
            secret = secrets.seal(secrets.open(webhook.secret, context), context)
        except errors.FailedPrecondition:
            unreadable += 1
            continue
        await webhooks.replace(dataclasses.replace(webhook, secret=secret, secret_before=before))
        rotated += 1
    return Rotation(rotated, unreadable, Place(_WEBHOOKS, found[-1].webhook_id) if len(found) == most else None)


def _is_newest(automation: Automation, secrets: Secrets) -> bool:
    return all(_all_newest(action, secrets) for field in ACTION_FIELDS for action in getattr(automation, field))


def _all_newest(action: Action, secrets: Secrets) -> bool:
    if not isinstance(action, CallWebhook):
        return True
    sealed = [*action.headers.values(), *([action.signing_secret] if action.signing_secret else [])]
    return all(secrets.is_newest(each) for each in sealed)


def _resealed(action: Action, secrets: Secrets, workspace_id: uuid.UUID) -> Action:
    if not isinstance(action, CallWebhook):
        return action
    context = str(workspace_id)

    def reseal(sealed: str) -> str:
        return secrets.seal(secrets.open(sealed, context), context)

    return dataclasses.replace(
        action,
        headers={name: reseal(sealed) for name, sealed in action.headers.items()},
        signing_secret=reseal(action.signing_secret) if action.signing_secret else "",
    )
