"""Runs between the scheduler and the state service."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.struct_pb2 import Struct

from headrace.api.v1 import flow_run_pb2, state_pb2
from headrace.internal.v1 import state_pb2 as pb
from headrace_scheduler.rules.runs import AttemptRef, Claim, ClaimedRun, ClaimSearch, EndedAttempt, NewRun, Renewed
from headrace_scheduler.wire import deployments, values


def from_claim_search(search: ClaimSearch) -> pb.FindClaimableRunsRequest:
    """Return which runs are looked for."""
    return pb.FindClaimableRunsRequest(
        work_pool_id=_text(search.work_pool_id),
        work_queue_ids=map(str, search.work_queue_ids),
        deployment_ids=map(str, search.deployment_ids),
        due_before=values.from_time(search.due_before),
        due_from=values.from_time(search.due_from),
        count=search.count,
        worker_labels=values.from_object(search.labels),
    )


def from_new_runs(new: Sequence[NewRun]) -> list[pb.ScheduledRun]:
    """Return runs that are to be created as messages."""
    structs = _Structs()
    return [_from_new_run(run, structs) for run in new]


class _Structs:
    """Structs of values that many runs of one schedule share, made once."""

    def __init__(self) -> None:
        self._made: dict[int, Struct | None] = {}

    def of(self, value: Mapping[str, Any]) -> Struct | None:
        """Return `value`, which must stay alive, as a message field; an empty one leaves it unset."""
        key = id(value)
        if key not in self._made:
            self._made[key] = values.from_object(value)
        return self._made[key]


def _from_new_run(run: NewRun, structs: _Structs) -> pb.ScheduledRun:
    deployment = run.deployment
    message = pb.ScheduledRun(
        flow_run_id=str(run.flow_run_id),
        flow_id=str(deployment.flow_id),
        name=run.name,
        scheduled_at=values.from_time(run.scheduled_at),
        deployment_id=str(deployment.deployment_id),
        deployment_name=deployment.name,
        deployment_version_id=str(run.version_id),
        limits=run.limits,
        parameters=structs.of(run.parameters),
        job_variables=structs.of(run.job_variables),
        context=structs.of(run.context),
        tags=run.tags,
        labels=structs.of(run.labels),
        flow_version=run.flow_version,
        retry_policy=deployments.from_retry_policy(run.retry_policy),
        idempotency_key=run.idempotency_key,
        parent_task_run_id=_text(run.parent_task_run_id),
        parent_flow_run_id=_text(run.parent_flow_run_id),
        creator=deployments.from_creator(run.creator),
        auto_scheduled=run.auto_scheduled,
        concurrency_strategy=deployments.strategy_number(run.strategy),
        maximum_lateness=values.from_seconds(run.maximum_lateness_seconds),
        worker_labels=structs.of(run.worker_labels),
        keyed_limits=[pb.OwnedLimit(name=name, limit=slots) for name, slots in run.keyed_limits.items()],
    )
    placement = deployment.placement
    if placement is not None:
        message.work_pool_id = str(placement.work_pool_id)
        message.work_pool_name = placement.work_pool_name
        queue = run.work_queue
        message.work_queue_id = str(queue.work_queue_id if queue is not None else placement.work_queue_id)
        message.work_queue_name = queue.name if queue is not None else placement.work_queue_name
    return message


def from_claim(claim: Claim) -> pb.ClaimRunsRequest:
    """Return a claim as a message."""
    structs = _Structs()
    return pb.ClaimRunsRequest(
        work_pool_id=_text(claim.work_pool_id),
        queues=[pb.QueueQuota(work_queue_id=str(quota.work_queue_id), count=quota.count) for quota in claim.quotas],
        deployment_ids=[str(deployment_id) for deployment_id in claim.deployment_ids],
        count=claim.count,
        lease_duration=values.from_seconds(claim.lease_seconds),
        start_timeout=values.from_seconds(claim.start_timeout_seconds),
        workers=[
            pb.ClaimingWorker(
                worker_id=str(worker.worker_id),
                worker_name=worker.worker_name,
                count=worker.count,
                labels=structs.of(worker.labels),
            )
            for worker in claim.workers
        ],
    )


def to_claimed_run(message: pb.ClaimedRun) -> ClaimedRun:
    """Return a claimed run; its messages are handed on as they are."""
    run = message.flow_run
    return ClaimedRun(
        attempt=AttemptRef(uuid.UUID(run.flow_run_id), message.attempt.token),
        worker_id=_id(message.worker_id),
        work_queue_id=_id(run.work_queue_id),
        deployment_id=_id(run.deployment_id),
        version_id=_id(run.deployment_version_id),
        job_variables=values.to_object(run.job_variables, "job_variables"),
        flow_run=run,
        attempt_message=message.attempt,
    )


def from_attempts(attempts: Iterable[AttemptRef]) -> list[pb.AttemptRef]:
    """Return names of attempts as messages."""
    return [pb.AttemptRef(flow_run_id=str(attempt.flow_run_id), token=attempt.token) for attempt in attempts]


def to_renewed(message: pb.RenewLeasesResponse) -> Renewed:
    """Return what came of renewing leases."""
    return Renewed(
        lease_expires_at=values.to_time(message, "lease_expires_at"),
        flow_run_ids=frozenset(map(uuid.UUID, message.flow_run_ids)),
        lost={uuid.UUID(run.flow_run_id): run.state if run.HasField("state") else None for run in message.lost},
        cancelling=frozenset(map(uuid.UUID, message.cancelling_flow_run_ids)),
    )


def from_ended(ended: EndedAttempt) -> pb.EndedAttempt:
    """Return how an attempt ended as a message."""
    attempt = pb.AttemptRef(flow_run_id=str(ended.attempt.flow_run_id), token=ended.attempt.token)
    state = state_pb2.State(
        type=state_pb2.StateType.Value(f"STATE_TYPE_{ended.state}"),
        message=ended.message,
        details=state_pb2.StateDetails(reason=ended.reason),
    )
    return pb.EndedAttempt(attempt=attempt, state=state)


def state_type(message: flow_run_pb2.FlowRun) -> str:
    """Return the type of the state of a run, by its name in the contract without its prefix."""
    return state_pb2.StateType.Name(message.state.type).removeprefix("STATE_TYPE_")


def since(moment: datetime.datetime) -> state_pb2.TimeRange:
    """Return the span from a moment on."""
    span = state_pb2.TimeRange()
    # `from` is a word of Python.
    getattr(span, "from").CopyFrom(values.from_time(moment))
    return span


def total(message: flow_run_pb2.CountFlowRunsResponse) -> int:
    """Return how many runs were counted."""
    return sum(count.count for count in message.counts)


def _text(value: uuid.UUID | None) -> str:
    return str(value) if value is not None else ""


def _id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None
