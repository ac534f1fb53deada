"""What the scheduler asks and gets."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

from headrace import errors
from headrace.internal.v1 import state_pb2 as internal_pb2
from headrace_state.rules.claims import ClaimingWorker, Place, Wanted
from headrace_state.rules.facts import NewState, RetryPolicy
from headrace_state.rules.owned_limits import is_keyed
from headrace_state.rules.states import USUAL_NAMES, StateType
from headrace_state.rules.wishes import Wish
from headrace_state.wire import states, values
from headrace_state.wire.creation import unique

MOST_RUNS = 1_000
"""Runs in one call."""

_LONGEST_LIMIT_NAME = 255

_INFRASTRUCTURE_RETRIES = 3
"""What a deployment's run is granted where nobody says otherwise."""


def to_wish(run: internal_pb2.ScheduledRun, field: str) -> Wish:
    """Return a run that is to be created.

    Raises:
        errors.InvalidArgument: A value is not what its field is for; `field` is the place of the run.
    """
    ids = {
        name: values.to_optional_id(getattr(run, name), f"{field}.{name}")
        for name in (
            "deployment_id",
            "deployment_version_id",
            "work_pool_id",
            "work_queue_id",
            "parent_task_run_id",
            "parent_flow_run_id",
        )
    }
    if not run.flow_id and not run.flow_name:
        raise errors.InvalidArgument.of_field(f"{field}.flow_name", "or flow_id has to name the flow")
    lateness = values.to_seconds(run.maximum_lateness) if run.HasField("maximum_lateness") else None
    scheduled_at = values.to_time(run.scheduled_at, f"{field}.scheduled_at") if run.HasField("scheduled_at") else None
    keyed = _keyed_limits(run, field)
    return Wish(
        state=NewState(StateType.SCHEDULED, USUAL_NAMES[StateType.SCHEDULED], scheduled_at=scheduled_at),
        flow_run_id=values.to_optional_id(run.flow_run_id, f"{field}.flow_run_id"),
        flow_id=values.to_optional_id(run.flow_id, f"{field}.flow_id"),
        flow_name=run.flow_name,
        name=run.name,
        policy=_policy(run),
        columns={
            **ids,
            "deployment_name": run.deployment_name,
            "work_pool_name": run.work_pool_name,
            "work_queue_name": run.work_queue_name,
            "flow_version": run.flow_version,
            "limits": unique([*_limits(run, ids), *keyed]),
            "tags": unique(run.tags),
            "labels": values.to_object(run.labels, f"{field}.labels"),
            "idempotency_key": run.idempotency_key or None,
            "creator_kind": states.creator_kind(run.creator.kind),
            "creator_id": run.creator.creator_id,
            "creator_name": run.creator.display_name,
            "auto_scheduled": run.auto_scheduled,
            "concurrency_strategy": run.concurrency_strategy,
            "maximum_lateness_seconds": lateness,
            "worker_labels": values.to_object(run.worker_labels, f"{field}.worker_labels"),
        },
        keyed_limits=keyed,
        payloads={
            "parameters": values.to_object(run.parameters, f"{field}.parameters"),
            "job_variables": values.to_object(run.job_variables, f"{field}.job_variables"),
            "context": values.to_object(run.context, f"{field}.context"),
        },
    )


def _policy(run: internal_pb2.ScheduledRun) -> RetryPolicy:
    if not run.HasField("retry_policy"):
        return RetryPolicy(infrastructure_retries=_INFRASTRUCTURE_RETRIES)
    # 0 says nothing, so that whoever asks for retries alone keeps those after the loss of a worker.
    wanted = run.retry_policy.infrastructure_retries or _INFRASTRUCTURE_RETRIES
    return dataclasses.replace(states.to_retry_policy(run.retry_policy), infrastructure_retries=max(wanted, 0))


def _keyed_limits(run: internal_pb2.ScheduledRun, field: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, limit in enumerate(run.keyed_limits):
        name = f"{field}.keyed_limits[{place}]"
        if not is_keyed(limit.name, run.deployment_id):
            raise errors.InvalidArgument.of_field(f"{name}.name", "must be deployment:<deployment_id>:key:<key>")
        if len(limit.name) > _LONGEST_LIMIT_NAME:
            raise errors.InvalidArgument.of_field(f"{name}.name", f"is longer than {_LONGEST_LIMIT_NAME} characters")
        if not limit.HasField("limit") or limit.limit < 0:
            raise errors.InvalidArgument.of_field(f"{name}.limit", "must be set and not negative")
        found[limit.name] = limit.limit
    return found


def _limits(run: internal_pb2.ScheduledRun, ids: dict[str, uuid.UUID | None]) -> list[str]:
    own = (
        ("work-pool", ids["work_pool_id"]),
        ("work-queue", ids["work_queue_id"]),
        ("deployment", ids["deployment_id"]),
    )
    return unique([*(f"{kind}:{owner}" for kind, owner in own if owner is not None), *run.limits])


def to_place(request: internal_pb2.ClaimRunsRequest) -> Place:
    """Return where runs are claimed from.

    Raises:
        errors.InvalidArgument: Neither a pool nor deployments are named, or not by ids.
    """
    if not request.work_pool_id and not request.deployment_ids:
        raise errors.InvalidArgument.of_field("work_pool_id", "or deployment_ids must be set")
    return Place(
        work_pool_id=values.to_optional_id(request.work_pool_id, "work_pool_id"),
        queues=tuple(
            (values.to_id(queue.work_queue_id, f"queues[{place}].work_queue_id"), max(0, queue.count))
            for place, queue in enumerate(request.queues)
        ),
        deployment_ids=values.to_ids(request.deployment_ids, "deployment_ids"),
        start_timeout_seconds=values.to_seconds(request.start_timeout) if request.HasField("start_timeout") else None,
    )


def to_wanted(request: internal_pb2.FindClaimableRunsRequest) -> Wanted:
    """Return which runs are looked for.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    if not 0 <= request.count <= MOST_RUNS:
        raise errors.InvalidArgument.of_field("count", f"must be from 0 to {MOST_RUNS}")
    return Wanted(
        work_pool_id=values.to_optional_id(request.work_pool_id, "work_pool_id"),
        work_queue_ids=values.to_ids(request.work_queue_ids, "work_queue_ids"),
        deployment_ids=values.to_ids(request.deployment_ids, "deployment_ids"),
        due_from=values.to_time(request.due_from, "due_from") if request.HasField("due_from") else None,
        due_before=values.to_time(request.due_before, "due_before") if request.HasField("due_before") else None,
        count=request.count,
        worker_labels=values.to_object(request.worker_labels, "worker_labels"),
    )


def to_workers(request: internal_pb2.ClaimRunsRequest) -> list[ClaimingWorker]:
    """Return who takes the runs, together at most as many as the request asks for.

    Raises:
        errors.InvalidArgument: Labels hold what JSON cannot, or the count is out of bounds.
    """
    if not 0 <= request.count <= MOST_RUNS:
        raise errors.InvalidArgument.of_field("count", f"must be from 0 to {MOST_RUNS}")
    if not request.workers:
        return [ClaimingWorker(request.worker_id, request.worker_name, request.count)]
    workers: list[ClaimingWorker] = []
    left = request.count
    for place, worker in enumerate(request.workers):
        count = min(max(0, worker.count), left)
        left -= count
        labels: dict[str, Any] = values.to_object(worker.labels, f"workers[{place}].labels")
        workers.append(ClaimingWorker(worker.worker_id, worker.worker_name, count, labels))
    return workers
