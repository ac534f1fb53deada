"""Changes as entries of the outbox."""

from __future__ import annotations

import uuid

from google.protobuf.message import Message

from headrace.internal.v1 import changes_pb2 as pb
from headrace_scheduler.rules.backfill import Backfill
from headrace_scheduler.rules.changes import Change, Violation
from headrace_scheduler.rules.deployment import Deployment
from headrace_scheduler.rules.work_pool import Worker, WorkPool, WorkQueue
from headrace_scheduler.wire import backfills, deployments, pools, service_levels, values


def entry_of(change: Change) -> tuple[uuid.UUID, str, Message]:
    """Return the workspace, the kind and the payload of a change's entry."""
    kind = pb.ChangeKind.Value(f"CHANGE_KIND_{change.kind}")
    workspace_id = change.thing.workspace_id
    match change.thing:
        case Backfill() as backfill:
            return workspace_id, "backfill", pb.BackfillChanged(change=kind, backfill=backfills.from_backfill(backfill))
        case Deployment() as deployment:
            payload = pb.DeploymentChanged(change=kind, deployment=deployments.from_deployment(deployment))
            return workspace_id, "deployment", payload
        case WorkPool() as pool:
            return workspace_id, "work-pool", pb.WorkPoolChanged(change=kind, work_pool=pools.from_pool(pool))
        case WorkQueue() as queue:
            return workspace_id, "work-queue", pb.WorkQueueChanged(change=kind, work_queue=pools.from_queue(queue))
        case Worker() as worker:
            return workspace_id, "worker", pb.WorkerChanged(change=kind, worker=pools.from_worker(worker))


def violation_entry_of(violation: Violation) -> tuple[uuid.UUID, str, Message]:
    """Return the workspace, the kind and the payload of the entry about a broken promise."""
    breach = violation.breach
    payload = pb.ServiceLevelViolated(
        service_level=service_levels.from_level(violation.level),
        deployment=deployments.from_deployment(violation.deployment),
        flow_run_id=str(breach.flow_run_id) if breach.flow_run_id is not None else "",
        flow_run_name=breach.flow_run_name,
        violated_at=values.from_time(violation.at),
        message=breach.message,
    )
    return violation.level.workspace_id, "service-level", payload
