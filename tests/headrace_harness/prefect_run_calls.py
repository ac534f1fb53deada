"""Valid calls of the operations about flows, runs, deployments and where they wait."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from headrace_harness.prefect_contract import Contract

_SCHEDULE = {"interval": 3600.0, "anchor_date": "2026-01-01T00:00:00Z", "timezone": "UTC"}


def _moment(hours: float) -> str:
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)).isoformat()


def _all(*names: str) -> dict[str, Any]:
    """Return a body with every filter, each null: null is the same as absent."""
    joined = ("flows", "flow_runs", "task_runs", "deployments", "work_pools", "work_pool_queues")
    return {**dict.fromkeys(joined), "sort": None, "limit": None, "offset": 0} | dict.fromkeys(names)


async def call_runs(api: Contract) -> dict[str, Any]:
    """Call the operations about flows, flow runs, task runs, states and log records.

    Returns:
        The flow, a flow run and a task run, for operations about something else.
    """
    mark = uuid.uuid4().hex[:8]
    flow = await api.call("POST", "/flows/", body={"name": f"conform-{mark}", "tags": ["a"], "labels": {"x": 1}})
    of_flow = {"id": flow["id"]}
    await api.call("GET", "/flows/{id}", **of_flow)
    await api.call("GET", "/flows/name/{name}", name=flow["name"])
    await api.call("PATCH", "/flows/{id}", body={"tags": ["a", "b"]}, **of_flow)
    chosen = {"flows": {"operator": "and_", "name": {"like_": "conform-"}, "tags": {"all_": ["a"]}}}
    await api.call("POST", "/flows/filter", body={**_all(), **chosen, "sort": "NAME_DESC", "limit": 5})
    await api.call("POST", "/flows/paginate", body={**chosen, "page": 1, "limit": 5})
    await api.call("POST", "/flows/count", body=chosen)
    other = await api.call("POST", "/flows/", body={"name": f"conform-other-{mark}"})
    await api.call("DELETE", "/flows/{id}", id=other["id"])
    third = await api.call("POST", "/flows/", body={"name": f"conform-third-{mark}"})
    await api.call("POST", "/flows/bulk_delete", body={"flows": {"id": {"any_": [third["id"]]}}, "limit": 10})
    run = await _flow_runs(api, flow)
    task_run = await _task_runs(api, run)
    await _logs(api, run, task_run)
    return {"flow": flow, "flow_run": run, "task_run": task_run}


async def _flow_runs(api: Contract, flow: dict[str, Any]) -> dict[str, Any]:
    pending = {"type": "PENDING", "name": "Pending", "state_details": {}}
    body = {
        "flow_id": flow["id"],
        "name": "one",
        "parameters": {"n": 1},
        "context": {"c": None},
        "tags": ["t"],
        "labels": {"k": "v"},
        "flow_version": "1",
        "state": pending,
        "empirical_policy": {"retries": 1, "retry_delay": 3},
        "idempotency_key": uuid.uuid4().hex,
    }
    run = await api.call("POST", "/flow_runs/", body=body)
    await api.call("POST", "/flow_runs/", body=body)
    of_run = {"id": run["id"]}
    await api.call("GET", "/flow_runs/{id}", **of_run)
    await api.call("PATCH", "/flow_runs/{id}", body={"name": "two", "tags": ["t", "u"]}, **of_run)
    await api.call("PATCH", "/flow_runs/{id}/labels", body={"more": True}, **of_run)
    await api.call("POST", "/flow_runs/{id}/set_state", body={"state": {"type": "RUNNING"}, "force": False}, **of_run)
    await api.call("GET", "/flow_run_states/", query={"flow_run_id": run["id"]})
    current = await api.call("GET", "/flow_runs/{id}", **of_run)
    await api.call("GET", "/flow_run_states/{id}", id=current["state"]["id"])
    await api.call("POST", "/flow_runs/{id}/input", body={"key": "k", "value": '"v"', "sender": None}, **of_run)
    await api.call("POST", "/flow_runs/{id}/input/filter", body={"prefix": "k", "limit": 1}, **of_run)
    await api.call("GET", "/flow_runs/{id}/input/{key}", key="k", **of_run)
    await api.call("DELETE", "/flow_runs/{id}/input/{key}", key="k", **of_run)
    chosen = {"flow_runs": {"operator": "and_", "id": {"any_": [run["id"]]}, "state": {"type": {"any_": ["RUNNING"]}}}}
    for body in ({**_all(), **chosen, "sort": "START_TIME_DESC"}, _all(), {}):
        await api.call("POST", "/flow_runs/filter", body=body)
    await api.call("POST", "/flow_runs/paginate", body={**chosen, "page": 1, "limit": 3})
    await api.call("POST", "/flow_runs/count", body=chosen)
    await api.call("POST", "/flow_runs/lateness", body=chosen)
    span = {"history_start": _moment(-2), "history_end": _moment(1), "history_interval_seconds": 3600}
    await api.call("POST", "/flow_runs/history", body={**span, **chosen})
    await api.call("GET", "/flow_runs/{id}/graph", **of_run)
    await api.call("GET", "/flow_runs/{id}/graph-v2", **of_run)
    await api.call("GET", "/flow_runs/{id}/logs/download", **of_run)
    paused = {"type": "PAUSED", "state_details": {"pause_timeout": _moment(1), "pause_key": "1"}}
    await api.call("POST", "/flow_runs/{id}/set_state", body={"state": paused}, **of_run)
    await api.call("POST", "/flow_runs/{id}/resume", body={"run_input": None}, **of_run)
    gone = await api.call("POST", "/flow_runs/", body={"flow_id": flow["id"]})
    cancelled = {"state": {"type": "CANCELLED"}, "force": True}
    await api.call("POST", "/flow_runs/{id}/set_state", body=cancelled, id=gone["id"])
    await api.call("DELETE", "/flow_runs/{id}", id=gone["id"])
    many = [await api.call("POST", "/flow_runs/", body={"flow_id": flow["id"]}) for _ in range(2)]
    bulk = {"flow_runs": {"id": {"any_": [each["id"] for each in many]}}, "limit": 50}
    await api.call("POST", "/flow_runs/bulk_set_state", body={**bulk, "state": {"type": "CANCELLED"}, "force": True})
    await api.call("POST", "/flow_runs/bulk_delete", body=bulk)
    return dict(run)


async def _task_runs(api: Contract, run: dict[str, Any]) -> dict[str, Any]:
    body = {
        "name": "t-1",
        "flow_run_id": run["id"],
        "task_key": "t",
        "dynamic_key": "1",
        "state": {"type": "PENDING"},
        "tags": ["x"],
        "task_inputs": {"n": [{"input_type": "parameter", "name": "n"}]},
        "empirical_policy": {"retries": 2, "retry_delay": [1, 2], "retry_jitter_factor": None},
    }
    task_run = await api.call("POST", "/task_runs/", body=body)
    of_run = {"id": task_run["id"]}
    await api.call("GET", "/task_runs/{id}", **of_run)
    await api.call("PATCH", "/task_runs/{id}", body={"name": "t-one"}, **of_run)
    await api.call("POST", "/task_runs/{id}/set_state", body={"state": {"type": "RUNNING"}, "force": False}, **of_run)
    current = await api.call("GET", "/task_runs/{id}", **of_run)
    await api.call("GET", "/task_run_states/", query={"task_run_id": task_run["id"]})
    await api.call("GET", "/task_run_states/{id}", id=current["state"]["id"])
    chosen = {"task_runs": {"id": {"any_": [task_run["id"]]}, "state": {"name": {"any_": ["Running"]}}}}
    for body in ({**_all(), **chosen, "sort": "NAME_ASC"}, {}):
        await api.call("POST", "/task_runs/filter", body=body)
    await api.call("POST", "/task_runs/paginate", body={**chosen, "page": 1})
    await api.call("POST", "/task_runs/count", body=chosen)
    span = {"history_start": _moment(-2), "history_end": _moment(1), "history_interval_seconds": 3600}
    await api.call("POST", "/task_runs/history", body={**span, **chosen})
    gone = {"flow_run_id": run["id"], "task_key": "gone", "dynamic_key": "1"}
    await api.call("DELETE", "/task_runs/{id}", id=(await api.call("POST", "/task_runs/", body=gone))["id"])
    return dict(task_run)


async def _logs(api: Contract, run: dict[str, Any], task_run: dict[str, Any]) -> None:
    record = {"name": "n", "level": 20, "message": "a line", "timestamp": _moment(0), "flow_run_id": run["id"]}
    await api.call("POST", "/logs/", body=[record, {**record, "task_run_id": task_run["id"], "level": 40}])
    chosen = {"operator": "and_", "flow_run_id": {"any_": [run["id"]]}, "level": {"ge_": 10, "le_": 50}}
    await api.call("POST", "/logs/filter", body={"logs": chosen, "sort": "TIMESTAMP_ASC", "limit": 10, "offset": 0})


async def call_deployments(api: Contract, flow: dict[str, Any]) -> None:
    """Call the operations about deployments, work pools, work queues and workers."""
    mark = uuid.uuid4().hex[:8]
    pool = await api.call(
        "POST",
        "/work_pools/",
        body={"name": f"conform-{mark}", "type": "process", "description": "d", "concurrency_limit": 3},
    )
    of_pool = {"name": pool["name"]}
    await api.call("GET", "/work_pools/{name}", **of_pool)
    await api.call("PATCH", "/work_pools/{name}", body={"description": "e", "is_paused": False}, **of_pool)
    await api.call("POST", "/work_pools/filter", body={"work_pools": {"name": {"any_": [pool["name"]]}}})
    await api.call("POST", "/work_pools/count", body={})
    await _queues(api, pool["name"])
    deployment = await _deployment(api, flow, pool["name"])
    await api.call("POST", "/work_pools/{name}/concurrency_status", body={"page": 1}, **of_pool)
    await api.call("POST", "/work_pools/{name}/get_scheduled_flow_runs", body={"limit": 5}, **of_pool)
    heartbeat = {"name": "w", "heartbeat_interval_seconds": 30}
    of_workers = {"work_pool_name": pool["name"]}
    await api.call("POST", "/work_pools/{work_pool_name}/workers/heartbeat", body=heartbeat, **of_workers)
    await api.call("POST", "/work_pools/{work_pool_name}/workers/filter", body={"workers": None}, **of_workers)
    await api.call("DELETE", "/work_pools/{work_pool_name}/workers/{name}", name="w", **of_workers)
    await api.call("POST", "/task_workers/filter", body={"task_worker_filter": {"task_keys": ["k"]}})
    await api.call("DELETE", "/deployments/{id}", id=deployment["id"])
    await api.call("DELETE", "/work_pools/{name}", **of_pool)


async def _queues(api: Contract, pool_name: str) -> None:
    of_pool = {"work_pool_name": pool_name}
    await api.call("POST", "/work_pools/{work_pool_name}/queues", body={"name": "q", "priority": 2}, **of_pool)
    queue = await api.call("GET", "/work_pools/{work_pool_name}/queues/{name}", name="q", **of_pool)
    changed = {"concurrency_limit": 2, "description": "d"}
    await api.call("PATCH", "/work_pools/{work_pool_name}/queues/{name}", body=changed, name="q", **of_pool)
    await api.call("POST", "/work_pools/{work_pool_name}/queues/filter", body={"limit": 5}, **of_pool)
    of_queue = {"id": queue["id"]}
    await api.call("GET", "/work_queues/{id}", **of_queue)
    await api.call("GET", "/work_queues/{id}/status", **of_queue)
    await api.call("PATCH", "/work_queues/{id}", body={"is_paused": False}, **of_queue)
    await api.call("POST", "/work_queues/{id}/get_runs", body={"limit": 1, "scheduled_before": _moment(0)}, **of_queue)
    await api.call("POST", "/work_queues/{id}/concurrency_status", body={"page": 1}, **of_queue)
    await api.call("DELETE", "/work_pools/{work_pool_name}/queues/{name}", name="q", **of_pool)
    legacy = await api.call("POST", "/work_queues/", body={"name": f"legacy-{uuid.uuid4().hex[:8]}"})
    await api.call("GET", "/work_queues/name/{name}", name=legacy["name"])
    await api.call("POST", "/work_queues/filter", body={"work_queues": {"name": {"any_": [legacy["name"]]}}})
    await api.call("DELETE", "/work_queues/{id}", id=legacy["id"])


async def _deployment(api: Contract, flow: dict[str, Any], pool_name: str) -> dict[str, Any]:
    body = {
        "name": "d",
        "flow_id": flow["id"],
        "work_pool_name": pool_name,
        "parameters": {"n": 1},
        "tags": ["t"],
        "entrypoint": "flows.py:f",
        "path": "/tmp",
        "version": "1",
        "paused": True,
        "schedules": [{"schedule": _SCHEDULE, "active": True}],
        "parameter_openapi_schema": {"type": "object", "properties": {"n": {"type": "integer"}}},
        "concurrency_limit": 2,
        "concurrency_options": {"collision_strategy": "ENQUEUE"},
    }
    deployment = await api.call("POST", "/deployments/", body=body)
    await api.call("POST", "/deployments/", body={**body, "version": "2"})
    of_it = {"id": deployment["id"]}
    await api.call("GET", "/deployments/{id}", **of_it)
    names = {"flow_name": flow["name"], "deployment_name": "d"}
    await api.call("GET", "/deployments/name/{flow_name}/{deployment_name}", **names)
    await api.call("PATCH", "/deployments/{id}", body={"description": "e", "paused": False}, **of_it)
    chosen = {"deployments": {"id": {"any_": [deployment["id"]]}, "tags": {"all_": ["t"]}}}
    await api.call("POST", "/deployments/filter", body={**_all(), **chosen, "sort": "NAME_ASC"})
    await api.call("POST", "/deployments/paginate", body={**chosen, "page": 1, "limit": 2})
    await api.call("POST", "/deployments/count", body=chosen)
    await api.call("GET", "/deployments/{id}/schedules", **of_it)
    cron = {"schedule": {"cron": "0 0 * * *", "timezone": "UTC"}, "active": False}
    [made] = await api.call("POST", "/deployments/{id}/schedules", body=[cron], **of_it)
    of_schedule = {**of_it, "schedule_id": made["id"]}
    await api.call("PATCH", "/deployments/{id}/schedules/{schedule_id}", body={"active": True}, **of_schedule)
    await api.call("DELETE", "/deployments/{id}/schedules/{schedule_id}", **of_schedule)
    await api.call("POST", "/deployments/{id}/schedule", body={"min_runs": 1}, **of_it)
    run_body = {"parameters": {"n": 2}, "tags": ["x"], "state": {"type": "SCHEDULED", "state_details": {}}}
    await api.call("POST", "/deployments/{id}/create_flow_run", body=run_body, **of_it)
    await api.call("POST", "/deployments/{id}/create_flow_run/bulk", body=[run_body, {}], **of_it)
    polled = {"deployment_ids": [deployment["id"]], "scheduled_before": _moment(1), "limit": 5}
    await api.call("POST", "/deployments/get_scheduled_flow_runs", body=polled)
    await api.call("GET", "/deployments/{id}/work_queue_check", **of_it)
    await api.call("POST", "/deployments/{id}/pause_deployment", **of_it)
    await api.call("POST", "/deployments/{id}/resume_deployment", **of_it)
    other = await api.call("POST", "/deployments/", body={"name": "e", "flow_id": flow["id"]})
    await api.call("POST", "/deployments/bulk_delete", body={"deployments": {"id": {"any_": [other["id"]]}}})
    return dict(deployment)
