"""What flow runs may call with the tokens that are made for them, beside what only reads.

A run holds at most what its worker holds. Of that it needs what the SDK does for it: everything else is refused,
whatever its worker may do, unless that has the permission to change other runs, too. Which runs a method may then
change is looked at by the service that keeps them.
"""

from __future__ import annotations

from typing import Any

from headrace import errors
from headrace.api.v1 import options_pb2
from headrace_chassis.caller import Caller

FOR_RUNS = frozenset(
    {
        "ArtifactService/CreateArtifact",
        "ArtifactService/DeleteArtifact",
        "ArtifactService/UpdateArtifact",
        "AssetService/RecordMaterializations",
        "BackgroundTaskService/CancelBackgroundTask",
        "BackgroundTaskService/CreateBackgroundTasks",
        "BlockService/RegisterBlockType",
        "BlockService/SaveBlock",
        "ConcurrencyService/AcquireSlots",
        "ConcurrencyService/ReleaseSlots",
        "ConcurrencyService/RenewSlots",
        "DeploymentService/RunDeployment",
        "DeploymentService/RunDeploymentInBulk",
        "EventService/EmitEvents",
        "EventService/StreamEvents",
        "FlowRunService/CancelFlowRun",
        "FlowRunService/CreateFlowRun",
        "FlowRunService/PauseFlowRun",
        "FlowRunService/ProposeFlowRunState",
        "FlowRunService/ResumeFlowRun",
        "FlowRunService/RetryFlowRun",
        "FlowRunService/SuspendFlowRun",
        "FlowRunService/UpdateFlowRun",
        "FlowService/CreateFlow",
        "LogService/AppendLogs",
        "LogService/WriteLogs",
        "RecordService/Record",
        "RecordService/RecordTransitions",
        "RecordService/RenewAttempts",
        "RunInputService/CreateRunInput",
        "RunInputService/DeleteRunInput",
        "RunNoteService/CreateRunNote",
        "TaskRunService/UpdateTaskRun",
        "VariableService/DeleteVariable",
        "VariableService/SetVariable",
    }
)
"""Methods that change something, and that the SDK calls for the flow that runs, or may."""


def is_for_runs(service: str, name: str, permission_name: str) -> bool:
    """Return whether a flow run may call a method with its token.

    Args:
        service: Full name of the gRPC service.
        name: Of the method.
        permission_name: What the contract asks for, as in the enum `headrace.api.v1.Permission`.
    """
    return permission_name.endswith("_VIEW") or f"{service.rpartition('.')[2]}/{name}" in FOR_RUNS


def require_shaping(caller: Caller, given: object, deployment_id: str = "") -> None:
    """Return if a caller may say how runs are executed, beside what their deployment says.

    Job variables choose commands, images and environments, so they are what code is: for those who deploy, for workers
    and for the flows that they execute. Who runs what is deployed gives parameters.

    Args:
        caller: Who asks.
        given: The job variables, or a work pool for a run without a deployment; nothing is for everybody.
        deployment_id: The deployment, if there is one.

    Raises:
        errors.PermissionDenied: The caller does neither.
    """
    if not given or caller.is_run or caller.may("PERMISSION_WORKERS_CONNECT"):
        return
    if caller.may_on("PERMISSION_DEPLOYMENTS_EDIT", options_pb2.OBJECT_KIND_DEPLOYMENT, deployment_id):
        return
    raise errors.PermissionDenied(
        f"{caller.display_name} lacks the permission deployments-edit, which it takes to say how a run is executed "
        "(job variables, or a work pool without a deployment)",
        metadata={"permission": "PERMISSION_DEPLOYMENTS_EDIT"},
    )


_CREATE_AUTOMATION = "/headrace.api.v1.AutomationService/CreateAutomation"


def is_own_wait(path: str, request: Any, caller: Caller) -> bool:
    """Return whether a flow run asks for an event to be sent to itself, which is all that it does with automations.

    Args:
        path: Of the method.
        request: What is asked.
        caller: The run.
    """
    if path != _CREATE_AUTOMATION or not caller.may("PERMISSION_EVENTS_VIEW"):
        return False
    automation, own = request.automation, caller.run_id
    return (
        automation.owner_resource_id == f"headrace.flow-run.{own}"
        and automation.trigger.WhichOneof("trigger") == "event"
        and [action.WhichOneof("action") for action in automation.actions] == ["send_run_input"]
        and automation.actions[0].send_run_input.flow_run_id == own
        and not automation.actions_on_trigger
        and not automation.actions_on_resolve
    )
