"""What Prefect's workers and task workers say on the wire, in each topology."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.ids import uuid7
from headrace_harness.servers import Addresses
from headrace_harness.stack import Stack
from headrace_harness.websocket import Closed, WebSocket, websocket

TEMPLATE = {
    "job_configuration": {"command": "{{ command }}", "env": "{{ env }}"},
    "variables": {
        "type": "object",
        "properties": {"command": {"type": "string"}, "env": {"type": "object", "default": {}}},
    },
}
CAPABILITIES = ["worker_heartbeat.v1", "work_pool_snapshot.v1"]


@pytest.fixture
def name() -> str:
    """What things of a test are called."""
    return f"w-{uuid.uuid4().hex[:10]}"


@contextlib.asynccontextmanager
async def a_socket(addresses: Addresses, path: str) -> AsyncIterator[WebSocket]:
    """Lend a socket whose other side knows who is there."""
    shown = addresses.credentials
    context = ssl.create_default_context(cadata=shown.authority.decode()) if shown is not None else None
    url = f"{addresses.http_url}/api{path}"
    async with websocket(url, context=context, subprotocols=["prefect"]) as socket:
        await socket.send({"type": "auth", "token": shown.key if shown is not None else None})
        assert await socket.receive() == {"type": "auth_success"}
        yield socket


async def post(stack: Stack, path: str, body: Any, status: int = 200) -> Any:
    """Return the answer to a request."""
    answer = await stack.http.post(f"/api{path}", json=body)
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


async def a_deployment(stack: Stack, name: str, **fields: Any) -> dict[str, Any]:
    """Return a deployment, made as the client makes it."""
    flow = await post(stack, "/flows/", {"name": name}, 201)
    body = {"name": name, "flow_id": flow["id"], "entrypoint": "flows.py:f", "parameters": {"n": 1}, **fields}
    return dict(await post(stack, "/deployments/", body, 201))


async def propose(stack: Stack, run_id: str, kind: str, name: str | None = None) -> dict[str, Any]:
    """Return what is decided about a state."""
    answer = await stack.http.post(f"/api/flow_runs/{run_id}/set_state", json={"state": {"type": kind, "name": name}})
    return dict(answer.json())


async def test_a_worker_polls_its_pool_and_claims_by_proposing(stack: Stack, name: str) -> None:
    await post(stack, "/work_pools/", {"name": name, "type": "process", "base_job_template": TEMPLATE}, 201)
    await post(stack, "/work_pools/", {"name": name, "type": "process"}, 409)
    await post(stack, "/work_pools/", {"name": "prefect-mine", "type": "process"}, 403)
    await post(stack, f"/work_pools/{name}/workers/heartbeat", {"name": "w"}, 204)
    made = await a_deployment(
        stack, name, work_pool_name=name, work_queue_name="fast", schedules=[{"schedule": {"cron": "0 0 1 1 *"}}]
    )
    assert (made["status"], made["work_queue_name"]) == ("READY", "fast")
    listed = await post(stack, "/deployments/filter", {"work_pools": {"name": {"any_": [name]}}, "deployments": None})
    assert [each["id"] for each in listed] == [made["id"]]
    run = await post(stack, f"/deployments/{made['id']}/create_flow_run", {"tags": ["t"], "idempotency_key": "k"}, 201)
    again = await post(stack, f"/deployments/{made['id']}/create_flow_run", {"idempotency_key": "k"})
    assert again["id"] == run["id"]
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=10)).isoformat()
    poll = f"/work_pools/{name}/get_scheduled_flow_runs"
    [found] = await post(stack, poll, {"scheduled_before": soon, "work_queue_names": None})
    assert found["flow_run"]["id"] == run["id"]
    assert (found["work_pool_id"], found["work_queue_id"]) == (run["work_pool_id"], made["work_queue_id"])
    assert (await propose(stack, run["id"], "PENDING"))["status"] == "ACCEPT"
    assert (await propose(stack, run["id"], "PENDING"))["status"] == "ABORT"
    assert (await propose(stack, run["id"], "PENDING", "Submitting"))["status"] == "ACCEPT"
    assert await post(stack, poll, {"scheduled_before": soon}) == []
    assert (await propose(stack, run["id"], "RUNNING"))["status"] == "ACCEPT"
    assert (await propose(stack, run["id"], "CRASHED"))["status"] == "ACCEPT"
    shown = (await stack.http.get(f"/api/flow_runs/{run['id']}")).json()
    assert (shown["state_type"], shown["run_count"], shown["parameters"]) == ("CRASHED", 1, {"n": 1})
    [worker] = await post(stack, f"/work_pools/{name}/workers/filter", {})
    assert (worker["name"], worker["status"]) == ("w", "ONLINE")
    assert (await stack.http.delete(f"/api/work_pools/{name}/workers/w")).status_code == 204
    assert (await stack.http.delete(f"/api/work_pools/{name}/workers/w")).status_code == 404


async def test_a_run_that_is_submitted_takes_a_free_slot_of_its_pool(stack: Stack, name: str) -> None:
    """Others wait for the slot; a run that is submitted where none is free begins without."""
    await post(stack, "/work_pools/", {"name": name, "type": "process", "concurrency_limit": 1}, 201)
    await post(stack, f"/work_pools/{name}/workers/heartbeat", {"name": "w"}, 204)
    made = await a_deployment(stack, name, work_pool_name=name)
    waiting = await post(stack, f"/deployments/{made['id']}/create_flow_run", {}, 201)
    submitted = {"flow_id": made["flow_id"], "work_pool_name": name, "state": {"type": "PENDING"}}
    holder, other = [await post(stack, "/flow_runs/", submitted, 201) for _ in range(2)]
    poll = f"/work_pools/{name}/get_scheduled_flow_runs"
    assert await post(stack, poll, {}) == []
    for run in (holder, other):
        assert (await propose(stack, run["id"], "RUNNING"))["status"] == "ACCEPT"
    assert await post(stack, poll, {}) == []
    assert (await propose(stack, holder["id"], "COMPLETED"))["status"] == "ACCEPT"
    [found] = await post(stack, poll, {})
    assert found["flow_run"]["id"] == waiting["id"]


async def test_a_queue_goes_before_that_whose_priority_it_takes(stack: Stack, name: str) -> None:
    await post(stack, "/work_pools/", {"name": name, "type": "process"}, 201)
    queues = f"/work_pools/{name}/queues"

    async def order() -> list[tuple[str, int]]:
        return [(each["name"], each["priority"]) for each in await post(stack, f"{queues}/filter", {})]

    await post(stack, queues, {"name": "b"}, 201)
    await post(stack, queues, {"name": "late", "priority": 9}, 201)
    await post(stack, queues, {"name": "a", "priority": 1}, 201)
    assert await order() == [("a", 1), ("default", 2), ("b", 3), ("late", 9)]
    changed = await stack.http.patch(f"/api{queues}/late", json={"priority": 2})
    assert changed.status_code == 204
    assert await order() == [("a", 1), ("late", 2), ("default", 3), ("b", 4)]


async def test_parameters_are_made_out_and_checked(stack: Stack, name: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    made = await a_deployment(stack, name, parameter_openapi_schema=schema)
    create = f"/deployments/{made['id']}/create_flow_run"
    run = await post(stack, create, {"parameters": {"n": {"__prefect_kind": "json", "value": "7"}}}, 201)
    assert run["parameters"] == {"n": 7}
    await post(stack, create, {"parameters": {"n": {"__prefect_kind": "json", "value": "{"}}}, 400)
    await post(stack, create, {"parameters": {"n": "seven"}}, 409)
    await post(stack, create, {"parameters": {"n": "seven"}, "enforce_parameter_schema": False}, 201)
    rendered = {"n": {"__prefect_kind": "jinja", "template": "{{ 6 * 7 }}"}}
    run = await post(stack, create, {"parameters": rendered, "enforce_parameter_schema": False}, 201)
    assert run["parameters"] == {"n": "42"}
    bulk = await post(stack, f"{create}/bulk", [{}, {"parameters": {"n": "x"}}])
    assert [each["status"] for each in bulk["results"]] == ["CREATED", "FAILED"]
    await post(stack, f"/deployments/{uuid.uuid4()}/create_flow_run", {}, 404)


async def test_a_worker_has_a_channel_that_tells_of_its_pool(stack: Stack, addresses: Addresses, name: str) -> None:
    def frame(kind: str, **payload: Any) -> dict[str, Any]:
        return {"type": kind, "id": str(uuid7()), "sent_at": "2026-01-01T00:00:00Z", "payload": payload}

    consumer = str(uuid.uuid4())
    said = {"consumer_id": consumer, "worker_name": "w", "heartbeat_interval_seconds": 30}
    hello = frame(
        "worker.hello.v1",
        **said,
        worker_type="process",
        supported_channel_versions=["work_pool_worker_channel.v1"],
        requested_capabilities=[*CAPABILITIES, "cleanup_delivery.v1"],
        create_pool_if_not_found=True,
        default_base_job_template=TEMPLATE,
    )
    path = f"/work_pools/{name}/workers/connect"
    async with a_socket(addresses, path) as socket:
        await socket.send(hello)
        ready = await socket.receive()
        assert ready["type"] == "worker.ready.v1"
        told = ready["payload"]
        assert (told["consumer_id"], told["accepted_capabilities"]) == (consumer, CAPABILITIES)
        assert told["rejected_capabilities"] == ["cleanup_delivery.v1"]
        assert [queue["name"] for queue in told["resolved_work_queues"]] == ["default"]
        pool = told["initial_snapshot"]["work_pool"]
        assert (pool["name"], pool["base_job_template"]) == (name, TEMPLATE)
        [worker] = await post(
            stack, f"/work_pools/{name}/workers/filter", {"workers": {"status": {"any_": ["ONLINE"]}}}
        )
        assert worker["name"] == "w"
        await socket.send(frame("worker.heartbeat.v1", **said))
        changed = await stack.http.patch(f"/api/work_pools/{name}", json={"is_paused": True})
        assert changed.status_code == 204
        snapshot = await socket.receive()
        assert (snapshot["type"], snapshot["payload"]["snapshot_sequence"]) == ("work_pool.snapshot.v1", 2)
        assert snapshot["payload"]["work_pool"]["is_paused"]
        await socket.send(frame("worker.goodbye.v1"))
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert closed.value.code == 1002
    async with a_socket(addresses, f"/work_pools/missing-{name}/workers/connect") as socket:
        await socket.send({**hello, "payload": {**hello["payload"], "create_pool_if_not_found": False}})
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert closed.value.code == 1008


async def test_a_background_task_goes_to_one_who_serves_it(stack: Stack, addresses: Addresses, name: str) -> None:
    parameters_id = str(uuid.uuid4())
    body = {
        "name": name,
        "task_key": name,
        "dynamic_key": "0",
        "flow_run_id": None,
        "state": {"type": "SCHEDULED", "state_details": {"deferred": True, "task_parameters_id": parameters_id}},
    }
    queued = await post(stack, "/task_runs/", body, 201)
    async with a_socket(addresses, "/task_runs/subscriptions/scheduled") as socket:
        await socket.send({"type": "subscribe", "keys": [name], "client_id": f"client-{name}"})
        given = await socket.receive()
        assert given["id"] == queued["id"]
        details = given["state"]["state_details"]
        assert (details["deferred"], details["task_parameters_id"]) == (True, parameters_id)
        await socket.send({"type": "ack"})
        second = await post(stack, "/task_runs/", {**body, "dynamic_key": "1"}, 201)
        assert (await socket.receive())["id"] == second["id"]
        [worker] = await post(stack, "/task_workers/filter", {"task_worker_filter": {"task_keys": [name]}})
        assert worker["identifier"] == f"client-{name}"
        await socket.send({"type": "nonsense"})
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert closed.value.code == 4001
    async with a_socket(addresses, "/task_runs/subscriptions/scheduled") as socket:
        await socket.send({"type": "subscribe", "keys": []})
        with pytest.raises(Closed) as closed:
            await socket.receive()
        assert closed.value.code == 4001
