"""What is known about a run to the wire."""

from __future__ import annotations

import datetime

from headrace.api.v1 import state_pb2
from headrace.internal.v1 import state_pb2 as pb
from headrace_state.rules.descriptions import Description
from headrace_state.rules.rows import Row
from headrace_state.wire import flow_runs, states, values


def from_description(row: Row, known: Description, cancellation_seconds: float) -> pb.DescribeRunResponse:
    """Return what is known about a run, without its parameters.

    Args:
        row: The run.
        known: What is known beside it.
        cancellation_seconds: How long after the request to stop a run is declared cancelled.
    """
    by_kind: dict[str, list[pb.RelatedRun]] = {}
    for relative in known.relatives:
        by_kind.setdefault(relative["kind"], []).append(_relative(relative))
    message = pb.DescribeRunResponse(
        flow_run=flow_runs.flow_run(row, with_payloads=False),
        due_at=values.from_time(known.due_at),
        expires_at=values.from_time(known.expires_at),
        ahead=known.ahead,
        limits=[_limit(limit) for limit in known.limits],
        lease_expires_at=values.from_time(known.lease_expires_at),
        task_runs=by_kind.get("task", []),
        subflows=by_kind.get("subflow", []),
        now=values.from_time(known.now),
        cancellation_timeout=values.from_seconds(cancellation_seconds),
    )
    for parent in by_kind.get("parent", []):
        message.parent.CopyFrom(parent)
    if known.worker_labels:
        values.fill_object(message.worker_labels, known.worker_labels)
    return message


def _relative(row: Row) -> pb.RelatedRun:
    return pb.RelatedRun(
        run_id=str(row["run_id"]),
        name=row["name"],
        state=state_pb2.State(
            type=states.TYPE_NUMBERS[row["state_type"]],  # type: ignore[arg-type]
            name=row["state_name"],
            message=row["state_message"],
            occurred_at=values.from_time(row["state_at"]),
        ),
    )


def _limit(row: Row) -> pb.LimitInUse:
    return pb.LimitInUse(
        name=row["name"],
        slots=row["slots"],
        taken=row["taken"],
        rate=row["is_rate"],
        holders=[
            pb.LimitUser(
                kind=holder["kind"],
                holder_id=holder["holder_id"],
                name=holder["name"],
                since=values.from_time(datetime.datetime.fromisoformat(holder["since"])),
                slots=holder["slots"],
            )
            for holder in row["holders"]
        ],
    )
