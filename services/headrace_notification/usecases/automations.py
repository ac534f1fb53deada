"""Create, change and delete automations."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from headrace import errors
from headrace_notification.repository import AutomationStore, Secrets
from headrace_notification.repository.channels import ChannelStore
from headrace_notification.rules.automations import (
    Action,
    Automation,
    CallWebhook,
    ChangeFlowRunState,
    EmitEvent,
    RunDeployment,
    SendNotification,
)
from headrace_notification.rules.built_in import is_built_in
from headrace_notification.rules.events import Event
from headrace_notification.rules.firings import first_buckets
from headrace_notification.rules.validity import MASK, Fault, faults_of, origin_of
from headrace_notification.usecases.templates import TemplateRefused, check_template

_OWNER_GONE = "headrace.deployment.deleted"
ACTION_FIELDS = ("actions", "actions_on_trigger", "actions_on_resolve")


async def create_automation(
    store: AutomationStore,
    channels: ChannelStore,
    secrets: Secrets,
    automation: Automation,
    now: datetime.datetime,
) -> Automation:
    """Store a new automation; one whose id is known already is returned as it is.

    Args:
        store: Where to.
        channels: Knows whom it may tell.
        secrets: Seals what is secret in it.
        automation: As it was handed in, secrets in the clear.
        now: From when on it watches.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
        errors.AlreadyExists: Its id is taken by something that the caller cannot see.
        errors.FailedPrecondition: It has secrets, and there is no key to keep them with.
    """
    check_automation(automation)
    await check_channels(channels, automation)
    sealed = _sealed(automation, None, secrets)
    async with store.change() as work:
        added = await work.add(sealed)
        if added is not None:
            await work.remember(added, first_buckets(added, now))
            return added
    known = await store.load(automation.workspace_id, automation.automation_id)
    if known is None:
        raise errors.AlreadyExists(f"there is an automation {automation.automation_id} already")
    return known


async def update_automation(
    store: AutomationStore,
    channels: ChannelStore,
    secrets: Secrets,
    workspace_id: uuid.UUID,
    automation_id: uuid.UUID,
    changes: Mapping[str, Any],
    now: datetime.datetime,
) -> Automation:
    """Change the named fields of an automation. What it remembers is forgotten if its condition changes.

    Raises:
        errors.NotFound: There is no such automation.
        errors.InvalidArgument: The fields that are wrong.
        errors.FailedPrecondition: It has new secrets, and there is no key to keep them with.
    """
    known = await store.load(workspace_id, automation_id)
    if known is None:
        raise _not_found(automation_id)
    # Before the change begins: who holds a connection and asks for another one may wait for itself.
    await check_channels(channels, dataclasses.replace(known, **changes), only=changes.keys())
    async with store.change() as work:
        before = await work.load(workspace_id, automation_id)
        if before is None:
            raise _not_found(automation_id)
        proposed = dataclasses.replace(before, **changes)
        # What was sealed before is not shown to the checks, which are for what was handed in.
        check_automation(dataclasses.replace(_masked(before), **changes))
        after = await work.replace(_sealed(proposed, before, secrets, only=changes.keys()))
        if (after.trigger, after.enabled) != (before.trigger, before.enabled):
            await work.remember(after, first_buckets(after, now))
        return after


async def set_enabled(
    store: AutomationStore, workspace_id: uuid.UUID, automation_id: uuid.UUID, enabled: bool, now: datetime.datetime
) -> Automation:
    """Let an automation act, or do nothing; what it remembers is forgotten.

    Raises:
        errors.NotFound: There is no such automation.
    """
    async with store.change() as work:
        before = await work.load(workspace_id, automation_id)
        if before is None:
            raise _not_found(automation_id)
        if before.enabled == enabled:
            return before
        after = await work.replace(dataclasses.replace(before, enabled=enabled))
        await work.remember(after, first_buckets(after, now))
        return after


async def delete_automation(store: AutomationStore, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> None:
    """Delete an automation; deliveries that wait are still made.

    Raises:
        errors.NotFound: There is no such automation.
        errors.FailedPrecondition: The server itself made it: it can be disabled.
    """
    if is_built_in(workspace_id, automation_id):
        raise errors.FailedPrecondition(
            "this automation is built in: disable it, if it is not wanted", reason="AUTOMATION_BUILT_IN"
        )
    async with store.change() as work:
        if not await work.delete(workspace_id, automation_id):
            raise _not_found(automation_id)


async def drop_owned(store: AutomationStore, events: Iterable[Event]) -> None:
    """Delete the automations whose owner is gone, as events tell; a second time changes nothing."""
    for event in events:
        if event.name == _OWNER_GONE:
            async with store.change() as work:
                await work.delete_owned(event.workspace_id, event.resource.resource_id)


async def load_automation(store: AutomationStore, workspace_id: uuid.UUID, automation_id: uuid.UUID) -> Automation:
    """Return an automation.

    Raises:
        errors.NotFound: There is no such automation.
    """
    automation = await store.load(workspace_id, automation_id)
    if automation is None:
        raise _not_found(automation_id)
    return automation


def _not_found(automation_id: uuid.UUID) -> errors.NotFound:
    return errors.NotFound(f"there is no automation {automation_id}")


def check_automation(automation: Automation) -> None:
    """Return if an automation, as it was handed in, is of use.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
    """
    faults = [*faults_of(automation), *_template_faults(automation)]
    if faults:
        raise errors.InvalidArgument(
            violations=[errors.FieldViolation(f"automation.{path}", fault) for path, fault in faults]
        )


async def check_channels(channels: ChannelStore, automation: Automation, only: Collection[str] = ACTION_FIELDS) -> None:
    """Return if the channels that an automation is to tell are there.

    Args:
        channels: Knows them.
        automation: Which one.
        only: Which lists of actions are looked at: what was stored before may tell channels that are gone.

    Raises:
        errors.InvalidArgument: The fields that name others.
    """
    violations = [
        errors.FieldViolation(
            f"automation.{name}[{place}].send_notification.channel_id",
            f"there is no channel {action.channel_id}; 'headrace channel ls' shows those that there are",
        )
        for name in ACTION_FIELDS
        if name in only
        for place, action in enumerate(getattr(automation, name))
        if isinstance(action, SendNotification)
        and await channels.load(automation.workspace_id, action.channel_id) is None
    ]
    if violations:
        raise errors.InvalidArgument(violations=violations)


def _template_faults(automation: Automation) -> Iterator[Fault]:
    for field in ACTION_FIELDS:
        for place, action in enumerate(getattr(automation, field)):
            for path, text in templates_of(action):
                try:
                    check_template(text)
                except TemplateRefused as error:
                    yield f"{field}[{place}].{path}", str(error)


def templates_of(action: Action) -> Iterator[tuple[str, str]]:
    """Yield the templates of an action, each with its place."""
    match action:
        case CallWebhook():
            yield "call_webhook.body_template", action.body_template
        case ChangeFlowRunState():
            yield "change_flow_run_state.message", action.message
        case RunDeployment():
            yield from _texts_in("run_deployment.parameters", action.parameters)
            yield from _texts_in("run_deployment.job_variables", action.job_variables)
        case SendNotification():
            yield "send_notification.subject", action.subject
            yield "send_notification.body", action.body
        case EmitEvent():
            yield "emit_event.name", action.name
            yield "emit_event.resource_id", action.resource_id
            yield "emit_event.resource_name", action.resource_name
            yield from _texts_in("emit_event.payload", action.payload)


def _texts_in(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts_in(f"{path}[{name}]", inner)
    elif isinstance(value, Sequence):
        for place, inner in enumerate(value):
            yield from _texts_in(f"{path}[{place}]", inner)


def _masked(automation: Automation) -> Automation:
    masked: dict[str, Any] = {field: tuple(map(masked_action, getattr(automation, field))) for field in ACTION_FIELDS}
    return dataclasses.replace(automation, **masked)


def masked_action(action: Action) -> Action:
    """Return an action with a mask in place of each secret."""
    if not isinstance(action, CallWebhook):
        return action
    return dataclasses.replace(
        action,
        headers=dict.fromkeys(action.headers, MASK),
        signing_secret=MASK if action.signing_secret else "",
    )


def _sealed(
    automation: Automation, before: Automation | None, secrets: Secrets, only: Collection[str] = ACTION_FIELDS
) -> Automation:
    """Return the automation with its secrets sealed; those that are masked are taken from what was stored before."""
    kept = [
        action
        for field in ACTION_FIELDS
        for action in (getattr(before, field) if before is not None else ())
        if isinstance(action, CallWebhook)
    ]
    sealed: dict[str, Any] = {
        field: tuple(
            _sealed_action(f"automation.{field}[{place}]", action, kept, secrets, str(automation.workspace_id))
            for place, action in enumerate(getattr(automation, field))
        )
        for field in ACTION_FIELDS
        if field in only
    }
    return dataclasses.replace(automation, **sealed)


def _sealed_action(path: str, action: Action, kept: Sequence[CallWebhook], secrets: Secrets, context: str) -> Action:
    if not isinstance(action, CallWebhook):
        return action
    # A secret goes to the receiver that it was given for, never to another whom an editor names later.
    same_receiver = [known for known in kept if origin_of(known.url) == origin_of(action.url)]

    def seal(field: str, value: str, known: Sequence[str | None]) -> str:
        if value != MASK:
            return secrets.seal(value, context)
        for sealed in known:
            if sealed:
                return sealed
        raise errors.InvalidArgument.of_field(
            f"{path}.call_webhook.{field}", "is masked, and nothing is stored for it and this receiver: give the value"
        )

    headers = {
        name: seal(f"headers[{name}]", value, [known.headers.get(name) for known in same_receiver])
        for name, value in action.headers.items()
    }
    secret = action.signing_secret
    return dataclasses.replace(
        action,
        headers=headers,
        signing_secret=seal("signing_secret", secret, [known.signing_secret for known in same_receiver])
        if secret
        else "",
    )
