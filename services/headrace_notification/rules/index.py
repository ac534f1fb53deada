"""Finds the triggers that an event may concern without looking at the others.

Each trigger stands in one place: under an exact value that it demands of a label, if there is one, else under the
names of events that it looks at. An event asks at the places of its own labels and name, however many
triggers stand at others.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TypeAlias

from headrace_notification.rules.events import RESOURCE_ID, RESOURCE_NAME, RESOURCE_ROLE, Event, Resource
from headrace_notification.rules.patterns import is_exact
from headrace_notification.rules.triggers import EventTrigger, Match, Path

TriggerKey: TypeAlias = tuple[uuid.UUID, Path]
"""An automation, and where in its trigger the condition stands."""
Place: TypeAlias = tuple[str, ...]

_OWN, _RELATED, _NAME, _PREFIX, _ANY = "own", "related", "name", "prefix", "any"


class TriggerIndex:
    """The triggers of one workspace, or of all of them, by what they look at."""

    def __init__(self) -> None:
        self._triggers: dict[TriggerKey, tuple[uuid.UUID, EventTrigger, tuple[Place, ...]]] = {}
        self._places: dict[tuple[uuid.UUID, Place], dict[TriggerKey, None]] = {}
        self._prefix_lengths: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._triggers)

    def add(self, key: TriggerKey, workspace_id: uuid.UUID, trigger: EventTrigger) -> None:
        """Add a trigger, in place of what stood under the same key."""
        self.remove(key)
        places = tuple(_places(trigger))
        self._triggers[key] = (workspace_id, trigger, places)
        for place in places:
            self._places.setdefault((workspace_id, place), {})[key] = None
            if place[0] == _PREFIX:
                length = len(place[1])
                self._prefix_lengths[length] = self._prefix_lengths.get(length, 0) + 1

    def remove(self, key: TriggerKey) -> None:
        """Take a trigger out; nothing happens if it is not there."""
        found = self._triggers.pop(key, None)
        if found is None:
            return
        workspace_id, _, places = found
        for place in places:
            at_place = self._places[workspace_id, place]
            del at_place[key]
            if not at_place:
                del self._places[workspace_id, place]
            if place[0] == _PREFIX:
                length = len(place[1])
                self._prefix_lengths[length] -= 1
                if not self._prefix_lengths[length]:
                    del self._prefix_lengths[length]

    def covering(self, event: Event) -> Iterator[tuple[TriggerKey, EventTrigger]]:
        """Yield the triggers that cover the event, each once."""
        seen: set[TriggerKey] = set()
        for place in self._asked(event):
            for key in self._places.get((event.workspace_id, place), ()):
                if key not in seen:
                    seen.add(key)
                    trigger = self._triggers[key][1]
                    if trigger.covers(event):
                        yield key, trigger

    def _asked(self, event: Event) -> Iterator[Place]:
        yield (_ANY,)
        yield (_NAME, event.name)
        for length in self._prefix_lengths:
            if length <= len(event.name):
                yield (_PREFIX, event.name[:length])
        for label, value in _labels(event.resource):
            yield (_OWN, label, value)
        for related in event.related:
            for label, value in _labels(related):
                yield (_RELATED, label, value)

    def wants_name(self, workspace_id: uuid.UUID, name: str) -> bool:
        """Return whether a trigger of the workspace looks at events of this name, as far as names tell."""
        return any(
            owner == workspace_id and (trigger.expects(name) or trigger.starts_after(name))
            for owner, trigger, _ in self._triggers.values()
        )


def _labels(resource: Resource) -> Iterator[tuple[str, str]]:
    yield RESOURCE_ID, resource.resource_id
    if resource.name:
        yield RESOURCE_NAME, resource.name
    yield from resource.labels.items()


def _places(trigger: EventTrigger) -> Iterator[Place]:
    """Yield where a trigger stands: where it is asked for by as few other events as can be told."""
    candidates = [(_OWN, label, values) for label, values in _exact(trigger.match)]
    for match in trigger.match_related:
        candidates += [(_RELATED, label, values) for label, values in _exact(match)]
    if candidates:
        side, label, values = min(candidates, key=lambda found: (_commonness(found[1]), len(found[2])))
        yield from ((side, label, value) for value in values)
    elif not trigger.expect:
        yield (_ANY,)
    else:
        for name in dict.fromkeys((*trigger.expect, *trigger.after)):
            yield (_PREFIX, name[:-1]) if name.endswith("*") else (_NAME, name)


def _exact(match: Match) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the labels for which one of a few exact values is demanded."""
    for label, values in match.items():
        # A role is shared by very many resources: it singles nothing out.
        if values and label != RESOURCE_ROLE and all(map(is_exact, values)):
            yield label, tuple(dict.fromkeys(values))


def _commonness(label: str) -> int:
    return {RESOURCE_ID: 0, RESOURCE_NAME: 1}.get(label, 2)
