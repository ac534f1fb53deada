"""What other services tell about their changes, as events.

The names and labels made here are what automations are written against: they are part of the product's interface.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import (
    backfill_pb2,
    deployment_pb2,
    flow_run_pb2,
    service_level_pb2,
    state_pb2,
    task_run_pb2,
    work_pool_pb2,
)
from headrace.internal.v1 import changes_pb2, outbox_pb2
from headrace_chassis.values import storable
from headrace_notification.rules.events import Event, Resource
from headrace_notification.rules.firings import CHAIN
from headrace_notification.wire.values import moment, optional_id, parse_id

LONGEST_MESSAGE = 4000
"""Characters of a state's message in an event."""

_CHANGE = {
    changes_pb2.CHANGE_KIND_CREATED: "created",
    changes_pb2.CHANGE_KIND_UPDATED: "updated",
    changes_pb2.CHANGE_KIND_DELETED: "deleted",
}
_CREATOR_ROLE = {
    state_pb2.CREATOR_KIND_SCHEDULE: "schedule",
    state_pb2.CREATOR_KIND_AUTOMATION: "automation",
    state_pb2.CREATOR_KIND_BACKFILL: "backfill",
    state_pb2.CREATOR_KIND_FLOW_RUN: "flow-run",
    state_pb2.CREATOR_KIND_USER: "user",
    state_pb2.CREATOR_KIND_SERVICE_ACCOUNT: "service-account",
}
UNHAPPY = frozenset({state_pb2.STATE_TYPE_FAILED, state_pb2.STATE_TYPE_CRASHED, state_pb2.STATE_TYPE_CANCELLED})


def flow_run_event(entry: outbox_pb2.OutboxEntry) -> tuple[Event, flow_run_pb2.FlowRun]:
    """Return the event of a flow run that entered a state, and the run."""
    change = changes_pb2.FlowRunStateChanged.FromString(entry.payload)
    run, state = change.flow_run, change.flow_run.state
    labels = {**_labels_of(run.labels), **_state_labels(state), "headrace.run-count": str(run.run_count)}
    event = Event(
        event_id=parse_id(state.state_id, "state_id"),
        workspace_id=uuid.UUID(entry.workspace_id),
        name=f"headrace.flow-run.{state_name(state)}",
        occurred_at=_occurred_at(state, entry),
        resource=Resource(f"headrace.flow-run.{run.flow_run_id}", storable(run.name), "", labels),
        related=tuple(related_of_run(run)),
        payload=_transition(change.previous if change.HasField("previous") else None, state),
        follows_event_id=optional_id(change.previous.state_id, "state_id"),
    )
    return event, run


def related_of_run(run: flow_run_pb2.FlowRun) -> Iterator[Resource]:
    """Yield what a flow run has to do with."""
    places = (
        ("flow", run.flow_id, run.flow_name),
        ("deployment", run.deployment_id, run.deployment_name),
        ("work-pool", run.work_pool_id, run.work_pool_name),
        ("work-queue", run.work_queue_id, run.work_queue_name),
    )
    for role, identifier, name in places:
        if identifier:
            yield Resource(f"headrace.{role}.{identifier}", storable(name), role)
    if run.parent_flow_run_id:
        yield Resource(f"headrace.flow-run.{run.parent_flow_run_id}", "", "parent")
    creator = _CREATOR_ROLE.get(run.creator.kind)
    if creator is not None and run.creator.creator_id:
        yield Resource(
            f"headrace.{creator}.{storable(run.creator.creator_id)}", storable(run.creator.display_name), "creator"
        )
    yield from _tags(run.tags)


def _tags(tags: Iterable[str]) -> Iterator[Resource]:
    for tag in tags:
        yield Resource(f"headrace.tag.{storable(tag)}", storable(tag), "tag")


def wanted_transitions(
    entry: outbox_pb2.OutboxEntry, wants_name: Callable[[str], bool]
) -> tuple[str, list[task_run_pb2.TaskRunTransition]]:
    """Return a flow run's id and those transitions of its task runs that become events.

    Task runs change state many thousands of times a second: only unhappy ends, and what somebody looks at, do.
    """
    change = changes_pb2.TaskRunStatesChanged.FromString(entry.payload)
    wanted = [
        transition
        for transition in change.transitions
        if transition.state.type in UNHAPPY or wants_name(f"headrace.task-run.{state_name(transition.state)}")
    ]
    return change.flow_run_id, wanted


def task_run_event(
    entry: outbox_pb2.OutboxEntry,
    transition: task_run_pb2.TaskRunTransition,
    flow_run_id: str,
    run: flow_run_pb2.FlowRun | None,
    task_run: task_run_pb2.TaskRun | None,
) -> Event:
    """Return the event of a task run that entered a state.

    Args:
        entry: What told of it.
        transition: The change.
        flow_run_id: The flow run that it is part of; "" for a background task.
        run: The flow run, None if it is gone.
        task_run: The task run, if the transition does not describe it; None if it is gone, too.
    """
    state = transition.state
    described: Any = transition.spec if transition.HasField("spec") else task_run or transition.spec
    labels = {**_labels_of(described.labels), **_state_labels(state), "headrace.run-count": str(transition.run_count)}
    if described.task_key:
        labels["headrace.task-key"] = storable(described.task_key)
    related: list[Resource] = []
    if flow_run_id:
        name = storable(run.name) if run is not None else ""
        related.append(Resource(f"headrace.flow-run.{flow_run_id}", name, "flow-run"))
    if run is not None:
        related += (resource for resource in related_of_run(run) if resource.role not in ("parent", "creator"))
    known = {resource.resource_id for resource in related}
    related += (resource for resource in _tags(described.tags) if resource.resource_id not in known)
    return Event(
        event_id=parse_id(state.state_id, "state_id"),
        workspace_id=uuid.UUID(entry.workspace_id),
        name=f"headrace.task-run.{state_name(state)}",
        occurred_at=_occurred_at(state, entry),
        resource=Resource(f"headrace.task-run.{transition.task_run_id}", storable(described.name), "", labels),
        related=tuple(related),
        payload=_transition(None, state),
    )


def state_name(state: state_pb2.State) -> str:
    """Return the last part of the name of an event about a state: the state's name without spaces."""
    name = "".join(storable(state.name).split())
    return name or _type_name(state).capitalize()


def _type_name(state: state_pb2.State) -> str:
    return state_pb2.StateType.Name(state.type).removeprefix("STATE_TYPE_")


def _state_labels(state: state_pb2.State) -> dict[str, str]:
    labels = {
        "headrace.state-name": storable(state.name),
        "headrace.state-type": _type_name(state),
        "headrace.state-timestamp": moment(state.occurred_at).isoformat(),
    }
    if state.message:
        labels["headrace.state-message"] = storable(state.message[:LONGEST_MESSAGE])
    if state.details.reason:
        labels["headrace.state-reason"] = storable(state.details.reason)
    return labels


def _transition(previous: state_pb2.State | None, state: state_pb2.State) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "intended": {"from": _type_name(previous) if previous is not None else None, "to": _type_name(state)},
        "initial_state": _state_document(previous) if previous is not None else None,
        "validated_state": _state_document(state),
    }
    return payload


def _state_document(state: state_pb2.State) -> dict[str, Any]:
    document = {
        "id": state.state_id,
        "type": _type_name(state),
        "name": storable(state.name),
        "message": storable(state.message[:LONGEST_MESSAGE]),
        "occurred_at": moment(state.occurred_at).isoformat(),
    }
    if state.details.error_type:
        document["error_type"] = storable(state.details.error_type)
    return document


def _occurred_at(state: state_pb2.State, entry: outbox_pb2.OutboxEntry) -> datetime.datetime:
    return moment(state.occurred_at if state.HasField("occurred_at") else entry.recorded_at)


def _labels_of(labels: Struct) -> dict[str, str]:
    """Return the user's labels; those of ours go before."""
    found: dict[str, str] = {}
    for name, value in labels.fields.items():
        kind = value.WhichOneof("kind")
        if (name.startswith("headrace.") and name != CHAIN) or kind not in (
            "string_value",
            "number_value",
            "bool_value",
        ):
            continue
        content = getattr(value, kind)
        if isinstance(content, bool):
            content = "true" if content else "false"
        elif isinstance(content, float) and content.is_integer():
            content = int(content)
        found[storable(name)] = storable(str(content))
    return found


def change_event(entry: outbox_pb2.OutboxEntry, source: str) -> Event | None:
    """Return the event of a change of a deployment, pool, queue or worker; None for kinds that are not known."""
    match entry.kind:
        case "deployment":
            changed = changes_pb2.DeploymentChanged.FromString(entry.payload)
            return _changed(entry, source, "deployment", changed.change, *_deployment(changed.deployment))
        case "work-pool":
            pool_change = changes_pb2.WorkPoolChanged.FromString(entry.payload)
            return _changed(entry, source, "work-pool", pool_change.change, *_work_pool(pool_change.work_pool))
        case "work-queue":
            queue_change = changes_pb2.WorkQueueChanged.FromString(entry.payload)
            return _changed(entry, source, "work-queue", queue_change.change, *_work_queue(queue_change.work_queue))
        case "worker":
            worker_change = changes_pb2.WorkerChanged.FromString(entry.payload)
            return _changed(entry, source, "worker", worker_change.change, *_worker(worker_change.worker))
        case "backfill":
            backfill_change = changes_pb2.BackfillChanged.FromString(entry.payload)
            return _changed(entry, source, "backfill", backfill_change.change, *_backfill(backfill_change.backfill))
        case "service-level":
            return _violation(entry, source, changes_pb2.ServiceLevelViolated.FromString(entry.payload))
    return None


def _changed(
    entry: outbox_pb2.OutboxEntry,
    source: str,
    thing: str,
    change: changes_pb2.ChangeKind.ValueType,
    resource: Resource,
    status: str,
    related: list[Resource],
) -> Event | None:
    word = status if change == changes_pb2.CHANGE_KIND_STATUS else _CHANGE.get(change, "")
    if not word:
        return None
    recorded_at = moment(entry.recorded_at)
    return Event(
        event_id=_entry_id(recorded_at, source, entry.position),
        workspace_id=uuid.UUID(entry.workspace_id),
        name=f"headrace.{thing}.{word}",
        occurred_at=recorded_at,
        resource=resource,
        related=tuple(related),
        payload={},
    )


def _backfill(backfill: backfill_pb2.Backfill) -> tuple[Resource, str, list[Resource]]:
    status = backfill_pb2.BackfillStatus.Name(backfill.status).removeprefix("BACKFILL_STATUS_")
    progress = backfill.progress
    labels = {
        "headrace.total": str(progress.total),
        "headrace.completed": str(progress.completed),
        "headrace.failed": str(progress.failed + progress.crashed),
    }
    resource = Resource(f"headrace.backfill.{backfill.backfill_id}", storable(backfill.name), "", labels)
    return resource, _word(status), [Resource(f"headrace.deployment.{backfill.deployment_id}", "", "deployment")]


def _violation(entry: outbox_pb2.OutboxEntry, source: str, violated: changes_pb2.ServiceLevelViolated) -> Event:
    """Return the event of a broken promise."""
    level, deployment = violated.service_level, violated.deployment
    kind = service_level_pb2.ServiceLevelKind.Name(level.kind).removeprefix("SERVICE_LEVEL_KIND_")
    severity = service_level_pb2.ServiceLevelSeverity.Name(level.severity).removeprefix("SERVICE_LEVEL_SEVERITY_")
    labels = {"headrace.kind": kind.lower(), "headrace.severity": severity.lower()}
    related = [
        Resource(f"headrace.deployment.{deployment.deployment_id}", storable(deployment.name), "deployment"),
        Resource(f"headrace.flow.{deployment.flow_id}", storable(deployment.flow_name), "flow"),
    ]
    if violated.flow_run_id:
        name = storable(violated.flow_run_name)
        related.append(Resource(f"headrace.flow-run.{violated.flow_run_id}", name, "flow-run"))
    recorded_at = moment(entry.recorded_at)
    return Event(
        event_id=_entry_id(recorded_at, source, entry.position),
        workspace_id=uuid.UUID(entry.workspace_id),
        name="headrace.service-level.violated",
        occurred_at=moment(violated.violated_at),
        resource=Resource(f"headrace.service-level.{level.service_level_id}", storable(level.name), "", labels),
        related=(*related, *_tags(deployment.content.tags)),
        payload={"message": storable(violated.message)},
    )


def _deployment(deployment: deployment_pb2.Deployment) -> tuple[Resource, str, list[Resource]]:
    status = deployment_pb2.DeploymentStatus.Name(deployment.status).removeprefix("DEPLOYMENT_STATUS_")
    labels = {**_labels_of(deployment.content.labels), "headrace.paused": str(deployment.paused).lower()}
    resource = Resource(f"headrace.deployment.{deployment.deployment_id}", storable(deployment.name), "", labels)
    related = [Resource(f"headrace.flow.{deployment.flow_id}", storable(deployment.flow_name), "flow")]
    return resource, _word(status), [*related, *_tags(deployment.content.tags)]


def _work_pool(pool: work_pool_pb2.WorkPool) -> tuple[Resource, str, list[Resource]]:
    status = work_pool_pb2.WorkPoolStatus.Name(pool.status).removeprefix("WORK_POOL_STATUS_")
    labels: Mapping[str, str] = {"headrace.work-pool.type": storable(pool.type)}
    return Resource(f"headrace.work-pool.{pool.work_pool_id}", storable(pool.name), "", labels), _word(status), []


def _work_queue(queue: work_pool_pb2.WorkQueue) -> tuple[Resource, str, list[Resource]]:
    status = work_pool_pb2.WorkPoolStatus.Name(queue.status).removeprefix("WORK_POOL_STATUS_")
    pool = Resource(f"headrace.work-pool.{queue.work_pool_id}", storable(queue.work_pool_name), "work-pool")
    return Resource(f"headrace.work-queue.{queue.work_queue_id}", storable(queue.name)), _word(status), [pool]


def _worker(worker: work_pool_pb2.Worker) -> tuple[Resource, str, list[Resource]]:
    status = work_pool_pb2.WorkerStatus.Name(worker.status).removeprefix("WORKER_STATUS_")
    labels = {
        **_labels_of(worker.labels),
        "headrace.worker.type": storable(worker.type),
        "headrace.worker.host": storable(worker.host),
        "headrace.work-pool.name": storable(worker.work_pool_name),
    }
    related = [Resource(f"headrace.deployment.{served}", "", "deployment") for served in worker.deployment_ids]
    return (
        Resource(f"headrace.worker.{storable(worker.worker_id)}", storable(worker.name), "", labels),
        _word(status),
        related,
    )


def _word(status: str) -> str:
    return "" if status == "UNSPECIFIED" else status.lower().replace("_", "-")


def _entry_id(recorded_at: datetime.datetime, source: str, position: int) -> uuid.UUID:
    """Return the UUIDv7 of an outbox entry: always the same, and of no other entry of any service."""
    milliseconds = int(recorded_at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    name = sum(source.encode()) & 0xFFF
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | name << 64 | 0b10 << 62 | position & 0x3FFF_FFFF_FFFF_FFFF)
