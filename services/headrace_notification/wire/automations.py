"""Automations and their deliveries."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import automation_pb2, state_pb2
from headrace.ids import uuid7
from headrace_chassis.values import from_time, storable
from headrace_notification.rules.automations import Automation, Creator
from headrace_notification.rules.deliveries import Delivery, Status
from headrace_notification.rules.firings import Firing
from headrace_notification.rules.metrics import Metric, MetricTrigger
from headrace_notification.rules.triggers import CompositeTrigger, EventTrigger, Match, Posture, Trigger
from headrace_notification.wire.actions import action_from_proto, actions_to_proto
from headrace_notification.wire.events import document_to_proto
from headrace_notification.wire.values import changed_fields, creator_to_proto, duration, moment, parse_id, span

DAY = datetime.timedelta(days=1)
DEFAULT_RANGE = datetime.timedelta(hours=1)

FIELDS = (
    "name",
    "description",
    "enabled",
    "tags",
    "trigger",
    "actions",
    "actions_on_trigger",
    "actions_on_resolve",
    "owner_resource_id",
)
"""What may be changed of an automation."""

_STATUS = {
    Status.PENDING: automation_pb2.DELIVERY_STATUS_PENDING,
    Status.DELIVERED: automation_pb2.DELIVERY_STATUS_DELIVERED,
    Status.DEAD: automation_pb2.DELIVERY_STATUS_DEAD,
}


def automation_from_proto(message: automation_pb2.Automation, workspace_id: uuid.UUID, creator: Creator) -> Automation:
    """Return a new automation as it was handed in, secrets in the clear.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    values = {field: _field(message, field) for field in FIELDS}
    return Automation(
        automation_id=parse_id(message.automation_id, "automation.automation_id") if message.automation_id else uuid7(),
        workspace_id=workspace_id,
        creator=creator,
        **values,
    )


def changes_from_proto(message: automation_pb2.Automation, mask: FieldMask) -> dict[str, Any]:
    """Return the new values that a mask names; without a mask, of the fields that are set.

    Raises:
        errors.InvalidArgument: The fields that are wrong, or a path that cannot be changed.
    """
    return {name: _field(message, name) for name in changed_fields(message, mask, FIELDS)}


def _field(message: automation_pb2.Automation, name: str) -> Any:
    value = getattr(message, name)
    if name == "trigger":
        return _trigger(message.trigger, "automation.trigger")
    if name == "tags":
        return tuple(map(storable, value))
    if name.startswith("actions"):
        return tuple(action_from_proto(action, f"automation.{name}[{place}]") for place, action in enumerate(value))
    return storable(value) if isinstance(value, str) else value


def _trigger(message: automation_pb2.Trigger, path: str) -> Trigger:
    kind = message.WhichOneof("trigger")
    if kind == "event":
        return _event_trigger(message.event, f"{path}.event")
    if kind == "compound":
        children = _triggers(message.compound.triggers, f"{path}.compound")
        within = span(message.compound.within, f"{path}.compound.within")
        return CompositeTrigger(children, message.compound.require or len(children), within)
    if kind == "sequence":
        children = _triggers(message.sequence.triggers, f"{path}.sequence")
        within = span(message.sequence.within, f"{path}.sequence.within")
        return CompositeTrigger(children, len(children), within, in_order=True)
    if kind == "metric":
        return _metric_trigger(message.metric, f"{path}.metric")
    raise errors.InvalidArgument.of_field(path, "must be set")


def _triggers(messages: Iterable[automation_pb2.Trigger], path: str) -> tuple[Trigger, ...]:
    return tuple(_trigger(message, f"{path}.triggers[{place}]") for place, message in enumerate(messages))


def _event_trigger(trigger: automation_pb2.EventTrigger, path: str) -> EventTrigger:
    is_proactive = trigger.posture == automation_pb2.TRIGGER_POSTURE_PROACTIVE
    return EventTrigger(
        posture=Posture.PROACTIVE if is_proactive else Posture.REACTIVE,
        match=_match(trigger.match),
        match_related=tuple(map(_match, trigger.match_related)),
        after=tuple(map(storable, trigger.after)),
        expect=tuple(map(storable, trigger.expect)),
        for_each=tuple(map(storable, trigger.for_each)),
        threshold=trigger.threshold or 1,
        within=span(trigger.within, f"{path}.within"),
    )


def _metric_trigger(trigger: automation_pb2.MetricTrigger, path: str) -> MetricTrigger:
    try:
        metric = Metric(trigger.metric)
    except ValueError:
        words = ", ".join(metric.value for metric in Metric)
        raise errors.InvalidArgument.of_field(f"{path}.metric", f"must be one of {words}") from None
    return MetricTrigger(
        metric=metric,
        operator=trigger.operator,
        threshold=trigger.threshold,
        range=span(trigger.range, f"{path}.range") if trigger.HasField("range") else DEFAULT_RANGE,
        firing_for=span(trigger.firing_for, f"{path}.firing_for"),
        match=_match(trigger.match),
        match_related=tuple(map(_match, trigger.match_related)),
    )


def _match(message: automation_pb2.ResourceMatch) -> Match:
    return {storable(label): tuple(map(storable, found.values)) for label, found in message.labels.items()}


def automation_to_proto(automation: Automation) -> automation_pb2.Automation:
    """Return an automation as it goes over the wire; its secrets have to be masked by then."""
    return automation_pb2.Automation(
        automation_id=str(automation.automation_id),
        name=automation.name,
        description=automation.description,
        enabled=automation.enabled,
        tags=automation.tags,
        trigger=_trigger_to_proto(automation.trigger),
        actions=actions_to_proto(automation.actions),
        actions_on_trigger=actions_to_proto(automation.actions_on_trigger),
        actions_on_resolve=actions_to_proto(automation.actions_on_resolve),
        owner_resource_id=automation.owner_resource_id,
        creator=creator_to_proto(automation.creator),
        created_at=from_time(automation.created_at),
        updated_at=from_time(automation.updated_at),
        last_fired_at=from_time(automation.last_fired_at),
    )


def _trigger_to_proto(trigger: Trigger) -> automation_pb2.Trigger:
    if isinstance(trigger, EventTrigger):
        return automation_pb2.Trigger(event=_event_trigger_to_proto(trigger))
    if isinstance(trigger, MetricTrigger):
        return automation_pb2.Trigger(metric=_metric_trigger_to_proto(trigger))
    children, within = map(_trigger_to_proto, trigger.children), duration(trigger.within)
    if trigger.in_order:
        return automation_pb2.Trigger(sequence=automation_pb2.SequenceTrigger(triggers=children, within=within))
    return automation_pb2.Trigger(
        compound=automation_pb2.CompoundTrigger(triggers=children, require=trigger.require, within=within)
    )


def _event_trigger_to_proto(trigger: EventTrigger) -> automation_pb2.EventTrigger:
    is_proactive = trigger.posture is Posture.PROACTIVE
    message = automation_pb2.EventTrigger(
        posture=automation_pb2.TRIGGER_POSTURE_PROACTIVE if is_proactive else automation_pb2.TRIGGER_POSTURE_REACTIVE,
        match_related=map(_match_to_proto, trigger.match_related),
        after=trigger.after,
        expect=trigger.expect,
        for_each=trigger.for_each,
        threshold=trigger.threshold,
        within=duration(trigger.within),
    )
    if trigger.match:
        message.match.CopyFrom(_match_to_proto(trigger.match))
    return message


def _metric_trigger_to_proto(trigger: MetricTrigger) -> automation_pb2.MetricTrigger:
    message = automation_pb2.MetricTrigger(
        metric=trigger.metric.value,
        operator=trigger.operator,
        threshold=trigger.threshold,
        range=duration(trigger.range),
        firing_for=duration(trigger.firing_for),
        match_related=map(_match_to_proto, trigger.match_related),
    )
    if trigger.match:
        message.match.CopyFrom(_match_to_proto(trigger.match))
    return message


def _match_to_proto(match: Match) -> automation_pb2.ResourceMatch:
    labels: Mapping[str, automation_pb2.LabelValues] = {
        label: automation_pb2.LabelValues(values=values) for label, values in match.items()
    }
    return automation_pb2.ResourceMatch(labels=labels)


def span_of_test(message: state_pb2.TimeRange, now: datetime.datetime) -> tuple[datetime.datetime, datetime.datetime]:
    """Return from when until when to look at events, by default the last day until now.

    Raises:
        errors.InvalidArgument: An end of it is no time.
    """
    end = moment(message.until, "span.until") if message.HasField("until") else now
    begin = moment(getattr(message, "from"), "span.from") if message.HasField("from") else end - DAY
    return begin, end


def tested_firing_to_proto(firing: Firing) -> automation_pb2.TestedFiring:
    """Return when an automation would have fired."""
    tested = automation_pb2.TestedFiring(
        state=firing.outcome.value,
        at=from_time(firing.at),
        labels=dict(firing.labels),
    )
    if firing.event is not None:
        tested.event.CopyFrom(document_to_proto(firing.event))
    return tested


def delivery_to_proto(delivery: Delivery) -> automation_pb2.Delivery:
    """Return a delivery as it goes over the wire."""
    return automation_pb2.Delivery(
        delivery_id=str(delivery.delivery_id),
        automation_id=str(delivery.automation_id),
        automation_name=delivery.automation_name,
        event_id=str(delivery.event_id or ""),
        action_kind=delivery.action_kind,
        status=_STATUS[delivery.status],
        tries=delivery.tries,
        next_try_at=from_time(delivery.next_try_at),
        last_answer=delivery.last_answer,
        last_status_code=delivery.last_status_code,
        created_at=from_time(delivery.created_at),
        ended_at=from_time(delivery.ended_at),
        dedup_key=delivery.dedup_key,
    )


def statuses_from_proto(numbers: Iterable[int]) -> tuple[Status, ...]:
    """Return the statuses asked for.

    Raises:
        errors.InvalidArgument: One is none.
    """
    known = {number: status for status, number in _STATUS.items()}
    found: dict[Status, None] = {}
    for place, number in enumerate(numbers):
        status = known.get(automation_pb2.DeliveryStatus.ValueType(number))
        if status is None:
            raise errors.InvalidArgument.of_field(f"statuses[{place}]", "must be a status of deliveries")
        found[status] = None
    return tuple(found)
