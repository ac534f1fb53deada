"""Task runs: rows to messages, and messages to what changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headrace import errors
from headrace.api.v1 import task_run_pb2
from headrace_state.rules.rows import Row
from headrace_state.wire import states
from headrace_state.wire.values import fill_object, fill_seconds, fill_time, from_id, to_object


def task_run(row: Row, *, with_result: bool) -> task_run_pb2.TaskRun:
    """Return the task run in a row, with where its result lies or without."""
    message = task_run_pb2.TaskRun()
    message.task_run_id = str(row["task_run_id"])
    message.flow_run_id = from_id(row["flow_run_id"])
    message.task_key = row["task_key"]
    message.dynamic_key = row["dynamic_key"]
    message.name = row["name"]
    message.run_count = row["run_count"]
    message.flow_run_run_count = row["flow_run_run_count"]
    for name in ("task_version", "cache_key"):
        if value := row[name]:
            setattr(message, name, value)
    if row["child_flow_run_id"] is not None:
        message.child_flow_run_id = str(row["child_flow_run_id"])
    if row["tags"]:
        message.tags.extend(row["tags"])
    if row["labels"]:
        fill_object(message.labels, row["labels"])
    states.fill_from_run_row(message.state, row, with_result=with_result)
    fill_time(message.created_at, row["created_at"])
    fill_time(message.updated_at, row["updated_at"])
    if (at := row["expected_start_at"]) is not None:
        fill_time(message.expected_start_at, at)
    if (at := row["started_at"]) is not None:
        fill_time(message.started_at, at)
        fill_seconds(message.total_run_time, row["run_seconds"])
    if (at := row["ended_at"]) is not None:
        fill_time(message.ended_at, at)
    if (at := row["cache_expires_at"]) is not None:
        fill_time(message.cache_expires_at, at)
    if row["inputs"]:
        for item in row["inputs"]:
            message.inputs.add(parameter=item["parameter"], kind=item["kind"], source=item["source"])
    if policy := row["retry_policy"]:
        message.retry_policy.retries = policy["retries"]
        message.retry_policy.delay_seconds.extend(policy["delay_seconds"])
        message.retry_policy.jitter_factor = policy["jitter_factor"]
    return message


def to_changes(task_run: task_run_pb2.TaskRun, fields: Sequence[str]) -> dict[str, Any]:
    """Return the columns that an update of `fields` changes.

    Raises:
        errors.InvalidArgument: A value is not what its field is for.
    """
    columns: dict[str, Any] = {}
    for field in fields:
        match field:
            case "labels":
                columns[field] = to_object(task_run.labels, "task_run.labels")
            case "tags":
                columns[field] = list(dict.fromkeys(task_run.tags))
            case "name" if not task_run.name:
                raise errors.InvalidArgument.of_field("task_run.name", "must not be empty")
            case _:
                columns[field] = getattr(task_run, field)
    return columns
