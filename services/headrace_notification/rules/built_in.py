"""Automations that every workspace has from the start. They can be changed and disabled, not deleted."""

from __future__ import annotations

import datetime
import uuid

from headrace_notification.rules.automations import Automation, Creator, EmitEvent
from headrace_notification.rules.metrics import Metric, MetricTrigger

BUILT_IN = "headrace.built-in"
"""The owner of the automations that every workspace has."""

UNATTENDED = "headrace.work-pool.unattended"
ATTENDED = "headrace.work-pool.attended"
UNATTENDED_FOR = datetime.timedelta(minutes=1)


def built_in_id(workspace_id: uuid.UUID, word: str) -> uuid.UUID:
    """Return the id of a built-in automation of a workspace."""
    return uuid.uuid5(workspace_id, f"{BUILT_IN}.{word}")


def built_in_automations(workspace_id: uuid.UUID) -> list[Automation]:
    """Return the automations that a workspace has from the start."""
    about = f"headrace.workspace.{workspace_id}"
    payload = {"runs": "{{ firing.metric.value }}"}
    return [
        Automation(
            automation_id=built_in_id(workspace_id, "unattended-runs"),
            workspace_id=workspace_id,
            name="Tell when runs wait and no worker is online",
            description=(
                "Runs are due in a work pool of which no worker has been online for a minute: emits the event "
                f"{UNATTENDED}, and {ATTENDED} once that is over."
            ),
            trigger=MetricTrigger(Metric.UNATTENDED_RUNS, ">", 0, firing_for=UNATTENDED_FOR),
            actions_on_trigger=(EmitEvent(UNATTENDED, about, "", payload),),
            actions_on_resolve=(EmitEvent(ATTENDED, about, "", payload),),
            owner_resource_id=BUILT_IN,
            creator=Creator("SYSTEM", "headrace", "Headrace"),
        )
    ]


def is_built_in(workspace_id: uuid.UUID, automation_id: uuid.UUID) -> bool:
    """Return whether an id is that of a built-in automation of a workspace."""
    return any(automation_id == automation.automation_id for automation in built_in_automations(workspace_id))
