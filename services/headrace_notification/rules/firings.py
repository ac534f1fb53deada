"""What an event does to the triggers that cover it, and what has to be done when one fires."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from headrace_notification.rules import buckets, composites
from headrace_notification.rules.automations import (
    Action,
    Automation,
    CancelFlowRun,
    ChangeFlowRunState,
    EmitEvent,
    RunDeployment,
    Steer,
    SteerPlace,
    SteerSchedule,
    kind_of,
)
from headrace_notification.rules.buckets import Bucket, Outcome
from headrace_notification.rules.deliveries import Delivery, Status
from headrace_notification.rules.events import Event, event_document
from headrace_notification.rules.metrics import MetricTrigger
from headrace_notification.rules.triggers import (
    CompositeTrigger,
    EventTrigger,
    Path,
    Posture,
    leaves,
    part,
    sources_of,
)

BucketKey: TypeAlias = tuple[uuid.UUID, tuple[str, ...]]
"""An automation, and the values by which its trigger counts apart; before them, where several conditions make up a
trigger, a word that says which of them it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """A bucket, and the event that it last saw, as JSON; of several conditions, which of them came true."""

    bucket: Bucket
    last_event: Mapping[str, Any] | None
    came_true: composites.Memory = dataclasses.field(default_factory=dict)


Memory: TypeAlias = Mapping[BucketKey, Remembered | None]
Changes: TypeAlias = dict[BucketKey, Remembered | None]
"""What is remembered from now on; None forgets."""


@dataclasses.dataclass(frozen=True, slots=True)
class Firing:
    """A trigger that fired, or resolved."""

    automation: Automation
    outcome: Outcome
    at: datetime.datetime
    event: Mapping[str, Any] | None
    """The event that made it, or the one that started the watch; as JSON."""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The values by which it counts apart."""
    events: tuple[Mapping[str, Any], ...] = ()
    """Where it takes several conditions: the events that made each of them true, in their order."""
    metric: Mapping[str, Any] | None = None
    """What was measured, if a figure made it."""


def keys_of(automation: Automation, path: Path, event: Event) -> list[BucketKey]:
    """Return all that has to be known to judge an event by the condition at `path`."""
    leaf = _leaf(automation, path)
    own = [] if leaf.is_immediate else [_leaf_key(automation, path, leaf.key_of(event))]
    return own + keys_above(automation, path)


def keys_above(automation: Automation, path: Path) -> list[BucketKey]:
    """Return the keys of the conditions that the one at `path` is part of."""
    return [_node_key(automation, path[:depth]) for depth in range(len(path))]


def path_of(automation: Automation, key: BucketKey) -> Path | None:
    """Return where the condition stands that remembers something under `key`; None if there is none any more."""
    if isinstance(automation.trigger, EventTrigger):
        return ()
    _, values = key
    try:
        path = tuple(map(int, values[0].removeprefix(_MARK).split("."))) if values[0] != _MARK else ()
        part(automation.trigger, path)
    except (LookupError, ValueError):
        return None
    return path


def judge_event(automation: Automation, path: Path, event: Event, memory: Memory) -> tuple[Changes, list[Firing]]:
    """Return what an automation remembers after an event that its condition at `path` covers, and its firings."""
    leaf = _leaf(automation, path)
    document = event_document(event)
    values = leaf.key_of(event)
    if leaf.is_immediate:
        return _climb(automation, path, values, (Outcome.FIRED,), event.occurred_at, document, memory, {})
    key = _leaf_key(automation, path, values)
    remembered = memory.get(key)
    step = buckets.on_event(
        leaf,
        remembered.bucket if remembered is not None else None,
        event.occurred_at,
        starts=leaf.starts_after(event.name),
        is_expected=leaf.expects(event.name),
    )
    changes: Changes = {key: Remembered(step.bucket, document) if step.bucket is not None else None}
    return _climb(automation, path, values, step.outcomes, event.occurred_at, document, memory, changes)


def metric_key(automation: Automation, path: Path) -> BucketKey:
    """Return where the condition on a figure at `path` keeps what it remembers."""
    return _node_key(automation, path)


def judge_figure(
    automation: Automation, path: Path, figure: float | None, memory: Memory, now: datetime.datetime
) -> tuple[Changes, list[Firing]]:
    """Return what an automation remembers after a figure of its condition at `path` was measured, and its firings."""
    condition = part(automation.trigger, path)
    assert isinstance(condition, MetricTrigger), "figures concern conditions on figures"
    key = metric_key(automation, path)
    remembered = memory.get(key)
    step = buckets.on_figure(condition, remembered.bucket if remembered is not None else None, figure, now)
    changes: Changes = {key: Remembered(step.bucket, None) if step.bucket is not None else None}
    measured = {
        "name": condition.metric.value,
        "value": figure,
        "operator": condition.operator,
        "threshold": condition.threshold,
        "range_seconds": condition.range.total_seconds(),
    }
    changes, firings = _climb(automation, path, (), step.outcomes, now, None, memory, changes)
    return changes, [dataclasses.replace(firing, metric=measured) for firing in firings]


def judge_time(
    automation: Automation, key: BucketKey, memory: Memory, now: datetime.datetime
) -> tuple[Changes, list[Firing]]:
    """Return what an automation remembers once the time of a bucket is over, and its firings."""
    remembered, path = memory.get(key), path_of(automation, key)
    condition = part(automation.trigger, path) if path is not None else None
    if remembered is None or path is None or not isinstance(condition, EventTrigger):
        return {key: None}, []
    step = buckets.on_time(condition, remembered.bucket, now)
    changes: Changes = {key: Remembered(step.bucket, remembered.last_event) if step.bucket is not None else None}
    values = key[1] if not path else key[1][1:]
    return _climb(automation, path, values, step.outcomes, now, remembered.last_event, memory, changes)


def _climb(
    automation: Automation,
    path: Path,
    values: tuple[str, ...],
    outcomes: Sequence[Outcome],
    at: datetime.datetime,
    event: Mapping[str, Any] | None,
    memory: Memory,
    changes: Changes,
) -> tuple[Changes, list[Firing]]:
    """Tell the conditions above what came of the one at `path`; return all changes, and the firings of the whole."""
    firings: list[Firing] = []
    for outcome in outcomes:
        place = path
        events: tuple[Mapping[str, Any], ...] | None = ()
        while place and events is not None:
            events = _tell(automation, place, outcome, at, event, memory, changes)
            place = place[:-1]
        if events is not None:
            leaf = part(automation.trigger, path)
            labels = dict(zip(leaf.for_each, values, strict=True)) if isinstance(leaf, EventTrigger) else {}
            firings.append(Firing(automation, outcome, at, event, labels, events))
    return changes, firings


def _tell(
    automation: Automation,
    path: Path,
    outcome: Outcome,
    at: datetime.datetime,
    event: Mapping[str, Any] | None,
    memory: Memory,
    changes: Changes,
) -> tuple[Mapping[str, Any], ...] | None:
    """Tell the condition above what came of the one at `path`; return the events that made it true, None if not."""
    above, place = part(automation.trigger, path[:-1]), path[-1]
    assert isinstance(above, CompositeTrigger), "only conditions on conditions have parts"
    key = _node_key(automation, path[:-1])
    remembered = changes[key] if key in changes else memory.get(key)
    before = remembered.came_true if remembered is not None else {}
    if outcome is Outcome.RESOLVED:
        after, fires = composites.no_longer_true(before, place), False
    else:
        after, fires = composites.come_true(above, before, place, at, event)
    changes[key] = _remembered(above, after)
    if not fires:
        return None
    told = {**{where: came.event for where, came in before.items()}, place: event}
    return tuple(made for _, made in sorted(told.items()) if made is not None)


def _remembered(trigger: CompositeTrigger, memory: composites.Memory) -> Remembered | None:
    if not memory:
        return None
    begins_at = min(came.since for came in memory.values())
    ends_at = composites.ends_at(trigger, memory)
    return Remembered(Bucket(begins_at, ends_at or buckets.FOREVER, len(memory)), None, memory)


def first_buckets(automation: Automation, now: datetime.datetime) -> Changes:
    """Return what a new automation remembers: the open windows of conditions that are always on."""
    if not automation.enabled:
        return {}
    return {
        _leaf_key(automation, path, ()): Remembered(buckets.open_bucket(leaf, now), None)
        for path, leaf in leaves(automation.trigger)
        if leaf.is_always_on
    }


def timer_of(
    automation: Automation, key: BucketKey, bucket: Bucket
) -> tuple[datetime.datetime | None, tuple[str, ...]]:
    """Return when a bucket has to be looked at, None if only events matter; and who must be followed until then."""
    path = path_of(automation, key)
    condition = part(automation.trigger, path) if path is not None else None
    if not isinstance(condition, EventTrigger):
        return None, ()
    waits = condition.posture is Posture.PROACTIVE and bucket.is_watching
    return (bucket.ends_at if waits else None), sources_of(condition)


_MARK = "@"


def _leaf(automation: Automation, path: Path) -> EventTrigger:
    leaf = part(automation.trigger, path)
    assert isinstance(leaf, EventTrigger), "events concern conditions on events"
    return leaf


def _leaf_key(automation: Automation, path: Path, values: tuple[str, ...]) -> BucketKey:
    return automation.automation_id, ((_word(path), *values) if path else values)


def _node_key(automation: Automation, path: Path) -> BucketKey:
    return automation.automation_id, (_word(path),)


def _word(path: Path) -> str:
    return _MARK + ".".join(map(str, path))


def deliveries_of(firing: Firing, new_id: Callable[[], uuid.UUID], too_many: str = "") -> list[Delivery]:
    """Return what is to be done for a firing. What would lead to itself is given up at once, and says so.

    Args:
        firing: Which one.
        new_id: Makes ids.
        too_many: Why it must change nothing, if there were too many like it.
    """
    automation = firing.automation
    special = automation.actions_on_resolve if firing.outcome is Outcome.RESOLVED else automation.actions_on_trigger
    context = {
        "event": firing.event,
        "automation": {"id": str(automation.automation_id), "name": automation.name},
        "firing": {
            "state": firing.outcome.value,
            "at": firing.at.isoformat(),
            "labels": dict(firing.labels),
            "events": [dict(event) for event in firing.events],
            "metric": firing.metric,
        },
    }
    event_id = uuid.UUID(firing.event["id"]) if firing.event is not None else None
    circle = why_in_circles(automation.automation_id, firing.event)

    def refusal(action: Action) -> str:
        if isinstance(action, LEADS_ON):
            return circle
        return too_many if isinstance(action, CHANGES) else ""

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
            status=Status.DEAD if refusal(action) else Status.PENDING,
            last_answer=refusal(action),
        )
        for action in (*automation.actions, *special)
    ]


LEADS_ON = (RunDeployment, EmitEvent)
"""Actions that make further events by which automations may fire."""

CHANGES = (ChangeFlowRunState, CancelFlowRun, Steer, SteerPlace, SteerSchedule)
"""Actions that change something that is there; what is told of the change does not say who made it."""

CHAIN = "headrace.automation-chain"
"""The label with the ids of the automations that led to something, in their order."""

LONGEST_CHAIN = 20


def chain_of(event: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the ids of the automations that led to an event, in their order."""
    if event is None:
        return ()
    noted = [found for found in event["resource"]["labels"].get(CHAIN, "").split(",") if found]
    prefix = "headrace.automation."
    creators = [
        related["id"].removeprefix(prefix)
        for related in event["related"]
        if related["id"].startswith(prefix) and related.get("role") == "creator"
    ]
    return tuple(dict.fromkeys((*noted, *creators)))


def why_in_circles(automation_id: uuid.UUID, event: Mapping[str, Any] | None) -> str:
    """Return why an automation must lead to nothing further for an event; "" if it may."""
    chain = chain_of(event)
    if str(automation_id) in chain:
        return "not done: this automation led to the event itself, so that it would go round in circles"
    if len(chain) >= LONGEST_CHAIN:
        return f"not done: {len(chain)} automations led to the event, one by the other"
    return ""
