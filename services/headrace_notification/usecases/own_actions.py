"""Actions that this service does itself: it switches automations, and emits events."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

from headrace import errors
from headrace_notification.repository import AutomationStore, EventStore
from headrace_notification.rules.automation_events import AUTOMATION, related_to
from headrace_notification.rules.automations import EmitEvent
from headrace_notification.rules.built_in import is_built_in
from headrace_notification.rules.deliveries import Answer, Delivery, Result
from headrace_notification.rules.events import RESERVED_PREFIX, Event, Resource
from headrace_notification.usecases.automations import set_enabled

LONGEST_NAME = 1024


class OwnActions:
    """Does what needs no other service.

    Args:
        automations: Keeps automations.
        events: Keeps events.
        now: Tells the time.
    """

    def __init__(self, automations: AutomationStore, events: EventStore, now: Callable[[], datetime.datetime]) -> None:
        self._automations = automations
        self._events = events
        self._now = now

    async def switch(self, delivery: Delivery, automation_id: uuid.UUID, *, enabled: bool) -> Answer:
        """Let an automation act, or do nothing."""
        try:
            automation = await set_enabled(
                self._automations, delivery.workspace_id, automation_id, enabled, self._now()
            )
        except errors.NotFound as error:
            return Answer(Result.REFUSED, str(error))
        return Answer(Result.DONE, f"{automation.name} is {'enabled' if enabled else 'disabled'}")

    async def emit(self, delivery: Delivery, action: EmitEvent) -> Answer:
        """Emit an event; its id is the delivery's, so that a second try emits nothing a second time.

        Args:
            delivery: What it is done for.
            action: What to emit, rendered.
        """
        cause = delivery.context["event"]
        is_own = is_built_in(delivery.workspace_id, delivery.automation_id)
        if action.name.startswith(RESERVED_PREFIX) and not is_own:
            return Answer(
                Result.REFUSED, f"names that begin with {RESERVED_PREFIX} are those of the server's own events"
            )
        if not action.name.strip():
            return Answer(Result.REFUSED, "the template of the event's name makes an empty one")
        resource_id, name = action.resource_id, action.resource_name
        if not resource_id:
            resource_id = cause["resource"]["id"] if cause is not None else AUTOMATION + str(delivery.automation_id)
            name = name or (cause["resource"]["name"] if cause is not None else delivery.automation_name)
        related = related_to(delivery.automation_id, delivery.automation_name, cause, resource_id)
        event = Event(
            event_id=delivery.delivery_id,
            workspace_id=delivery.workspace_id,
            name=action.name[:LONGEST_NAME],
            occurred_at=delivery.created_at or self._now(),
            resource=Resource(resource_id[:LONGEST_NAME], name),
            related=related,
            payload=action.payload,
            follows_event_id=delivery.event_id,
        )
        await self._events.add([event])
        return Answer(Result.DONE, f"emitted event {event.event_id}")
