"""Automations: names of events and resources, triggers and actions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.message import Message

from headrace.api.v1 import automation_pb2, state_pb2
from headrace.importing.mapping.ids import Ids
from headrace.importing.mapping.means import Means
from headrace.importing.mapping.values import span, struct, text

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_THEIRS, _OURS = "prefect.", "headrace."
_LISTS = ("actions", "actions_on_trigger", "actions_on_resolve")
_METRICS = {"successes": "success_rate", "duration": "duration", "lateness": "lateness"}
_TARGETS = {
    "pause-deployment": ("pause_deployment", "deployment_id"),
    "resume-deployment": ("resume_deployment", "deployment_id"),
    "pause-automation": ("pause_automation", "automation_id"),
    "resume-automation": ("resume_automation", "automation_id"),
    "suspend-flow-run": ("suspend_flow_run", ""),
    "resume-flow-run": ("resume_flow_run", ""),
    "delete-flow-run": ("delete_flow_run", ""),
}
_POOLS = {"pause-work-pool": "pause_work_pool", "resume-work-pool": "resume_work_pool"}
_QUEUES = {"pause-work-queue": "pause_work_queue", "resume-work-queue": "resume_work_queue"}


class NotMapped(Exception):
    """A part of an automation has no like here; the message says which."""


def automation(found: Mapping[str, Any], ids: Ids, means: Means) -> tuple[automation_pb2.Automation, list[str]]:
    """Return an automation, and what of it could not be carried over; it is disabled where that is anything.

    Raises:
        NotMapped: Its trigger has no like here.
    """
    lost: list[str] = []
    message = automation_pb2.Automation(
        name=text(found["name"], 255),
        description=text(found.get("description")),
        tags=[text(tag) for tag in found.get("tags") or ()],
        trigger=trigger(found["trigger"], ids),
    )
    for field in _LISTS:
        for action in found.get(field) or ():
            try:
                getattr(message, field).append(_action(action, ids, means))
            except NotMapped as cause:
                lost.append(str(cause))
    if not any((message.actions, message.actions_on_trigger, message.actions_on_resolve)):
        message.actions.append(automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction()))
    message.enabled = bool(found.get("enabled", True)) and not lost
    return message, lost


def name_here(name: str, ids: Ids) -> str:
    """Return what an event, a label or a resource is called here: `prefect.flow.<id>` becomes `headrace.flow.<id>`."""
    excluded = name.startswith("!")
    bare = name.removeprefix("!")
    if not bare.startswith(_THEIRS):
        return name
    here = _UUID.sub(lambda found: ids.here(found.group()), _OURS + bare.removeprefix(_THEIRS))
    return f"!{here}" if excluded else here


def events_here(patterns: Iterable[str], ids: Ids) -> list[str]:
    """Return patterns of names of events: what the server tells is named in our words, what clients tell as it was."""
    found: dict[str, None] = {}
    for pattern in sorted(patterns):
        start = pattern.removesuffix("*")
        if pattern.startswith(_THEIRS):
            found[name_here(pattern, ids)] = None
        elif pattern.endswith("*") and start and _THEIRS.startswith(start):
            found[_OURS + "*"] = None
        found[pattern] = None
    return list(found)


def trigger(found: Mapping[str, Any], ids: Ids) -> automation_pb2.Trigger:
    """Return a trigger.

    Raises:
        NotMapped: It is of a kind that is not known.
    """
    kind = found.get("type")
    match kind:
        case "event":
            return automation_pb2.Trigger(event=_event_trigger(found, ids))
        case "compound":
            require = found.get("require")
            return automation_pb2.Trigger(
                compound=automation_pb2.CompoundTrigger(
                    triggers=[trigger(each, ids) for each in found.get("triggers") or ()],
                    require={"any": 1, "all": 0}[require] if isinstance(require, str) else int(require or 0),
                    within=span(found.get("within") or None),
                )
            )
        case "sequence":
            return automation_pb2.Trigger(
                sequence=automation_pb2.SequenceTrigger(
                    triggers=[trigger(each, ids) for each in found.get("triggers") or ()],
                    within=span(found.get("within") or None),
                )
            )
        case "metric":
            return automation_pb2.Trigger(metric=_metric_trigger(found, ids))
        case _:
            raise NotMapped(f"its trigger of the kind '{kind}'")


def _event_trigger(found: Mapping[str, Any], ids: Ids) -> automation_pb2.EventTrigger:
    is_proactive = found.get("posture") == "Proactive"
    related = found.get("match_related") or []
    return automation_pb2.EventTrigger(
        posture=automation_pb2.TRIGGER_POSTURE_PROACTIVE if is_proactive else automation_pb2.TRIGGER_POSTURE_REACTIVE,
        match=_match(found.get("match") or {}, ids),
        match_related=_matches(related, ids),
        after=events_here(found.get("after") or (), ids),
        expect=events_here(found.get("expect") or (), ids),
        for_each=sorted(name_here(name, ids) for name in found.get("for_each") or ()),
        threshold=int(found.get("threshold") or 0),
        within=span(found.get("within") or None),
    )


def _metric_trigger(found: Mapping[str, Any], ids: Ids) -> automation_pb2.MetricTrigger:
    query = found.get("metric") or {}
    metric = _METRICS.get(str(query.get("name")))
    if metric is None:
        raise NotMapped(f"its trigger on the figure '{query.get('name')}'")
    return automation_pb2.MetricTrigger(
        metric=metric,
        operator=str(query.get("operator") or "<"),
        threshold=float(query.get("threshold") or 0.0),
        range=span(query.get("range")),
        firing_for=span(query.get("firing_for")),
        match=_match(found.get("match") or {}, ids),
        match_related=_matches(found.get("match_related") or [], ids),
    )


def _matches(found: Any, ids: Ids) -> list[automation_pb2.ResourceMatch]:
    each = found if isinstance(found, list) else [found]
    return [match for match in (_match(one, ids) for one in each) if match is not None]


def _match(found: Mapping[str, Any], ids: Ids) -> automation_pb2.ResourceMatch | None:
    if not found:
        return None
    return automation_pb2.ResourceMatch(
        labels={
            name_here(label, ids): automation_pb2.LabelValues(
                values=[name_here(value, ids) for value in (given if isinstance(given, list) else [given])]
            )
            for label, given in found.items()
        }
    )


def _action(found: Mapping[str, Any], ids: Ids, means: Means) -> automation_pb2.Action:
    kind = str(found.get("type"))
    if kind in _TARGETS:
        field, named = _TARGETS[kind]
        target = automation_pb2.TargetAction(target_id=_selected(found, named, ids) if named else "")
        return _of_field(field, target)
    if kind in _POOLS:
        return _of_field(_POOLS[kind], _pool(found, ids))
    if kind in _QUEUES:
        return _of_field(_QUEUES[kind], _queue(found, ids))
    match kind:
        case "do-nothing":
            return automation_pb2.Action(do_nothing=automation_pb2.DoNothingAction())
        case "cancel-flow-run":
            return automation_pb2.Action(cancel_flow_run=automation_pb2.CancelFlowRunAction())
        case "run-deployment":
            return automation_pb2.Action(run_deployment=_run_deployment(found, ids))
        case "change-flow-run-state":
            return automation_pb2.Action(
                change_flow_run_state=automation_pb2.ChangeFlowRunStateAction(
                    type=state_pb2.StateType.Value(f"STATE_TYPE_{found['state']}"),
                    name=text(found.get("name")),
                    message=text(found.get("message")),
                    force=bool(found.get("force")),
                )
            )
        case "call-webhook" if (call := means.calls.get(_block_of(found))) is not None:
            made = automation_pb2.Action(call_webhook=call)
            made.call_webhook.body_template = text(found.get("payload"))
            return made
        case "send-notification" if (channel_id := means.channels.get(_block_of(found))) is not None:
            return automation_pb2.Action(
                send_notification=automation_pb2.SendNotificationAction(
                    channel_id=channel_id, subject=text(found.get("subject")), body=text(found.get("body"))
                )
            )
        case "send-notification" | "call-webhook":
            block = ids.blocks.get(_block_of(found), "a block that is gone")
            raise NotMapped(f"its action '{kind}' through {block}: make a channel, and add an action that uses it")
        case _:
            raise NotMapped(f"its action '{kind}'")


def _of_field(field: str, message: Message) -> automation_pb2.Action:
    action = automation_pb2.Action()
    getattr(action, field).SetInParent()
    getattr(action, field).MergeFrom(message)
    return action


def blocks_of(found: Mapping[str, Any], kind: str) -> set[str]:
    """Return the ids of the documents that actions of a kind go through."""
    actions = [each for field in _LISTS for each in found.get(field) or ()]
    return {_block_of(each) for each in actions if each.get("type") == kind}


def _block_of(action: Mapping[str, Any]) -> str:
    return str(action.get("block_document_id") or "")


def _run_deployment(found: Mapping[str, Any], ids: Ids) -> automation_pb2.RunDeploymentAction:
    return automation_pb2.RunDeploymentAction(
        deployment_id=_selected(found, "deployment_id", ids),
        parameters=struct(found.get("parameters")),
        job_variables=struct(found.get("job_variables")),
        schedule_after=span(found.get("schedule_after") or None),
    )


def _selected(found: Mapping[str, Any], field: str, ids: Ids) -> str:
    there = str(found.get(field) or "")
    if not there or found.get("source") == "inferred":
        return ""
    known = ids.deployments if field == "deployment_id" else ids.automations
    if there not in known:
        raise NotMapped(f"its action '{found.get('type')}' on {field.removesuffix('_id')} {there}, which is not here")
    return known[there]


def _pool(found: Mapping[str, Any], ids: Ids) -> automation_pb2.WorkPoolAction:
    there = str(found.get("work_pool_id") or "")
    if not there or found.get("source") == "inferred":
        return automation_pb2.WorkPoolAction()
    if there not in ids.pool_names:
        raise NotMapped(f"its action '{found.get('type')}' on work pool {there}, which is not here")
    return automation_pb2.WorkPoolAction(work_pool_name=ids.pool_names[there])


def _queue(found: Mapping[str, Any], ids: Ids) -> automation_pb2.WorkQueueAction:
    there = str(found.get("work_queue_id") or "")
    if not there or found.get("source") == "inferred":
        return automation_pb2.WorkQueueAction()
    if there not in ids.queue_names:
        raise NotMapped(f"its action '{found.get('type')}' on work queue {there}, which is not here")
    pool, queue = ids.queue_names[there]
    return automation_pb2.WorkQueueAction(work_pool_name=pool, work_queue_name=queue)
