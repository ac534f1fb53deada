"""Task runs."""

from __future__ import annotations

import time
from typing import Any

import orjson

from headrace.api.v1 import task_run_pb2
from headrace_prefect.routing import is_id
from headrace_prefect.shapes import scalars
from headrace_prefect.shapes.flow_runs import clock_of
from headrace_prefect.shapes.states import state_json, type_name
from headrace_prefect.shapes.texts import Texts

_RUNS = {
    task_run_pb2.TASK_INPUT_KIND_TASK_RUN: "task_run",
    task_run_pb2.TASK_INPUT_KIND_WAIT_FOR: "task_run",
    task_run_pb2.TASK_INPUT_KIND_FLOW_RUN: "flow_run",
}


def task_run_json(run: task_run_pb2.TaskRun) -> dict[str, Any]:
    """Return a task run with its state."""
    return {**_lasting(run), **clock_of(run).read(time.time())}


def task_run_text(run: task_run_pb2.TaskRun) -> orjson.Fragment:
    """Return what `task_run_json` does as a part of an answer."""
    return _TEXTS.of(run)


def _lasting(run: task_run_pb2.TaskRun) -> dict[str, Any]:
    return {
        "id": run.task_run_id,
        "created": scalars.moment(run, "created_at"),
        "updated": scalars.moment(run, "updated_at"),
        "name": run.name,
        "flow_run_id": run.flow_run_id or None,
        "task_key": run.task_key,
        "dynamic_key": run.dynamic_key,
        "cache_key": run.cache_key or None,
        "cache_expiration": scalars.moment(run, "cache_expires_at"),
        "task_version": run.task_version or None,
        "empirical_policy": _policy(run),
        "tags": list(run.tags),
        "labels": scalars.of_struct(run.labels),
        "state_id": run.state.state_id,
        "task_inputs": inputs_json(run),
        "state_type": type_name(run.state.type),
        "state_name": run.state.name,
        "run_count": run.run_count,
        "flow_run_run_count": run.flow_run_run_count,
        "expected_start_time": scalars.moment(run, "expected_start_at") or scalars.moment(run, "created_at"),
        "next_scheduled_start_time": scalars.moment(run.state.details, "scheduled_at"),
        "start_time": scalars.moment(run, "started_at"),
        "end_time": scalars.moment(run, "ended_at"),
        "total_run_time": scalars.seconds(run, "total_run_time") or 0.0,
        "state": state_json(run.state, flow_run_id=run.flow_run_id, task_run_id=run.task_run_id),
    }


def inputs_json(run: task_run_pb2.TaskRun) -> dict[str, list[dict[str, Any]]]:
    """Return what the parameters of a task run came from."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in run.inputs:
        parameter = item.parameter or "wait_for"
        sources = found.setdefault(parameter, [])
        kind = _RUNS.get(item.kind)
        if kind is not None and is_id(item.source):
            sources.append({"input_type": kind, "id": item.source})
        elif item.kind == task_run_pb2.TASK_INPUT_KIND_PARAMETER:
            sources.append({"input_type": "parameter", "name": item.source})
        elif item.kind == task_run_pb2.TASK_INPUT_KIND_CONSTANT and item.source:
            sources.append({"input_type": "constant", "type": item.source})
    return found


def _policy(run: task_run_pb2.TaskRun) -> dict[str, Any]:
    policy = run.retry_policy
    delays = list(policy.delay_seconds)
    return {
        "max_retries": 0,
        "retry_delay_seconds": 0.0,
        "retries": policy.retries if run.HasField("retry_policy") else None,
        "retry_delay": None if not delays else delays[0] if len(delays) == 1 else delays,
        "retry_jitter_factor": policy.jitter_factor or None,
    }


_TEXTS = Texts(_lasting, clock_of)
