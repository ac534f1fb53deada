"""What automations do, on the wire."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from google.protobuf.message import Message

from headrace import errors
from headrace.api.v1 import automation_pb2, channel_pb2, state_pb2
from headrace_chassis.values import storable, to_storable
from headrace_notification.rules.automations import (
    PLACES,
    SCHEDULED,
    STEERED,
    Action,
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
from headrace_notification.wire.values import duration, optional_id, parse_id, span, struct

SEVERITY = "SEVERITY_"
_STATE_TYPE = "STATE_TYPE_"


def action_from_proto(message: automation_pb2.Action, path: str) -> Action:
    """Return an action as it was handed in.

    Raises:
        errors.InvalidArgument: The fields of it that are wrong, as part of `path`.
    """
    match message.WhichOneof("action"):
        case "call_webhook":
            call = message.call_webhook
            return CallWebhook(
                url=storable(call.url),
                method=call.method.upper() or "POST",
                headers=dict(call.headers),
                body_template=storable(call.body_template),
                signing_secret=call.signing_secret,
                allow_private_addresses=call.allow_private_addresses,
                block_id=call.block_id,
            )
        case "run_deployment":
            run = message.run_deployment
            return RunDeployment(
                optional_id(run.deployment_id, f"{path}.run_deployment.deployment_id"),
                to_storable(run.parameters),
                to_storable(run.job_variables),
                span(run.schedule_after, f"{path}.run_deployment.schedule_after").total_seconds(),
            )
        case "change_flow_run_state":
            change = message.change_flow_run_state
            if change.type == state_pb2.STATE_TYPE_UNSPECIFIED or change.type not in state_pb2.StateType.values():
                raise errors.InvalidArgument.of_field(f"{path}.change_flow_run_state.type", "must be a type of state")
            return ChangeFlowRunState(
                optional_id(change.flow_run_id, f"{path}.change_flow_run_state.flow_run_id"),
                state_pb2.StateType.Name(change.type).removeprefix(_STATE_TYPE),
                storable(change.name),
                storable(change.message),
                change.force,
            )
        case "cancel_flow_run":
            cancel = message.cancel_flow_run
            return CancelFlowRun(optional_id(cancel.flow_run_id, f"{path}.cancel_flow_run.flow_run_id"))
        case "send_run_input":
            sending = message.send_run_input
            return SendRunInput(optional_id(sending.flow_run_id, f"{path}.send_run_input.flow_run_id"), sending.key)
        case str(kind) if kind in STEERED:
            return Steer(kind, optional_id(getattr(message, kind).target_id, f"{path}.{kind}.target_id"))
        case str(kind) if kind in PLACES:
            place = getattr(message, kind)
            queue_name = storable(place.work_queue_name) if PLACES[kind] == "work-queue" else ""
            return SteerPlace(kind, storable(place.work_pool_name), queue_name)
        case str(kind) if kind in SCHEDULED:
            schedule = getattr(message, kind)
            return SteerSchedule(
                kind,
                parse_id(schedule.schedule_id, f"{path}.{kind}.schedule_id"),
                optional_id(schedule.deployment_id, f"{path}.{kind}.deployment_id"),
            )
        case "emit_event":
            emit = message.emit_event
            return EmitEvent(
                storable(emit.name), storable(emit.resource_id), storable(emit.resource_name), to_storable(emit.payload)
            )
        case "send_notification":
            send = message.send_notification
            severity = channel_pb2.Severity.Name(send.severity).removeprefix(SEVERITY)
            return SendNotification(
                parse_id(send.channel_id, f"{path}.send_notification.channel_id"),
                storable(send.subject),
                storable(send.body),
                "" if severity == "UNSPECIFIED" else severity,
            )
        case "do_nothing":
            return DoNothing()
    raise errors.InvalidArgument.of_field(path, "must say what to do")


def actions_to_proto(actions: Iterable[Action]) -> list[automation_pb2.Action]:
    """Return actions as they go over the wire; their secrets have to be masked by then."""
    return list(map(_action_to_proto, actions))


def _action_to_proto(action: Action) -> automation_pb2.Action:
    match action:
        case CallWebhook():
            return automation_pb2.Action(
                call_webhook=automation_pb2.CallWebhookAction(
                    url=action.url,
                    method=action.method,
                    headers=dict(action.headers),
                    body_template=action.body_template,
                    signing_secret=action.signing_secret,
                    allow_private_addresses=action.allow_private_addresses,
                    block_id=action.block_id,
                )
            )
        case RunDeployment():
            return automation_pb2.Action(
                run_deployment=automation_pb2.RunDeploymentAction(
                    deployment_id=str(action.deployment_id or ""),
                    parameters=struct(action.parameters),
                    job_variables=struct(action.job_variables) if action.job_variables else None,
                    schedule_after=duration(datetime.timedelta(seconds=action.schedule_after_seconds))
                    if action.schedule_after_seconds
                    else None,
                )
            )
        case ChangeFlowRunState():
            return automation_pb2.Action(
                change_flow_run_state=automation_pb2.ChangeFlowRunStateAction(
                    flow_run_id=str(action.flow_run_id or ""),
                    type=state_pb2.StateType.Value(_STATE_TYPE + action.type),
                    name=action.name,
                    message=action.message,
                    force=action.force,
                )
            )
        case CancelFlowRun():
            return automation_pb2.Action(
                cancel_flow_run=automation_pb2.CancelFlowRunAction(flow_run_id=str(action.flow_run_id or ""))
            )
        case SendRunInput():
            return automation_pb2.Action(
                send_run_input=automation_pb2.SendRunInputAction(
                    flow_run_id=str(action.flow_run_id or ""), key=action.key
                )
            )
        case Steer():
            target = automation_pb2.TargetAction(target_id=str(action.target_id or ""))
            return _of_kind(action.kind, target)
        case SteerPlace() if PLACES[action.kind] == "work-pool":
            return _of_kind(action.kind, automation_pb2.WorkPoolAction(work_pool_name=action.work_pool_name))
        case SteerPlace():
            queue = automation_pb2.WorkQueueAction(
                work_pool_name=action.work_pool_name, work_queue_name=action.work_queue_name
            )
            return _of_kind(action.kind, queue)
        case SteerSchedule():
            schedule = automation_pb2.ScheduleAction(
                deployment_id=str(action.deployment_id or ""), schedule_id=str(action.schedule_id)
            )
            return _of_kind(action.kind, schedule)
        case EmitEvent():
            return automation_pb2.Action(
                emit_event=automation_pb2.EmitEventAction(
                    name=action.name,
                    resource_id=action.resource_id,
                    resource_name=action.resource_name,
                    payload=struct(action.payload) if action.payload else None,
                )
            )
        case SendNotification():
            return automation_pb2.Action(
                send_notification=automation_pb2.SendNotificationAction(
                    channel_id=str(action.channel_id),
                    subject=action.subject,
                    body=action.body,
                    severity=channel_pb2.Severity.Value(SEVERITY + (action.severity or "UNSPECIFIED")),
                )
            )
        case DoNothing():
            return automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction())


def _of_kind(kind: str, message: Message) -> automation_pb2.Action:
    action = automation_pb2.Action()
    getattr(action, kind).CopyFrom(message)
    return action
