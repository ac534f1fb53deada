"""`AutomationService` on the wire."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import automation_pb2, automation_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_chassis.clock import Clock
from headrace_chassis.pages import asked_page
from headrace_chassis.paging import check_key, decode_page_token, encode_page_token, question_digest
from headrace_chassis.scope import everywhere
from headrace_chassis.values import from_time, storable
from headrace_notification.repository import (
    AutomationPage,
    AutomationStore,
    DeliveryPage,
    DeliveryStore,
    EventStore,
    Secrets,
)
from headrace_notification.repository.channels import ChannelStore
from headrace_notification.repository.webhooks import WebhookStore
from headrace_notification.rules.automations import Automation
from headrace_notification.servicers.action_rights import require_rights
from headrace_notification.servicers.creators import creator_of
from headrace_notification.usecases.automations import (
    ACTION_FIELDS,
    check_automation,
    check_channels,
    create_automation,
    delete_automation,
    load_automation,
    masked_action,
    update_automation,
)
from headrace_notification.usecases.deliveries import resend_delivery
from headrace_notification.usecases.dry_run import dry_run
from headrace_notification.usecases.rotation import Place, rotate_secrets
from headrace_notification.wire import automations as wire
from headrace_notification.wire.values import optional_id, parse_id

Context = grpc.aio.ServicerContext[Any, Any]

_ROTATED = 100
_IDLE = {"name", "description", "tags", "enabled"}
"""What can be changed of an automation without having it do anything, unless it is enabled."""


class AutomationServicer(automation_pb2_grpc.AutomationServiceServicer):
    """Keeps automations and shows what they did.

    Args:
        store: Keeps automations.
        deliveries: Keeps what they did.
        secrets: Seals what is secret in them.
        clock: Tells from when on a new automation watches.
        events: Keeps the events that automations are tested with.
        webhooks: Keeps webhooks, whose secrets are rotated, too.
        channels: Knows whom automations may tell.
    """

    def __init__(
        self,
        store: AutomationStore,
        deliveries: DeliveryStore,
        secrets: Secrets,
        clock: Clock,
        events: EventStore,
        webhooks: WebhookStore,
        channels: ChannelStore,
    ) -> None:
        self._channels = channels
        self._store = store
        self._deliveries = deliveries
        self._secrets = secrets
        self._clock = clock
        self._events = events
        self._webhooks = webhooks

    async def CreateAutomation(
        self, request: automation_pb2.CreateAutomationRequest, context: Context
    ) -> automation_pb2.CreateAutomationResponse:
        """Create an automation."""
        caller = current_caller()
        automation = wire.automation_from_proto(request.automation, caller.workspace_id, creator_of(caller))
        require_rights(caller, automation)
        created = await create_automation(self._store, self._channels, self._secrets, automation, self._clock.now())
        return automation_pb2.CreateAutomationResponse(automation=_shown(created))

    async def GetAutomation(
        self, request: automation_pb2.GetAutomationRequest, context: Context
    ) -> automation_pb2.GetAutomationResponse:
        """Return one automation."""
        automation_id = parse_id(request.automation_id, "automation_id")
        automation = await load_automation(self._store, current_caller().workspace_id, automation_id)
        return automation_pb2.GetAutomationResponse(automation=_shown(automation))

    async def ListAutomations(
        self, request: automation_pb2.ListAutomationsRequest, context: Context
    ) -> automation_pb2.ListAutomationsResponse:
        """Return a page of automations."""
        workspace_id = current_caller().workspace_id
        enabled = request.enabled if request.HasField("enabled") else None
        page = asked_page(
            request,
            "automations",
            request.name_contains,
            str(enabled),
            request.owner_resource_id,
            workspace_id,
            key=(str, uuid.UUID),
        )
        found = await self._store.list_automations(
            workspace_id,
            AutomationPage(
                name_contains=storable(request.name_contains),
                enabled=enabled,
                owner_resource_id=storable(request.owner_resource_id),
                after=page.after_name_and_id,
                limit=page.lookahead,
            ),
        )
        shown, token = page.split(found, lambda automation: (automation.name, automation.automation_id))
        return automation_pb2.ListAutomationsResponse(automations=map(_shown, shown), next_page_token=token)

    async def UpdateAutomation(
        self, request: automation_pb2.UpdateAutomationRequest, context: Context
    ) -> automation_pb2.UpdateAutomationResponse:
        """Change the named fields of an automation."""
        caller = current_caller()
        automation_id = parse_id(request.automation.automation_id, "automation.automation_id")
        changes = wire.changes_from_proto(request.automation, request.update_mask)
        if changes.keys() - _IDLE or changes.get("enabled"):
            known = await load_automation(self._store, caller.workspace_id, automation_id)
            require_rights(caller, dataclasses.replace(known, **changes))
        automation = await update_automation(
            self._store,
            self._channels,
            self._secrets,
            caller.workspace_id,
            automation_id,
            changes,
            self._clock.now(),
        )
        return automation_pb2.UpdateAutomationResponse(automation=_shown(automation))

    async def DeleteAutomation(
        self, request: automation_pb2.DeleteAutomationRequest, context: Context
    ) -> automation_pb2.DeleteAutomationResponse:
        """Delete an automation."""
        automation_id = parse_id(request.automation_id, "automation_id")
        await delete_automation(self._store, current_caller().workspace_id, automation_id)
        return automation_pb2.DeleteAutomationResponse()

    async def TestAutomation(
        self, request: automation_pb2.TestAutomationRequest, context: Context
    ) -> automation_pb2.TestAutomationResponse:
        """Tell when an automation would have fired."""
        caller = current_caller()
        if request.automation_id:
            automation_id = parse_id(request.automation_id, "automation_id")
            automation = await load_automation(self._store, caller.workspace_id, automation_id)
        else:
            automation = wire.automation_from_proto(request.automation, caller.workspace_id, creator_of(caller))
            check_automation(automation)
            await check_channels(self._channels, automation)
        begin, end = wire.span_of_test(request.span, self._clock.now())
        outlook = await dry_run(self._events, caller.workspace_id, automation, begin, end)
        return automation_pb2.TestAutomationResponse(
            fired_count=outlook.fired_count,
            resolved_count=outlook.resolved_count,
            firings=map(wire.tested_firing_to_proto, outlook.firings),
            event_count=outlook.event_count,
            complete_until=from_time(outlook.complete_until),
            capped=outlook.is_capped,
        )

    async def ListDeliveries(
        self, request: automation_pb2.ListDeliveriesRequest, context: Context
    ) -> automation_pb2.ListDeliveriesResponse:
        """Return a page of deliveries."""
        workspace_id = current_caller().workspace_id
        statuses = wire.statuses_from_proto(request.statuses)
        page = asked_page(
            request,
            "deliveries",
            request.automation_id,
            ",".join(sorted(status.value for status in statuses)),
            request.event_id,
            workspace_id,
            key=(uuid.UUID,),
        )
        found = await self._deliveries.list_deliveries(
            workspace_id,
            DeliveryPage(
                automation_id=optional_id(request.automation_id, "automation_id"),
                statuses=statuses,
                event_id=optional_id(request.event_id, "event_id"),
                before=page.after_id,
                limit=page.lookahead,
            ),
        )
        shown, token = page.split(found, lambda delivery: (delivery.delivery_id,))
        return automation_pb2.ListDeliveriesResponse(
            deliveries=map(wire.delivery_to_proto, shown), next_page_token=token
        )

    async def RotateAutomationSecrets(
        self, request: automation_pb2.RotateAutomationSecretsRequest, context: Context
    ) -> automation_pb2.RotateAutomationSecretsResponse:
        """Encrypt some of the secrets anew that are not encrypted with the newest key."""
        question = question_digest("rotation")
        place = Place()
        after = decode_page_token(request.page_token, question)
        if after is not None:
            check_key(after, (int, uuid.UUID))
            phase, behind = after
            place = Place(int(str(phase)), uuid.UUID(str(behind)))
        # The key is of the whole server, and so are the secrets that it seals.
        with everywhere():
            done = await rotate_secrets(
                self._store, self._deliveries, self._webhooks, self._secrets, place, request.batch_size or _ROTATED
            )
        key = (done.next.phase, done.next.after) if done.next is not None else None
        return automation_pb2.RotateAutomationSecretsResponse(
            rotated=done.rotated,
            unreadable=done.unreadable,
            next_page_token=encode_page_token(key, question) if key is not None else "",
        )

    async def ResendDelivery(
        self, request: automation_pb2.ResendDeliveryRequest, context: Context
    ) -> automation_pb2.ResendDeliveryResponse:
        """Send a delivery again that was given up."""
        delivery_id = parse_id(request.delivery_id, "delivery_id")
        delivery = await resend_delivery(self._deliveries, current_caller().workspace_id, delivery_id)
        return automation_pb2.ResendDeliveryResponse(delivery=wire.delivery_to_proto(delivery))


def _shown(automation: Automation) -> automation_pb2.Automation:
    masked: dict[str, Any] = {field: tuple(map(masked_action, getattr(automation, field))) for field in ACTION_FIELDS}
    return wire.automation_to_proto(dataclasses.replace(automation, **masked))


def _id(token: str, question: bytes) -> uuid.UUID | None:
    match decode_page_token(token, question):
        case None:
            return None
        case (uuid.UUID() as delivery_id,):
            return delivery_id
    raise errors.InvalidArgument.of_field("page_token", "must be a token that this call returned")
