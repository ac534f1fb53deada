"""Actions of automations, both ways.

Prefect's actions name blocks, work pools and work queues by id. Here a call has its own address, messages go to
channels, and pools and queues have names: `Places` has what was looked up before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from headrace.api.v1 import automation_pb2, state_pb2
from headrace_prefect.bodies.fields import (
    Body,
    Field,
    Wrong,
    boolean,
    identifier,
    json_object,
    nested,
    one_of,
    seconds,
    string,
)
from headrace_prefect.shapes import scalars

_STATE = "STATE_TYPE_"
_STATES = [name.removeprefix(_STATE) for name, _ in state_pb2.StateType.items() if not name.endswith("UNSPECIFIED")]
_SUBJECT = "Prefect automated notification"
_SOURCE = Field(one_of(("selected", "inferred")), default="selected")
_TARGETS = {
    "pause-deployment": "deployment_id",
    "resume-deployment": "deployment_id",
    "pause-automation": "automation_id",
    "resume-automation": "automation_id",
}
_POOLS = ("pause-work-pool", "resume-work-pool")
_QUEUES = ("pause-work-queue", "resume-work-queue")
_RUNS = ("suspend-flow-run", "resume-flow-run", "delete-flow-run")
ACTIONS = {
    "do-nothing": nested({}),
    "run-deployment": nested(
        {
            "source": _SOURCE,
            "deployment_id": Field(identifier),
            "parameters": Field(json_object),
            "job_variables": Field(json_object),
            "schedule_after": Field(seconds, default=0.0),
        }
    ),
    "change-flow-run-state": nested(
        {
            "name": Field(string),
            "state": Field(one_of(_STATES), required=True),
            "message": Field(string),
            "force": Field(boolean, default=False),
        }
    ),
    "cancel-flow-run": nested({}),
    **{kind: nested({}) for kind in _RUNS},
    **{kind: nested({"source": _SOURCE, name: Field(identifier)}) for kind, name in _TARGETS.items()},
    **{kind: nested({"source": _SOURCE, "work_pool_id": Field(identifier)}) for kind in _POOLS},
    **{kind: nested({"source": _SOURCE, "work_queue_id": Field(identifier)}) for kind in _QUEUES},
    "call-webhook": nested({"block_document_id": Field(identifier, required=True), "payload": Field(string)}),
    "send-notification": nested(
        {
            "block_document_id": Field(identifier, required=True),
            "subject": Field(string, default=_SUBJECT),
            "body": Field(string, required=True),
        }
    ),
}
"""The fields of each kind of action."""


def read(value: Any) -> Body:
    """Take an action as a client writes it; it keeps its `type`.

    Raises:
        Wrong: It is none.
    """
    document = json_object(value)
    kind = document.get("type")
    fields = ACTIONS.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise Wrong(
            f"Input tag {kind!r} found using 'type' does not match any of the expected tags: {', '.join(ACTIONS)}",
            "union_tag_invalid",
        )
    body: Body = fields(document)
    body["type"] = kind
    for name in ("deployment_id", "work_pool_id", "work_queue_id", "automation_id"):
        if name not in body:
            continue
        if body["source"] == "inferred" and body[name] is not None:
            raise Wrong(f"cannot specify a {name} if the source is inferred")
        if body["source"] == "selected" and body[name] is None:
            raise Wrong(f"{name} is required if the source is selected")
    return body


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """What actions name by id here and by name there."""

    pools: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Names of work pools by id."""
    queues: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """Names of the pool and of the queue, by id of the queue."""
    calls: Mapping[str, automation_pb2.CallWebhookAction] = dataclasses.field(default_factory=dict)
    """What blocks call, by id of the block."""


def to_action(body: Body, places: Places) -> automation_pb2.Action:
    """Return an action that a client wrote."""
    kind, field = body["type"], body["type"].replace("-", "_")
    action = automation_pb2.Action()
    if kind == "run-deployment":
        action.run_deployment.CopyFrom(
            automation_pb2.RunDeploymentAction(
                deployment_id=body["deployment_id"] or "",
                parameters=scalars.to_struct(body["parameters"]),
                job_variables=scalars.to_struct(body["job_variables"]),
                schedule_after=scalars.to_duration(body["schedule_after"] or None),
            )
        )
    elif kind == "change-flow-run-state":
        action.change_flow_run_state.CopyFrom(
            automation_pb2.ChangeFlowRunStateAction(
                type=state_pb2.StateType.Value(_STATE + body["state"]),
                name=body["name"] or "",
                message=body["message"] or "",
                force=body["force"],
            )
        )
    elif kind in _POOLS:
        name = places.pools.get(body["work_pool_id"] or "", "")
        getattr(action, field).CopyFrom(automation_pb2.WorkPoolAction(work_pool_name=name))
    elif kind in _QUEUES:
        pool, queue = places.queues.get(body["work_queue_id"] or "", ("", ""))
        message = automation_pb2.WorkQueueAction(work_pool_name=pool, work_queue_name=queue)
        getattr(action, field).CopyFrom(message)
    elif kind == "call-webhook":
        action.call_webhook.CopyFrom(places.calls[body["block_document_id"]])
        action.call_webhook.body_template = body["payload"] or ""
    elif kind == "send-notification":
        action.send_notification.CopyFrom(
            automation_pb2.SendNotificationAction(
                channel_id=body["block_document_id"], subject=body["subject"], body=body["body"]
            )
        )
    elif kind in _TARGETS:
        getattr(action, field).target_id = body[_TARGETS[kind]] or ""
        getattr(action, field).SetInParent()
    else:
        getattr(action, field).SetInParent()
    return action


def of_actions(actions: Iterable[automation_pb2.Action], places: Places) -> list[dict[str, Any]]:
    """Return actions.

    Args:
        actions: What is shown. Those that Prefect's server has not are shown as doing nothing.
        places: The names of pools and queues by id.
    """
    return [_of_action(action, places) for action in actions]


def _of_action(action: automation_pb2.Action, places: Places) -> dict[str, Any]:
    field = action.WhichOneof("action") or "do_nothing"
    kind = field.replace("_", "-")
    message: Any = getattr(action, field)
    if kind == "run-deployment":
        return {
            "type": kind,
            **_chosen("deployment_id", message.deployment_id),
            "parameters": scalars.of_struct(message.parameters) if message.HasField("parameters") else None,
            "job_variables": scalars.of_struct(message.job_variables) if message.HasField("job_variables") else None,
            "schedule_after": scalars.seconds(message, "schedule_after", 0.0),
        }
    if kind == "change-flow-run-state":
        return {
            "type": kind,
            "name": scalars.word(message.name),
            "state": state_pb2.StateType.Name(message.type).removeprefix(_STATE),
            "message": scalars.word(message.message),
            "force": message.force,
        }
    if kind in _POOLS:
        ids = {name: pool_id for pool_id, name in places.pools.items()}
        return {"type": kind, **_chosen("work_pool_id", ids.get(message.work_pool_name, ""))}
    if kind in _QUEUES:
        queue_ids = {names: queue_id for queue_id, names in places.queues.items()}
        chosen = queue_ids.get((message.work_pool_name, message.work_queue_name), "")
        return {"type": kind, **_chosen("work_queue_id", chosen)}
    if kind in _TARGETS:
        return {"type": kind, **_chosen(_TARGETS[kind], message.target_id)}
    if kind == "call-webhook" and message.block_id:
        return {"type": kind, "block_document_id": message.block_id, "payload": message.body_template}
    if kind == "send-notification":
        return {
            "type": kind,
            "block_document_id": message.channel_id,
            "subject": message.subject or _SUBJECT,
            "body": message.body,
        }
    if kind in ("cancel-flow-run", *_RUNS):
        return {"type": kind}
    return {"type": "do-nothing"}


def _chosen(name: str, target: str) -> dict[str, Any]:
    return {"source": "selected" if target else "inferred", name: target or None}
