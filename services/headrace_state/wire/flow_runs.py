"""Flow runs: rows to messages."""

from __future__ import annotations

import datetime
import uuid

from headrace.api.v1 import flow_run_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import states
from headrace_state.wire.values import fill_object, fill_seconds, fill_time, from_id, from_seconds, from_time


def flow_run(row: Row, *, with_payloads: bool) -> flow_run_pb2.FlowRun:
    """Return the flow run in a row.

    Lists and streams make thousands of these a second: fields are set one by one, which costs a fifth of
    handing messages to a constructor.

    Args:
        row: The columns of `flow_run`, and those of `flow_run_payload` if `with_payloads`.
        with_payloads: Whether whoever gets it may see parameters, job variables, context and where the result lies.
    """
    message = flow_run_pb2.FlowRun()
    message.flow_run_id = str(row["flow_run_id"])
    message.flow_id = str(row["flow_id"])
    message.flow_name = row["flow_name"]
    message.name = row["name"]
    message.root_flow_run_id = str(row["root_flow_run_id"])
    message.run_count = row["run_count"]
    message.attempt = row["attempt"]
    message.auto_scheduled = row["auto_scheduled"]
    for name in ("notes", "infrastructure_id", "flow_version", "worker_name", "idempotency_key"):
        if value := row[name]:
            setattr(message, name, value)
    if row["tags"]:
        message.tags.extend(row["tags"])
    if row["labels"]:
        fill_object(message.labels, row["labels"])
    states.fill_from_run_row(message.state, row, with_result=with_payloads)
    _add_origin(message, row)
    if row["retry_policy"]:
        states.fill_retry_policy(message.retry_policy, row["retry_policy"])
    fill_time(message.created_at, row["created_at"])
    fill_time(message.updated_at, row["updated_at"])
    if (at := row["expected_start_at"]) is not None:
        fill_time(message.expected_start_at, at)
    if (at := row["next_scheduled_start_at"]) is not None:
        fill_time(message.next_scheduled_start_at, at)
    if (at := row["started_at"]) is not None:
        fill_time(message.started_at, at)
        fill_seconds(message.total_run_time, row["run_seconds"])
    if (at := row["ended_at"]) is not None:
        fill_time(message.ended_at, at)
    if (seconds := row["start_delay_seconds"]) is not None:
        fill_seconds(message.start_delay, seconds)
    if with_payloads:
        for name in ("parameters", "job_variables", "context"):
            if value := row[name]:
                fill_object(getattr(message, name), value)
    return message


def _add_origin(message: flow_run_pb2.FlowRun, row: Row) -> None:
    if row["creator_kind"] or row["creator_id"]:
        states.fill_creator(message.creator, row)
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
