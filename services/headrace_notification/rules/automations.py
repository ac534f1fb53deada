"""Automations: a condition, and what to do; and their form in the database."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any, TypeAlias

from headrace_notification.rules.metrics import Metric, MetricTrigger
from headrace_notification.rules.triggers import CompositeTrigger, EventTrigger, Match, Posture, Trigger

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")


@dataclasses.dataclass(frozen=True, slots=True)
class CallWebhook:
    """Calls a URL. What is secret is sealed."""

    url: str
    method: str = "POST"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Names, and sealed values."""
    body_template: str = ""
    signing_secret: str = ""
    """Sealed; "" if the body is not signed."""
    allow_private_addresses: bool = False
    block_id: str = ""
    """The block that the call was made from; "" if none."""


@dataclasses.dataclass(frozen=True, slots=True)
class RunDeployment:
    """Starts a run of a deployment; without an id, of the one that the event is about."""

    deployment_id: uuid.UUID | None = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    job_variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    schedule_after_seconds: float = 0.0
    """How long after the firing the run is to start."""


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeFlowRunState:
    """Changes the state of a flow run; without an id, of the one that the event is about."""

    flow_run_id: uuid.UUID | None
    type: str
    name: str = ""
    message: str = ""
    force: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CancelFlowRun:
    """Cancels a flow run; without an id, the one that the event is about."""

    flow_run_id: uuid.UUID | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class SendRunInput:
    """Sends the event to a flow run as an input; without an id, to the one that the event is about."""

    flow_run_id: uuid.UUID | None
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class Steer:
    """Does to one thing what needs no further words; without an id, to the one that the event is about."""

    kind: str
    """One of `STEERED`."""
    target_id: uuid.UUID | None = None


STEERED = {
    "pause_deployment": "deployment",
    "resume_deployment": "deployment",
    "pause_automation": "automation",
    "resume_automation": "automation",
    "suspend_flow_run": "flow-run",
    "resume_flow_run": "flow-run",
    "delete_flow_run": "flow-run",
}
"""Kinds of actions without further words -> what they are done to."""


@dataclasses.dataclass(frozen=True, slots=True)
class SteerPlace:
    """Pauses or resumes a work pool or queue; without names, the one that the event is about or concerns."""

    kind: str
    """One of `PLACES`."""
    work_pool_name: str = ""
    work_queue_name: str = ""


PLACES = {
    "pause_work_pool": "work-pool",
    "resume_work_pool": "work-pool",
    "pause_work_queue": "work-queue",
    "resume_work_queue": "work-queue",
}
"""Kinds of actions on places where runs wait -> what they are done to."""


@dataclasses.dataclass(frozen=True, slots=True)
class SteerSchedule:
    """Pauses or resumes a schedule; without a deployment, of the one that the event is about."""

    kind: str
    """`pause_schedule` or `resume_schedule`."""
    schedule_id: uuid.UUID
    deployment_id: uuid.UUID | None = None


SCHEDULED = ("pause_schedule", "resume_schedule")
"""Kinds of actions on schedules."""


@dataclasses.dataclass(frozen=True, slots=True)
class EmitEvent:
    """Emits an event; without a resource, about what the event that made it fire is about."""

    name: str
    resource_id: str = ""
    resource_name: str = ""
    payload: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class SendNotification:
    """Sends a message to a channel; without texts it tells what happened."""

    channel_id: uuid.UUID
    subject: str = ""
    body: str = ""
    severity: str = ""
    """Name of a severity; "" is as the state does."""


@dataclasses.dataclass(frozen=True, slots=True)
class DoNothing:
    """Is recorded, and that is all."""


Action: TypeAlias = (
    CallWebhook
    | RunDeployment
    | ChangeFlowRunState
    | CancelFlowRun
    | SendRunInput
    | Steer
    | SteerPlace
    | SteerSchedule
    | EmitEvent
    | SendNotification
    | DoNothing
)

_KIND_OF: dict[type[Action], str] = {
    CallWebhook: "call_webhook",
    RunDeployment: "run_deployment",
    ChangeFlowRunState: "change_flow_run_state",
    CancelFlowRun: "cancel_flow_run",
    SendRunInput: "send_run_input",
    EmitEvent: "emit_event",
    SendNotification: "send_notification",
    DoNothing: "do_nothing",
}
KINDS: dict[str, type[Action]] = {
    **{kind: action_class for action_class, kind in _KIND_OF.items()},
    **dict.fromkeys(STEERED, Steer),
    **dict.fromkeys(PLACES, SteerPlace),
    **dict.fromkeys(SCHEDULED, SteerSchedule),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Creator:
    """Who created something."""

    kind: str = ""
    creator_id: str = ""
    display_name: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Automation:
    """What to do when something happens or does not happen."""

    automation_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str
    trigger: Trigger
    description: str = ""
    enabled: bool = True
    tags: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    actions_on_trigger: tuple[Action, ...] = ()
    actions_on_resolve: tuple[Action, ...] = ()
    owner_resource_id: str = ""
    creator: Creator = dataclasses.field(default_factory=Creator)
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    last_fired_at: datetime.datetime | None = None
    version: int = 0
    """Rises with each change of any automation."""


def kind_of(action: Action) -> str:
    """Return the stable word for a kind of action."""
    if isinstance(action, Steer | SteerPlace | SteerSchedule):
        return action.kind
    return _KIND_OF[type(action)]


def action_document(action: Action) -> dict[str, Any]:
    """Return an action as JSON."""
    document: dict[str, Any] = {"kind": kind_of(action)}
    for field in dataclasses.fields(action):
        value = getattr(action, field.name)
        if isinstance(value, Mapping):
            value = dict(value)
        document[field.name] = str(value) if isinstance(value, uuid.UUID) else value
    return document


def action_from_document(document: Mapping[str, Any]) -> Action:
    """Return the action that JSON describes."""
    fields = dict(document)
    action_class = KINDS[fields["kind"]]
    # Fields that a later version added are left out, so that versions of the server can run side by side.
    known = {field.name for field in dataclasses.fields(action_class)}
    fields = {name: value for name, value in fields.items() if name in known}
    for name in ("deployment_id", "flow_run_id", "target_id", "schedule_id", "channel_id"):
        if fields.get(name):
            fields[name] = uuid.UUID(fields[name])
    return action_class(**fields)


def trigger_document(trigger: Trigger) -> dict[str, Any]:
    """Return a trigger as JSON."""
    if isinstance(trigger, CompositeTrigger):
        return {
            "kind": "composite",
            "children": list(map(trigger_document, trigger.children)),
            "require": trigger.require,
            "within_seconds": trigger.within.total_seconds(),
            "in_order": trigger.in_order,
        }
    if isinstance(trigger, MetricTrigger):
        return {
            "kind": "metric",
            "metric": trigger.metric.value,
            "operator": trigger.operator,
            "threshold": trigger.threshold,
            "range_seconds": trigger.range.total_seconds(),
            "firing_for_seconds": trigger.firing_for.total_seconds(),
            "match": _match_document(trigger.match),
            "match_related": [_match_document(match) for match in trigger.match_related],
        }
    return {
        "kind": "event",
        "posture": trigger.posture.value,
        "match": _match_document(trigger.match),
        "match_related": [_match_document(match) for match in trigger.match_related],
        "after": list(trigger.after),
        "expect": list(trigger.expect),
        "for_each": list(trigger.for_each),
        "threshold": trigger.threshold,
        "within_seconds": trigger.within.total_seconds(),
    }


def trigger_from_document(document: Mapping[str, Any]) -> Trigger:
    """Return the trigger that JSON describes."""
    if document["kind"] == "composite":
        return CompositeTrigger(
            children=tuple(map(trigger_from_document, document["children"])),
            require=document["require"],
            within=datetime.timedelta(seconds=document["within_seconds"]),
            in_order=document["in_order"],
        )
    if document["kind"] == "metric":
        return MetricTrigger(
            metric=Metric(document["metric"]),
            operator=document["operator"],
            threshold=document["threshold"],
            range=datetime.timedelta(seconds=document["range_seconds"]),
            firing_for=datetime.timedelta(seconds=document["firing_for_seconds"]),
            match=_match(document["match"]),
            match_related=tuple(_match(match) for match in document["match_related"]),
        )
    return EventTrigger(
        posture=Posture(document["posture"]),
        match=_match(document["match"]),
        match_related=tuple(_match(match) for match in document["match_related"]),
        after=tuple(document["after"]),
        expect=tuple(document["expect"]),
        for_each=tuple(document["for_each"]),
        threshold=document["threshold"],
        within=datetime.timedelta(seconds=document["within_seconds"]),
    )


def _match_document(match: Match) -> dict[str, list[str]]:
    return {label: list(values) for label, values in match.items()}


def _match(document: Mapping[str, list[str]]) -> Match:
    return {label: tuple(values) for label, values in document.items()}
