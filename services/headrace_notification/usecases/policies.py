"""Create, change and delete notification policies."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace_notification.repository import AutomationStore, Secrets
from headrace_notification.repository.channels import ChannelStore
from headrace_notification.rules.automations import Automation
from headrace_notification.rules.patterns import is_exact
from headrace_notification.rules.policies import OWNER, Policy, automation_of, policy_of
from headrace_notification.usecases.automations import (
    create_automation,
    delete_automation,
    load_automation,
    update_automation,
)

_OWN = "notification_policy"


async def create_policy(
    store: AutomationStore, channels: ChannelStore, secrets: Secrets, policy: Policy, now: datetime.datetime
) -> Policy:
    """Store a new notification policy; one whose id is known already is returned as it is.

    Raises:
        errors.InvalidArgument: The fields that are wrong.
        errors.AlreadyExists: Its id is taken by something that the caller cannot see.
    """
    await _check(channels, policy)
    return policy_of(_own(await create_automation(store, channels, secrets, automation_of(policy), now)))


async def update_policy(
    store: AutomationStore,
    channels: ChannelStore,
    secrets: Secrets,
    workspace_id: uuid.UUID,
    policy_id: uuid.UUID,
    changes: Mapping[str, Any],
    now: datetime.datetime,
) -> Policy:
    """Change the named fields of a notification policy.

    Raises:
        errors.NotFound: There is no such policy.
        errors.InvalidArgument: The fields that are wrong.
    """
    policy = dataclasses.replace(await load_policy(store, workspace_id, policy_id), **changes)
    await _check(channels, policy)
    wanted = automation_of(policy)
    changed = {field: getattr(wanted, field) for field in ("name", "enabled", "trigger", "actions")}
    return policy_of(await update_automation(store, channels, secrets, workspace_id, policy_id, changed, now))


async def load_policy(store: AutomationStore, workspace_id: uuid.UUID, policy_id: uuid.UUID) -> Policy:
    """Return a notification policy.

    Raises:
        errors.NotFound: There is no such policy.
    """
    try:
        return policy_of(_own(await load_automation(store, workspace_id, policy_id)))
    except errors.NotFound:
        raise errors.NotFound(f"there is no notification policy {policy_id}") from None


async def delete_policy(store: AutomationStore, workspace_id: uuid.UUID, policy_id: uuid.UUID) -> None:
    """Delete a notification policy.

    Raises:
        errors.NotFound: There is no such policy.
    """
    await load_policy(store, workspace_id, policy_id)
    await delete_automation(store, workspace_id, policy_id)


def _own(automation: Automation) -> Automation:
    if automation.owner_resource_id != OWNER:
        raise errors.NotFound(f"the automation {automation.automation_id} is no notification policy")
    return automation


async def _check(channels: ChannelStore, policy: Policy) -> None:
    violations: list[errors.FieldViolation] = []
    if not policy.state_types and not policy.state_names:
        violations.append(errors.FieldViolation(f"{_OWN}.state_types", "must name a state, or state_names must"))
    if not policy.channel_ids:
        violations.append(errors.FieldViolation(f"{_OWN}.channel_ids", "must name a channel"))
    for field in ("tags", "state_names"):
        if not all(is_exact(value) for value in getattr(policy, field)):
            violations.append(errors.FieldViolation(f"{_OWN}.{field}", 'must not begin with "!" or end with "*"'))
    for place, channel_id in enumerate(policy.channel_ids):
        if await channels.load(policy.workspace_id, channel_id) is None:
            violations.append(
                errors.FieldViolation(f"{_OWN}.channel_ids[{place}]", f"there is no channel {channel_id}")
            )
    if violations:
        raise errors.InvalidArgument(violations=violations)
