"""`WebhookService` on the wire."""

from __future__ import annotations

import uuid
from typing import Any

import grpc.aio

from headrace.api.v1 import webhook_pb2, webhook_pb2_grpc
from headrace_chassis.caller import current_caller, set_caller
from headrace_chassis.clock import Clock
from headrace_chassis.pages import asked_page
from headrace_chassis.resolving import service_caller
from headrace_chassis.values import storable
from headrace_notification.repository import EventStore, Secrets
from headrace_notification.repository.webhooks import WebhookStore
from headrace_notification.rules.handshakes import Answer
from headrace_notification.servicers.creators import creator_of
from headrace_notification.usecases.webhooks import (
    create_webhook,
    delete_webhook,
    load_webhook,
    new_slug,
    receive,
    rotate_webhook_secret,
    update_webhook,
)
from headrace_notification.wire import webhooks as wire
from headrace_notification.wire.values import parse_id, span

Context = grpc.aio.ServicerContext[Any, Any]


class WebhookServicer(webhook_pb2_grpc.WebhookServiceServicer):
    """Keeps webhooks, and takes what is sent to them.

    Args:
        store: Keeps webhooks.
        events: Keeps what becomes of calls.
        secrets: Seals and opens what is secret.
        clock: Tells whether a signature is fresh.
    """

    def __init__(self, store: WebhookStore, events: EventStore, secrets: Secrets, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._secrets = secrets
        self._clock = clock

    async def CreateWebhook(
        self, request: webhook_pb2.CreateWebhookRequest, context: Context
    ) -> webhook_pb2.CreateWebhookResponse:
        """Create a webhook."""
        caller = current_caller()
        webhook = wire.webhook_from_proto(request.webhook, caller.workspace_id, creator_of(caller), new_slug())
        created, secret = await create_webhook(self._store, self._secrets, webhook, request.secret)
        return webhook_pb2.CreateWebhookResponse(webhook=wire.webhook_to_proto(created), secret=secret)

    async def GetWebhook(
        self, request: webhook_pb2.GetWebhookRequest, context: Context
    ) -> webhook_pb2.GetWebhookResponse:
        """Return one webhook."""
        webhook = await load_webhook(self._store, current_caller().workspace_id, storable(request.webhook))
        return webhook_pb2.GetWebhookResponse(webhook=wire.webhook_to_proto(webhook))

    async def ListWebhooks(
        self, request: webhook_pb2.ListWebhooksRequest, context: Context
    ) -> webhook_pb2.ListWebhooksResponse:
        """Return a page of webhooks."""
        workspace_id = current_caller().workspace_id
        page = asked_page(request, "webhooks", request.name_contains, workspace_id, key=(str, uuid.UUID))
        found = await self._store.list_webhooks(
            workspace_id,
            name_contains=storable(request.name_contains),
            after=page.after_name_and_id,
            limit=page.lookahead,
        )
        shown, token = page.split(found, lambda webhook: (webhook.name, webhook.webhook_id))
        return webhook_pb2.ListWebhooksResponse(webhooks=map(wire.webhook_to_proto, shown), next_page_token=token)

    async def UpdateWebhook(
        self, request: webhook_pb2.UpdateWebhookRequest, context: Context
    ) -> webhook_pb2.UpdateWebhookResponse:
        """Change the named fields of a webhook."""
        webhook = await update_webhook(
            self._store,
            current_caller().workspace_id,
            parse_id(request.webhook.webhook_id, "webhook.webhook_id"),
            wire.changes_from_proto(request.webhook, request.update_mask),
        )
        return webhook_pb2.UpdateWebhookResponse(webhook=wire.webhook_to_proto(webhook))

    async def DeleteWebhook(
        self, request: webhook_pb2.DeleteWebhookRequest, context: Context
    ) -> webhook_pb2.DeleteWebhookResponse:
        """Delete a webhook."""
        webhook_id = parse_id(request.webhook_id, "webhook_id")
        await delete_webhook(self._store, current_caller().workspace_id, webhook_id)
        return webhook_pb2.DeleteWebhookResponse()

    async def RotateWebhookSecret(
        self, request: webhook_pb2.RotateWebhookSecretRequest, context: Context
    ) -> webhook_pb2.RotateWebhookSecretResponse:
        """Give a webhook another secret."""
        webhook, secret = await rotate_webhook_secret(
            self._store,
            self._secrets,
            current_caller().workspace_id,
            parse_id(request.webhook_id, "webhook_id"),
            span(request.grace, "grace"),
            self._clock.now(),
        )
        return webhook_pb2.RotateWebhookSecretResponse(webhook=wire.webhook_to_proto(webhook), secret=secret)

    async def ReceiveWebhook(
        self, request: webhook_pb2.ReceiveWebhookRequest, context: Context
    ) -> webhook_pb2.ReceiveWebhookResponse:
        """Take what was sent to the address of a webhook."""
        # Whose it is the address says, and not the caller.
        set_caller(service_caller("webhook"))
        call = wire.call_from_proto(request)
        received = await receive(
            self._store, self._events, self._secrets, storable(request.slug), call, self._clock.now()
        )
        if isinstance(received, Answer):
            return wire.answer_to_proto(received)
        return webhook_pb2.ReceiveWebhookResponse(event_id=str(received.event_id), stored=received.is_new)
