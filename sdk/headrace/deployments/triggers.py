"""What starts runs of a deployment beside schedules and people: automations that the deployment owns."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from google.protobuf import json_format
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import automation_pb2
from headrace.deployments.changes import Change, flat, whole, written
from headrace.deployments.plain import fill_struct

Request: TypeAlias = (
    automation_pb2.CreateAutomationRequest
    | automation_pb2.UpdateAutomationRequest
    | automation_pb2.DeleteAutomationRequest
)

_OWNER = "headrace.deployment."
_FIELDS = ("name", "description", "enabled", "trigger", "actions")
_PAGE = 200
_POSTURES = {
    "reactive": automation_pb2.TRIGGER_POSTURE_REACTIVE,
    "proactive": automation_pb2.TRIGGER_POSTURE_PROACTIVE,
}
# What the server writes where nothing is said.
_DEFAULTS: tuple[tuple[str, Any], ...] = (
    ("posture", "TRIGGER_POSTURE_REACTIVE"),
    ("threshold", 1),
    ("within", "0s"),
    ("firing_for", "0s"),
    ("range", "3600s"),
    ("schedule_after", "0s"),
)


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Starts a run of the deployment when events come, or do not come.

    Args:
        expect: Names of the events; `*` at the end is any rest. None: any event.
        name: What the automation is called; made of the deployment's name if not given.
        description: What it is for.
        enabled: Whether it does anything.
        after: Names of events that begin the watch; without any it is always on.
        match: Labels of the resource that the event is about, with the value or values that fit.
        match_related: The same of those that the event concerns; several have to be met by one each.
        for_each: Labels by whose values events are counted apart.
        posture: `reactive` fires when the events come, `proactive` when they do not come `within` the time.
        threshold: How many events it takes.
        within: In which time, in seconds or as a timedelta.
        condition: In place of all that: any condition in the words of automations, such as `{"compound": {...}}`.
        parameters: Of the runs; texts are templates over the event, such as `{{ event.payload.day }}`.
        job_variables: Of the runs, likewise.
        schedule_after: How long after the firing a run is to start.
    """

    expect: str | Sequence[str] = ()
    name: str = ""
    description: str = ""
    enabled: bool = True
    after: str | Sequence[str] = ()
    match: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    match_related: Mapping[str, str | Sequence[str]] | Sequence[Mapping[str, str | Sequence[str]]] = ()
    for_each: Sequence[str] = ()
    posture: Literal["reactive", "proactive"] = "reactive"
    threshold: int = 1
    within: float | datetime.timedelta = 0.0
    condition: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    job_variables: Mapping[str, Any] = field(default_factory=dict)
    schedule_after: float | datetime.timedelta = 0.0

    def to_proto(self, usual_name: str, deployment_id: str = "") -> automation_pb2.Automation:
        """Return the automation.

        Args:
            usual_name: Its name if it has none of its own.
            deployment_id: The deployment; empty while there is none yet.

        Raises:
            errors.InvalidArgument: A value is wrong.
        """
        action = automation_pb2.RunDeploymentAction(deployment_id=deployment_id)
        fill_struct(action.parameters, self.parameters, "parameters")
        fill_struct(action.job_variables, self.job_variables, "job_variables")
        action.schedule_after.FromTimedelta(_span(self.schedule_after))
        return automation_pb2.Automation(
            name=self.name or usual_name,
            description=self.description,
            enabled=self.enabled,
            trigger=self._condition(),
            actions=[automation_pb2.Action(run_deployment=action)],
            owner_resource_id=_OWNER + deployment_id if deployment_id else "",
        )

    def _condition(self) -> automation_pb2.Trigger:
        trigger = automation_pb2.Trigger()
        if self.condition is not None:
            if self.expect or self.after or self.match or self.match_related or self.for_each or self.within:
                raise errors.InvalidArgument.of_field("condition", "says it all: give no more than name and parameters")
            try:
                json_format.ParseDict(dict(self.condition), trigger)
            except json_format.ParseError as error:
                raise errors.InvalidArgument.of_field("condition", f"is no condition of automations: {error}") from None
            return trigger
        if self.posture not in _POSTURES:
            raise errors.InvalidArgument.of_field("posture", f"must be one of {', '.join(_POSTURES)}")
        event = trigger.event
        event.posture = _POSTURES[self.posture]
        event.expect.extend(_several(self.expect))
        event.after.extend(_several(self.after))
        event.for_each.extend(self.for_each)
        event.threshold = self.threshold
        event.within.FromTimedelta(_span(self.within))
        if self.match:
            _fill_match(event.match, self.match)
        related = [self.match_related] if isinstance(self.match_related, Mapping) else self.match_related
        for match in related:
            _fill_match(event.match_related.add(), match)
        return trigger


def automations_of(triggers: Sequence[Trigger], full_name: str, deployment_id: str) -> list[automation_pb2.Automation]:
    """Return what the automations of a deployment are to be.

    Args:
        triggers: Those of the deployment.
        full_name: `flow/deployment`.
        deployment_id: Its id; empty while there is none yet.

    Raises:
        errors.InvalidArgument: A value is wrong, or two have the same name.
    """
    wanted = [
        trigger.to_proto(full_name if len(triggers) == 1 else f"{full_name} {number}", deployment_id)
        for number, trigger in enumerate(triggers, 1)
    ]
    names = [automation.name for automation in wanted]
    for name in names:
        if names.count(name) > 1:
            raise errors.InvalidArgument.of_field("triggers", f"two are named {name!r}")
    return wanted


def listing(deployment_id: str, page_token: str = "") -> automation_pb2.ListAutomationsRequest:
    """Return the call for a page of the automations that a deployment owns."""
    return automation_pb2.ListAutomationsRequest(
        owner_resource_id=_OWNER + deployment_id, page_size=_PAGE, page_token=page_token
    )


def requests_for(
    existing: Sequence[automation_pb2.Automation], wanted: Sequence[automation_pb2.Automation]
) -> Iterator[Request]:
    """Yield the calls that bring the automations of a deployment to what they are to be; known by their names."""
    there = {automation.name: automation for automation in existing}
    for automation in wanted:
        known = there.pop(automation.name, None)
        if known is None:
            yield automation_pb2.CreateAutomationRequest(automation=automation)
        elif _facts(known) != _facts(automation):
            changed = automation_pb2.Automation()
            changed.CopyFrom(automation)
            changed.automation_id = known.automation_id
            yield automation_pb2.UpdateAutomationRequest(automation=changed, update_mask=FieldMask(paths=_FIELDS))
    # Somebody may have renamed one to the name of another: of these the last stays.
    stay = {automation.name: automation.automation_id for automation in existing if automation.name not in there}
    for automation in existing:
        if stay.get(automation.name) != automation.automation_id:
            yield automation_pb2.DeleteAutomationRequest(automation_id=automation.automation_id)


def apply_triggers(stub: Any, triggers: Sequence[Trigger], full_name: str, deployment_id: str) -> None:
    """Bring the automations of a deployment to what they are to be.

    Args:
        stub: The automation service, called synchronously.
        triggers: Those of the deployment.
        full_name: `flow/deployment`.
        deployment_id: Its id.

    Raises:
        errors.HeadraceError: A value is wrong, or the server refuses it.
    """
    wanted = automations_of(triggers, full_name, deployment_id)
    for request in requests_for(existing_of(stub, deployment_id), wanted):
        call_of(stub, request)(request)


def existing_of(stub: Any, deployment_id: str) -> list[automation_pb2.Automation]:
    """Return the automations that a deployment owns."""
    found: list[automation_pb2.Automation] = []
    token = ""
    while True:
        page = stub.ListAutomations(listing(deployment_id, token))
        found.extend(page.automations)
        token = page.next_page_token
        if not token:
            return found


def call_of(stub: Any, request: Request) -> Callable[[Request], Any]:
    """Return the method of the automation service that takes a request."""
    method: Callable[[Request], Any] = getattr(stub, type(request).__name__.removesuffix("Request"))
    return method


def changes_between(
    existing: Sequence[automation_pb2.Automation], wanted: Sequence[automation_pb2.Automation]
) -> list[Change]:
    """Return what differs, so that people can read it."""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    for facts, automations in ((old, existing), (new, wanted)):
        for automation in automations:
            facts |= {f"triggers.{automation.name}.{name}": value for name, value in _facts(automation).items()}
    absent = object()
    return [
        Change(
            name,
            written(old[name]) if name in old else None,
            written(new[name]) if name in new else None,
        )
        for name in sorted({*old, *new})
        if old.get(name, absent) != new.get(name, absent)
    ]


def _facts(automation: automation_pb2.Automation) -> dict[str, Any]:
    """Return what was said of an automation: what the server fills in, and what is so by default, left out."""
    plain = whole(json_format.MessageToDict(automation, preserving_proto_field_name=True))
    kept = {name: plain[name] for name in _FIELDS if name in plain and name != "name"}
    kept["enabled"] = automation.enabled
    for action in kept.get("actions", ()):
        # It is the deployment's own, which may have no id yet.
        action.get("run_deployment", {}).pop("deployment_id", None)
    facts = dict(flat(_plainest(kept), ""))
    return {name.removeprefix("."): value for name, value in facts.items()} | {"enabled": automation.enabled}


def _plainest(value: Any) -> Any:
    if isinstance(value, list):
        return {str(place): _plainest(inner) for place, inner in enumerate(value)}
    if not isinstance(value, dict):
        return value
    plain = {name: inner for name, inner in value.items() if (name, inner) not in _DEFAULTS}
    if "triggers" in plain and plain.get("require") == len(plain["triggers"]):
        del plain["require"]
    return {name: _plainest(inner) for name, inner in plain.items()}


def _fill_match(message: automation_pb2.ResourceMatch, match: Mapping[str, str | Sequence[str]]) -> None:
    for label, values in match.items():
        message.labels[label].values.extend(_several(values))


def _several(values: str | Sequence[str]) -> list[str]:
    return [values] if isinstance(values, str) else list(values)


def _span(value: float | datetime.timedelta) -> datetime.timedelta:
    return value if isinstance(value, datetime.timedelta) else datetime.timedelta(seconds=value)
