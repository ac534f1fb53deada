"""What it takes to have an automation act: it acts as the server, so whoever makes it may do the same by themselves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from headrace.api.v1 import options_pb2
from headrace_chassis.caller import Caller
from headrace_notification.rules.automations import (
    Action,
    Automation,
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    DoNothing,
    EmitEvent,
    RunDeployment,
    SendNotification,
    SendRunInput,
    Steer,
    SteerPlace,
    SteerSchedule,
)
from headrace_notification.usecases.automations import ACTION_FIELDS, templates_of
from headrace_notification.usecases.templates import TemplateRefused, variables_of

_Need = tuple[str, int, str]
"""A permission, and the object on which it is enough: its kind and name, or none."""

_RUNS_EDIT = "PERMISSION_RUNS_EDIT"
_DEPLOYMENTS_EDIT = "PERMISSION_DEPLOYMENTS_EDIT"
_STEERING = {
    "pause_deployment": (_DEPLOYMENTS_EDIT, options_pb2.OBJECT_KIND_DEPLOYMENT),
    "resume_deployment": (_DEPLOYMENTS_EDIT, options_pb2.OBJECT_KIND_DEPLOYMENT),
    "pause_automation": ("PERMISSION_AUTOMATIONS_EDIT", options_pb2.OBJECT_KIND_AUTOMATION),
    "resume_automation": ("PERMISSION_AUTOMATIONS_EDIT", options_pb2.OBJECT_KIND_AUTOMATION),
    "suspend_flow_run": (_RUNS_EDIT, options_pb2.OBJECT_KIND_UNSPECIFIED),
    "resume_flow_run": (_RUNS_EDIT, options_pb2.OBJECT_KIND_UNSPECIFIED),
    "delete_flow_run": ("PERMISSION_RUNS_DELETE", options_pb2.OBJECT_KIND_UNSPECIFIED),
}
_SEEN_IN_TEMPLATES = {
    # With its parameters.
    "flow_run": "PERMISSION_RUN_PAYLOADS_VIEW",
    "variables": "PERMISSION_VARIABLES_VIEW",
}


def require_rights(caller: Caller, automation: Automation) -> None:
    """Return if a caller may do by itself what an automation does.

    Args:
        caller: Who makes or changes the automation.
        automation: As it will be.

    Raises:
        errors.PermissionDenied: It may not.
    """
    for field in ACTION_FIELDS:
        for action in getattr(automation, field):
            if isinstance(action, SendRunInput) and caller.is_run and str(action.flow_run_id) == caller.run_id:
                # A run that waits for an event.
                continue
            for permission, kind, name in _needs(action, automation):
                if not (kind and name and caller.may_on(permission, kind, name)):
                    caller.require(permission)


def _needs(action: Action, automation: Automation) -> Iterator[_Need]:
    match action:
        case RunDeployment():
            yield _on_deployment("PERMISSION_DEPLOYMENTS_RUN", action.deployment_id)
            if action.job_variables:
                yield _on_deployment(_DEPLOYMENTS_EDIT, action.deployment_id)
        case ChangeFlowRunState() | CancelFlowRun() | SendRunInput():
            yield _anywhere(_RUNS_EDIT)
        case Steer():
            permission, kind = _STEERING[action.kind]
            own = automation.automation_id if kind == options_pb2.OBJECT_KIND_AUTOMATION else None
            target = action.target_id or own
            yield permission, kind, str(target) if target is not None else ""
        case SteerPlace():
            kind = options_pb2.OBJECT_KIND_WORK_POOL
            yield "PERMISSION_WORK_POOLS_EDIT", kind, action.work_pool_name
        case SteerSchedule():
            yield _on_deployment(_DEPLOYMENTS_EDIT, action.deployment_id)
        case EmitEvent():
            yield _anywhere("PERMISSION_EVENTS_EMIT")
        case CallWebhook() | SendNotification():
            yield _anywhere("PERMISSION_EVENTS_VIEW")
        case DoNothing():
            pass
    for _, text in templates_of(action):
        try:
            named = variables_of(text)
        except TemplateRefused:
            # Nobody can store it.
            continue
        for name in sorted(named & _SEEN_IN_TEMPLATES.keys()):
            yield _anywhere(_SEEN_IN_TEMPLATES[name])


def _anywhere(permission: str) -> _Need:
    return permission, options_pb2.OBJECT_KIND_UNSPECIFIED, ""


def _on_deployment(permission: str, deployment_id: uuid.UUID | None) -> _Need:
    return permission, options_pb2.OBJECT_KIND_DEPLOYMENT, str(deployment_id) if deployment_id is not None else ""
