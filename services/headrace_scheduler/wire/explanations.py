"""Explanations to the wire, and what they are made of from it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from headrace.api.v1 import explanation_pb2 as pb
from headrace.api.v1 import state_pb2
from headrace.internal.v1 import state_pb2 as internal
from headrace_scheduler.rules.explanation import LimitUse, Reason, Relative, RunFacts
from headrace_scheduler.wire import values


def from_reason(reason: Reason) -> pb.Explanation:
    """Return a reason as a message."""
    return pb.Explanation(
        kind=pb.ExplanationKind.Value(f"EXPLANATION_KIND_{reason.kind}"),
        sentence=reason.sentence,
        advice=reason.advice,
        blocking=reason.is_blocking,
        data=values.from_object(reason.data),
        until=values.from_time(reason.until),
    )


def to_run_facts(message: internal.DescribeRunResponse) -> RunFacts:
    """Return what the state service knows of a run."""
    run = message.flow_run
    state = run.state
    at, now = values.to_time(state, "occurred_at"), values.to_time(message, "now")
    assert at is not None
    assert now is not None
    return RunFacts(
        flow_run_id=uuid.UUID(run.flow_run_id),
        state_type=_type_name(state),
        state_name=state.name,
        state_message=state.message,
        state_at=at,
        now=now,
        deployment_id=_id(run.deployment_id),
        work_pool_id=_id(run.work_pool_id),
        work_pool_name=run.work_pool_name,
        work_queue_name=run.work_queue_name,
        worker_name=run.worker_name,
        next_start_at=values.to_time(run, "next_scheduled_start_at"),
        due_at=values.to_time(message, "due_at"),
        expires_at=values.to_time(message, "expires_at"),
        pause_expires_at=values.to_time(state.details, "pause_expires_at"),
        is_suspended=state.details.pause_reschedule,
        worker_labels=values.to_object(message.worker_labels, "worker_labels"),
        ahead=message.ahead,
        limits=tuple(_limit(limit) for limit in message.limits),
        lease_expires_at=values.to_time(message, "lease_expires_at"),
        task_runs=_relatives(message.task_runs),
        subflows=_relatives(message.subflows),
        parent=_relatives([message.parent])[0] if message.HasField("parent") else None,
        cancellation_seconds=values.to_seconds(message, "cancellation_timeout") or 0.0,
        state=state,
    )


def _type_name(state: state_pb2.State) -> str:
    return state_pb2.StateType.Name(state.type).removeprefix("STATE_TYPE_")


def _limit(limit: internal.LimitInUse) -> LimitUse:
    return LimitUse(
        limit.name,
        limit.slots,
        limit.taken,
        limit.rate,
        tuple(
            {
                "kind": holder.kind,
                "holder_id": holder.holder_id,
                "name": holder.name,
                "since": holder.since.ToJsonString(),
                "slots": holder.slots,
            }
            for holder in limit.holders
        ),
    )


def _relatives(messages: Iterable[internal.RelatedRun]) -> tuple[Relative, ...]:
    return tuple(Relative(one.run_id, one.name, _type_name(one.state), one.state.name) for one in messages)


def _id(text: str) -> uuid.UUID | None:
    return uuid.UUID(text) if text else None
