"""Tells channels what made automations fire."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from headrace import errors
from headrace_notification.repository import RunLogs, Runs
from headrace_notification.repository.channels import ChannelQueue
from headrace_notification.rules import notifications
from headrace_notification.rules.automations import SendNotification
from headrace_notification.rules.deliveries import Answer, Delivery, Result
from headrace_notification.rules.messages import Envelope, Message, Severity, fitted
from headrace_notification.usecases.links import base_of

logger = logging.getLogger(__name__)

Render = Callable[[list[str]], Awaitable[list[str]]]
"""Renders templates for one delivery."""


class Notifying:
    """Makes messages, and queues them for channels.

    Args:
        queue: Takes messages.
        runs: Describes flow runs.
        logs: Tells the last lines of their logs.
        public_url: Where people reach the server.
    """

    def __init__(self, queue: ChannelQueue, runs: Runs, logs: RunLogs, public_url: str) -> None:
        self._queue = queue
        self._runs = runs
        self._logs = logs
        self._public_url = public_url

    async def send(self, delivery: Delivery, action: SendNotification, render: Render) -> Answer:
        """Queue a message. Its key is the delivery's, so that a second try queues nothing a second time."""
        context, event = delivery.context, delivery.context["event"]
        flow_run_id = _flow_run_id(event)
        subject, body = await render([action.subject, action.body])
        run = await self._runs.describe(delivery.workspace_id, flow_run_id) if flow_run_id is not None else None
        if not body.strip():
            body = notifications.body_of(context, run, await self._lines(delivery.workspace_id, flow_run_id))
        message = Message(
            subject=subject.strip() or notifications.subject_of(context),
            body=body,
            severity=Severity[action.severity] if action.severity else notifications.severity_of(context),
            link=self._link(delivery.workspace_id, event, flow_run_id),
            facts=notifications.facts_of(event, run),
            incident_key=notifications.incident_key_of(context),
            resolves=context["firing"]["state"] == "resolved",
            plural=notifications.plural_of(event),
        )
        envelope = Envelope(
            workspace_id=delivery.workspace_id,
            channel_id=action.channel_id,
            message=fitted(message),
            dedup_key=delivery.dedup_key,
            group_key=str(delivery.automation_id),
            event_id=delivery.event_id,
            automation_id=delivery.automation_id,
            flow_run_id=flow_run_id,
        )
        try:
            channel_delivery_id, _ = await self._queue.enqueue(envelope)
        except errors.NotFound as error:
            return Answer(Result.REFUSED, str(error))
        return Answer(Result.DONE, f"queued as channel delivery {channel_delivery_id}")

    def _link(self, workspace_id: uuid.UUID, event: dict[str, Any] | None, flow_run_id: uuid.UUID | None) -> str:
        base = base_of(self._public_url, workspace_id)
        if flow_run_id is not None:
            return f"{base}/runs/{flow_run_id}"
        return f"{base}/events/{event['id']}" if event is not None else f"{base}/automations"

    async def _lines(self, workspace_id: uuid.UUID, flow_run_id: uuid.UUID | None) -> list[str]:
        if flow_run_id is None:
            return []
        try:
            return await self._logs.last_lines(workspace_id, flow_run_id, notifications.LOG_LINES)
        except errors.HeadraceError as error:
            # That somebody is told matters more than that all is told.
            logger.warning("the log of flow run %s is left out of a message: %s", flow_run_id, error)
            return []


def _flow_run_id(event: dict[str, Any] | None) -> uuid.UUID | None:
    for resource in (event["resource"], *event["related"]) if event is not None else ():
        if resource["id"].startswith(notifications.FLOW_RUN):
            try:
                return uuid.UUID(resource["id"].removeprefix(notifications.FLOW_RUN))
            except ValueError:
                continue
    return None
