"""Notification policies as automations."""

from __future__ import annotations

import dataclasses
import datetime
import uuid

from headrace_notification.rules.automations import Automation, Creator, SendNotification
from headrace_notification.rules.events import RESOURCE_ID
from headrace_notification.rules.triggers import EventTrigger, Match

OWNER = "headrace.notification-policy"
"""The owner of automations that are notification policies."""

STATE_TYPE, STATE_NAME = "headrace.state-type", "headrace.state-name"
_ANY_STATE = "headrace.flow-run.*"
_RELATED = {"tags": "headrace.tag.", "flow_ids": "headrace.flow.", "deployment_ids": "headrace.deployment."}


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """If a run that fits enters one of the states, the channels are told."""

    policy_id: uuid.UUID
    workspace_id: uuid.UUID
    name: str = ""
    paused: bool = False
    tags: tuple[str, ...] = ()
    flow_ids: tuple[str, ...] = ()
    deployment_ids: tuple[str, ...] = ()
    state_types: tuple[str, ...] = ()
    state_names: tuple[str, ...] = ()
    channel_ids: tuple[uuid.UUID, ...] = ()
    subject: str = ""
    body: str = ""
    severity: str = ""
    creator: Creator = dataclasses.field(default_factory=Creator)
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    last_fired_at: datetime.datetime | None = None


def automation_of(policy: Policy) -> Automation:
    """Return the automation that does what a policy says."""
    match: dict[str, tuple[str, ...]] = {}
    if policy.state_types:
        match[STATE_TYPE] = policy.state_types
    if policy.state_names:
        match[STATE_NAME] = policy.state_names
    related: list[Match] = [
        {RESOURCE_ID: tuple(prefix + value for value in getattr(policy, field))}
        for field, prefix in _RELATED.items()
        if getattr(policy, field)
    ]
    # Names of events are those of states without spaces: by them the condition is found without looking at others.
    expect = tuple(f"headrace.flow-run.{''.join(name.split())}" for name in policy.state_names) or (_ANY_STATE,)
    return Automation(
        automation_id=policy.policy_id,
        workspace_id=policy.workspace_id,
        name=policy.name or default_name(policy),
        enabled=not policy.paused,
        trigger=EventTrigger(match=match, match_related=tuple(related), expect=expect),
        actions=tuple(
            SendNotification(channel_id, policy.subject, policy.body, policy.severity)
            for channel_id in policy.channel_ids
        ),
        owner_resource_id=OWNER,
        creator=policy.creator,
    )


def policy_of(automation: Automation) -> Policy:
    """Return what an automation says that was made of a policy."""
    sends = [action for action in automation.actions if isinstance(action, SendNotification)]
    first = sends[0] if sends else None
    trigger = automation.trigger if isinstance(automation.trigger, EventTrigger) else EventTrigger()
    found: dict[str, list[str]] = {field: [] for field in _RELATED}
    for match in trigger.match_related:
        for resource_id in match.get(RESOURCE_ID, ()):
            for field, prefix in _RELATED.items():
                if resource_id.startswith(prefix):
                    found[field].append(resource_id.removeprefix(prefix))
    return Policy(
        policy_id=automation.automation_id,
        workspace_id=automation.workspace_id,
        name=automation.name,
        paused=not automation.enabled,
        tags=tuple(found["tags"]),
        flow_ids=tuple(found["flow_ids"]),
        deployment_ids=tuple(found["deployment_ids"]),
        state_types=trigger.match.get(STATE_TYPE, ()),
        state_names=trigger.match.get(STATE_NAME, ()),
        channel_ids=tuple(dict.fromkeys(action.channel_id for action in sends)),
        subject=first.subject if first is not None else "",
        body=first.body if first is not None else "",
        severity=first.severity if first is not None else "",
        creator=automation.creator,
        created_at=automation.created_at,
        updated_at=automation.updated_at,
        last_fired_at=automation.last_fired_at,
    )


def default_name(policy: Policy) -> str:
    """Return a name that says what a policy does."""
    states = " or ".join((*(name.capitalize() for name in policy.state_types), *policy.state_names))
    which = f" with tag {' or '.join(policy.tags)}" if policy.tags else ""
    return f"Tell when a run{which} enters {states}"[:255]
