"""Triggers of automations, both ways."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.api.v1 import automation_pb2
from headrace_prefect import names
from headrace_prefect.bodies.fields import (
    Wrong,
    integer,
    json_object,
    list_of,
    seconds,
    string,
    strings,
)
from headrace_prefect.shapes import scalars

_POSTURES = {
    "Reactive": automation_pb2.TRIGGER_POSTURE_REACTIVE,
    "Proactive": automation_pb2.TRIGGER_POSTURE_PROACTIVE,
}
_RELATED = "related:"
_DEEPEST = 8


def to_trigger(value: Any, depth: int = 1) -> automation_pb2.Trigger:
    """Return a trigger that a client wrote.

    Raises:
        Wrong: It is none.
    """
    document = json_object(value)
    if depth > _DEEPEST:
        raise Wrong(f"Triggers may be {_DEEPEST} deep at most")
    kind = document.get("type", "event")
    try:
        if kind == "event":
            return automation_pb2.Trigger(event=_to_event(document))
        if kind in ("compound", "sequence"):
            return _to_composite(kind, document, depth)
    except Wrong as wrong:
        wrong.loc = (kind, *wrong.loc)
        raise
    raise Wrong(
        f"Input tag {kind!r} found using 'type' does not match any of the expected tags: 'event', 'compound', "
        "'sequence'",
        "union_tag_invalid",
    )


def _to_event(document: Mapping[str, Any]) -> automation_pb2.EventTrigger:
    posture = document.get("posture") or "Reactive"
    if posture not in _POSTURES:
        raise Wrong("Input should be 'Reactive' or 'Proactive'", "literal_error", ("posture",))
    within = seconds(document.get("within") or 0)
    if within < 0:
        raise Wrong("The minimum within is 0 seconds", "value_error", ("within",))
    if posture == "Proactive" and within < 10:
        raise Wrong("The minimum within for Proactive triggers is 10 seconds", "value_error", ("within",))
    related = document.get("match_related") or []
    return automation_pb2.EventTrigger(
        posture=_POSTURES[posture],
        match=_to_match(document.get("match") or {}),
        match_related=[_to_match(match) for match in ([related] if isinstance(related, dict) else related) if match],
        after=names.events_to_ours(_words(document, "after")),
        expect=names.events_to_ours(_words(document, "expect")),
        for_each=[_label_to_ours(label) for label in _words(document, "for_each")],
        threshold=_threshold(document),
        within=scalars.to_duration(within),
    )


def _threshold(document: Mapping[str, Any]) -> int:
    threshold = document.get("threshold")
    number = 1 if threshold is None else integer(threshold)
    if number < 0:
        raise Wrong("Input should be greater than or equal to 0", "greater_than_equal", ("threshold",))
    return number


def _words(document: Mapping[str, Any], name: str) -> list[str]:
    value = document.get(name)
    try:
        return sorted(set(strings(value))) if value is not None else []
    except Wrong as wrong:
        wrong.loc = (name, *wrong.loc)
        raise


def _to_match(value: Any) -> automation_pb2.ResourceMatch:
    match = automation_pb2.ResourceMatch()
    for label, given in json_object(value).items():
        texts = [string(given)] if isinstance(given, str) else strings(given)
        match.labels[names.to_ours(label)].values.extend(map(names.pattern_to_ours, texts))
    return match


def _label_to_ours(label: str) -> str:
    if not label.startswith(_RELATED):
        return names.to_ours(label)
    role, _, of_related = label.removeprefix(_RELATED).partition(":")
    return f"{_RELATED}{role}:{names.to_ours(of_related)}"


def _label_to_theirs(label: str) -> str:
    if not label.startswith(_RELATED):
        return names.to_theirs(label)
    role, _, of_related = label.removeprefix(_RELATED).partition(":")
    return f"{_RELATED}{role}:{names.to_theirs(of_related)}"


def _to_composite(kind: str, document: Mapping[str, Any], depth: int) -> automation_pb2.Trigger:
    triggers = list_of(lambda each: to_trigger(each, depth + 1))(document.get("triggers"))
    within = scalars.to_duration(seconds(document.get("within") or 0))
    if kind == "sequence":
        return automation_pb2.Trigger(sequence=automation_pb2.SequenceTrigger(triggers=triggers, within=within))
    require = document.get("require", "all")
    if require == "all":
        number = 0
    elif require == "any":
        number = 1
    else:
        number = integer(require)
        if number < 1:
            raise Wrong("require must be at least 1", "value_error", ("require",))
        if number > len(triggers):
            raise Wrong("require must be less than or equal to the number of triggers", "value_error", ("require",))
    return automation_pb2.Trigger(
        compound=automation_pb2.CompoundTrigger(triggers=triggers, require=number, within=within)
    )


def of_trigger(trigger: automation_pb2.Trigger, of: uuid.UUID) -> dict[str, Any]:
    """Return a trigger.

    Args:
        trigger: What is shown. A trigger on figures, which Prefect's server has not, is shown as one on an event.
        of: What its id is made from, so that it is always the same.
    """
    shown: dict[str, Any] = {"type": trigger.WhichOneof("trigger") or "event", "id": str(of)}
    match shown["type"]:
        case "event":
            return {**shown, **_of_event(trigger.event)}
        case "compound":
            compound = trigger.compound
            require: int | str = compound.require or "all"
            return {
                **shown,
                "triggers": _of_all(compound.triggers, of),
                "within": scalars.seconds(compound, "within", 0.0),
                "require": "any" if require == 1 else require,
            }
        case "sequence":
            within = scalars.seconds(trigger.sequence, "within", 0.0)
            return {**shown, "triggers": _of_all(trigger.sequence.triggers, of), "within": within}
    metric = automation_pb2.EventTrigger(
        posture=automation_pb2.TRIGGER_POSTURE_REACTIVE,
        expect=[f"headrace.metric.{trigger.metric.metric}"],
        match=trigger.metric.match,
        match_related=trigger.metric.match_related,
    )
    return {**shown, "type": "event", **_of_event(metric)}


def _of_all(triggers: Iterable[automation_pb2.Trigger], of: uuid.UUID) -> list[dict[str, Any]]:
    return [of_trigger(trigger, uuid.uuid5(of, str(place))) for place, trigger in enumerate(triggers)]


def _of_event(trigger: automation_pb2.EventTrigger) -> dict[str, Any]:
    related = [_of_match(match) for match in trigger.match_related]
    is_proactive = trigger.posture == automation_pb2.TRIGGER_POSTURE_PROACTIVE
    return {
        "match": _of_match(trigger.match),
        "match_related": related[0] if len(related) == 1 else related or {},
        "after": names.events_to_theirs(trigger.after),
        "expect": names.events_to_theirs(trigger.expect),
        "for_each": [_label_to_theirs(label) for label in trigger.for_each],
        "posture": "Proactive" if is_proactive else "Reactive",
        "threshold": trigger.threshold or 1,
        "within": scalars.seconds(trigger, "within", 0.0),
    }


def _of_match(match: automation_pb2.ResourceMatch) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for label, given in sorted(match.labels.items()):
        texts = [names.pattern_to_theirs(text) for text in given.values]
        shown[names.to_theirs(label)] = texts[0] if len(texts) == 1 else texts
    return shown
