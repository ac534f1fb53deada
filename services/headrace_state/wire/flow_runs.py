"""Flow runs: rows to messages."""

from __future__ import annotations

import datetime
import uuid

from headrace.api.v1 import flow_run_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import states
from headrace_state.wire.values import from_id, from_object, from_seconds, from_time


def flow_run(row: Row, *, with_payloads: bool) -> flow_run_pb2.FlowRun:
    """Return the flow run in a row.

    Args:
        row: The columns of `flow_run`, and those of `flow_run_payload` if `with_payloads`.
        with_payloads: Whether whoever gets it may see parameters, job variables, context and where the result lies.
    """
    message = flow_run_pb2.FlowRun(
        flow_run_id=str(row["flow_run_id"]),
        flow_id=str(row["flow_id"]),
        flow_name=row["flow_name"],
        name=row["name"],
        state=states.from_run_row(row),
        tags=row["tags"],
        labels=from_object(row["labels"]),
        notes=row["notes"],
        root_flow_run_id=str(row["root_flow_run_id"]),
        idempotency_key=row["idempotency_key"] or "",
        creator=states.creator_from_row(row),
        auto_scheduled=row["auto_scheduled"],
        retry_policy=states.retry_policy_from_json(row["retry_policy"]),
        run_count=row["run_count"],
        attempt=row["attempt"],
        created_at=from_time(row["created_at"]),
        updated_at=from_time(row["updated_at"]),
        expected_start_at=from_time(row["expected_start_at"]),
        next_scheduled_start_at=from_time(row["next_scheduled_start_at"]),
        started_at=from_time(row["started_at"]),
        ended_at=from_time(row["ended_at"]),
        total_run_time=from_seconds(row["run_seconds"]),
        infrastructure_id=row["infrastructure_id"],
        start_delay=from_seconds(row["start_delay_seconds"]),
        flow_version=row["flow_version"],
        worker_name=row["worker_name"],
    )
    if row["deployment_id"] is not None:
        message.deployment_id = str(row["deployment_id"])
        message.deployment_version_id = from_id(row["deployment_version_id"])
        message.deployment_name = row["deployment_name"]
    if row["work_pool_id"] is not None:
        message.work_pool_id = str(row["work_pool_id"])
        message.work_pool_name = row["work_pool_name"]
        message.work_queue_id = from_id(row["work_queue_id"])
        message.work_queue_name = row["work_queue_name"]
    if row["parent_flow_run_id"] is not None or row["parent_task_run_id"] is not None:
        message.parent_flow_run_id = from_id(row["parent_flow_run_id"])
        message.parent_task_run_id = from_id(row["parent_task_run_id"])
    if with_payloads:
        _add_payloads(message, row)
    else:
        message.state.ClearField("result")
    return message


def _add_payloads(message: flow_run_pb2.FlowRun, row: Row) -> None:
    for name in ("parameters", "job_variables", "context"):
        struct = from_object(row[name])
        if struct is not None:
            getattr(message, name).CopyFrom(struct)


def attempt(
    flow_run_id: str,
    number: int,
    token: uuid.UUID,
    lease_expires_at: datetime.datetime | None,
    lease_seconds: float,
) -> flow_run_pb2.Attempt:
    """Return the right to execute an attempt."""
    return flow_run_pb2.Attempt(
        flow_run_id=flow_run_id,
        number=number,
        token=str(token),
        lease_expires_at=from_time(lease_expires_at),
        lease_duration=from_seconds(lease_seconds),
    )
