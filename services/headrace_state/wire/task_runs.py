"""Task runs: rows to messages."""

from __future__ import annotations

from headrace.api.v1 import task_run_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import states
from headrace_state.wire.values import from_id, from_object, from_seconds, from_time


def task_run(row: Row, *, with_result: bool) -> task_run_pb2.TaskRun:
    """Return the task run in a row, with where its result lies or without."""
    message = task_run_pb2.TaskRun(
        task_run_id=str(row["task_run_id"]),
        flow_run_id=from_id(row["flow_run_id"]),
        task_key=row["task_key"],
        dynamic_key=row["dynamic_key"],
        name=row["name"],
        state=states.from_run_row(row),
        tags=row["tags"],
        labels=from_object(row["labels"]),
        task_version=row["task_version"],
        cache_key=row["cache_key"],
        cache_expires_at=from_time(row["cache_expires_at"]),
        run_count=row["run_count"],
        flow_run_run_count=row["flow_run_run_count"],
        child_flow_run_id=from_id(row["child_flow_run_id"]),
        created_at=from_time(row["created_at"]),
        updated_at=from_time(row["updated_at"]),
        expected_start_at=from_time(row["expected_start_at"]),
        started_at=from_time(row["started_at"]),
        ended_at=from_time(row["ended_at"]),
        total_run_time=from_seconds(row["run_seconds"]),
    )
    if row["inputs"]:
        message.inputs.extend(
            task_run_pb2.TaskInput(parameter=item["parameter"], kind=item["kind"], source=item["source"])
            for item in row["inputs"]
        )
    policy = row["retry_policy"]
    if policy:
        message.retry_policy.CopyFrom(
            task_run_pb2.TaskRetryPolicy(
                retries=policy["retries"],
                delay_seconds=policy["delay_seconds"],
                jitter_factor=policy["jitter_factor"],
            )
        )
    if not with_result:
        message.state.ClearField("result")
    return message
