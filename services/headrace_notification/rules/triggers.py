"""Conditions on events: what they look at, and which events they look at."""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from headrace_notification.rules.events import Event, Resource
from headrace_notification.rules.metrics import MetricTrigger
from headrace_notification.rules.patterns import allows, fits_any

RELATED = "related:"
"""`related:<role>:<label>` in `for_each` is a label of the related resource in that role."""


class Posture(enum.Enum):
    """Whether the presence or the absence of events counts."""

    REACTIVE = "reactive"
    PROACTIVE = "proactive"


Match: TypeAlias = Mapping[str, tuple[str, ...]]
"""For each label the values of which any fits."""


@dataclasses.dataclass(frozen=True, slots=True)
class EventTrigger:
    """Fires when expected events come (reactive), or when they do not come in time (proactive)."""

    posture: Posture = Posture.REACTIVE
    match: Match = dataclasses.field(default_factory=dict)
    """What the event's resource must be like."""
    match_related: tuple[Match, ...] = ()
    """For each of these there must be a related resource that is like it."""
    after: tuple[str, ...] = ()
    """Names of events that start the watch; empty: it is always on."""
    expect: tuple[str, ...] = ()
    """Names of the events that are expected; empty: any."""
    for_each: tuple[str, ...] = ()
    """Labels by whose values events are counted apart."""
    threshold: int = 1
    within: datetime.timedelta = datetime.timedelta()
    """The span of time for the threshold; zero: without bound."""

    @property
    def is_immediate(self) -> bool:
        """Whether each expected event fires it, so that nothing has to be remembered."""
        return self.posture is Posture.REACTIVE and self.threshold <= 1 and not self.within and not self.after

    @property
    def is_always_on(self) -> bool:
        """Whether it waits for events from the moment on that it is there."""
        return self.posture is Posture.PROACTIVE and not self.after and not self.for_each

    def expects(self, name: str) -> bool:
        """Return whether it counts events of this name."""
        return not self.expect or fits_any(name, self.expect)

    def starts_after(self, name: str) -> bool:
        """Return whether events of this name start the watch."""
        return bool(self.after) and fits_any(name, self.after)

    def covers(self, event: Event) -> bool:
        """Return whether the event concerns it at all."""
        return (
            (self.expects(event.name) or self.starts_after(event.name))
            and is_like(event.resource, self.match)
            and all(any(is_like(related, match) for related in event.related) for match in self.match_related)
        )

    def key_of(self, event: Event) -> tuple[str, ...]:
        """Return the values by which the event is counted apart."""
        return tuple(_value(event, label) or "" for label in self.for_each)


@dataclasses.dataclass(frozen=True, slots=True)
class CompositeTrigger:
    """Fires when several conditions have come true within a span of time."""

    children: tuple[Trigger, ...]
    require: int
    """How many of them it takes."""
    within: datetime.timedelta = datetime.timedelta()
    """From the first of them to the last; zero: without bound."""
    in_order: bool = False
    """Whether all have to come true one after the other, in their order."""


Trigger: TypeAlias = EventTrigger | CompositeTrigger | MetricTrigger

Path: TypeAlias = tuple[int, ...]
"""Where a condition stands in those that it is part of: the places on the way down; () is the whole."""


def leaves(trigger: Trigger, path: Path = ()) -> Iterator[tuple[Path, EventTrigger]]:
    """Yield the conditions on events of which a trigger is made, and where each stands."""
    if isinstance(trigger, EventTrigger):
        yield path, trigger
    elif isinstance(trigger, CompositeTrigger):
        for place, child in enumerate(trigger.children):
            yield from leaves(child, (*path, place))


def metric_leaves(trigger: Trigger, path: Path = ()) -> Iterator[tuple[Path, MetricTrigger]]:
    """Yield the conditions on figures of which a trigger is made, and where each stands."""
    if isinstance(trigger, MetricTrigger):
        yield path, trigger
    elif isinstance(trigger, CompositeTrigger):
        for place, child in enumerate(trigger.children):
            yield from metric_leaves(child, (*path, place))


def part(trigger: Trigger, path: Path) -> Trigger:
    """Return the condition that stands at `path`.

    Raises:
        LookupError: None does.
    """
    for place in path:
        if not isinstance(trigger, CompositeTrigger):
            raise LookupError(f"a condition on events or figures has no part {place}")
        trigger = trigger.children[place]
    return trigger


def is_like(resource: Resource, match: Match) -> bool:
    """Return whether each label of the match has a value that fits."""
    return all(allows(resource.label(label), patterns) for label, patterns in match.items())


def _value(event: Event, label: str) -> str | None:
    if not label.startswith(RELATED):
        return event.resource.label(label)
    role, _, related_label = label.removeprefix(RELATED).partition(":")
    for related in event.related:
        if related.role == role:
            return related.label(related_label)
    return None


EVALUATION = "evaluation"
"""The name under which this service keeps how far it has evaluated its own events."""

_SOURCE_OF_PREFIX = {
    "headrace.flow-run.": "state",
    "headrace.task-run.": "state",
    "headrace.deployment.": "scheduler",
    "headrace.work-pool.": "scheduler",
    "headrace.work-queue.": "scheduler",
    "headrace.worker.": "scheduler",
}


def sources_of(trigger: EventTrigger) -> tuple[str, ...]:
    """Return who has to be followed up to a moment before the absence of an expected event can be told."""
    sources = {EVALUATION}
    for pattern in trigger.expect or ("*",):
        for prefix, source in _SOURCE_OF_PREFIX.items():
            start = pattern.removesuffix("*")
            if start.startswith(prefix) or (pattern.endswith("*") and prefix.startswith(start)):
                sources.add(source)
    return tuple(sorted(sources))
