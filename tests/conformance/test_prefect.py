"""What Prefect's client says on the wire, in each topology: requests, events on a websocket, proofs of who it is."""

from __future__ import annotations

import base64
import contextlib
import datetime
import ssl
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc, task_run_pb2, task_run_pb2_grpc
from headrace.ids import uuid7
from headrace_harness.servers import Addresses
from headrace_harness.stack import Stack
from headrace_harness.websocket import Closed, WebSocket, websocket


@contextlib.asynccontextmanager
async def events_in(addresses: Addresses, **options: Any) -> AsyncIterator[WebSocket]:
    """Lend a socket to `/events/in`."""
    shown = addresses.credentials
    context = ssl.create_default_context(cadata=shown.authority.decode()) if shown is not None else None
    async with websocket(f"{addresses.http_url}/api/events/in", context=context, **options) as socket:
        yield socket


async def run_of_prefect(stack: Stack) -> dict[str, Any]:
    """Return a flow run that is RUNNING, as Prefect's client makes one."""
    made = await stack.http.post("/api/flows/", json={"name": f"flow-{uuid.uuid4().hex}", "tags": [], "labels": {}})
    assert made.status_code == 201, made.text
    again = await stack.http.post("/api/flows/", json={"name": made.json()["name"]})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    body = {
        "flow_id": made.json()["id"],
        "state": {"type": "PENDING", "name": None, "state_details": {"deferred": None}, "data": None},
        "parameters": {"count": 3},
        "empirical_policy": {"retries": 0, "retry_delay": 0},
        "from_a_newer_client": True,
    }
    run = await stack.http.post("/api/flow_runs/", json=body, headers={"x-prefect-api-version": "0.8.4"})
    assert run.status_code == 201, run.text
    started = await stack.http.post(
        f"/api/flow_runs/{run.json()['id']}/set_state", json={"state": {"type": "RUNNING"}, "force": False}
    )
    assert (started.status_code, started.json()["status"]) == (201, "ACCEPT")
    return dict(run.json())


def event_of(task_run_id: str, flow_run_id: str, state: str, at: datetime.datetime, run_count: int) -> dict[str, Any]:
    """Return the event that a task run entered a state, as the client writes it."""
    return {
        "occurred": at.isoformat(),
        "event": f"prefect.task-run.{state.capitalize()}",
        "resource": {"prefect.resource.id": f"prefect.task-run.{task_run_id}", "prefect.resource.name": "step-0"},
        "related": [
            {"prefect.resource.id": f"prefect.flow-run.{flow_run_id}", "prefect.resource.role": "flow-run"},
        ],
        "payload": {
            "intended": {"from": None, "to": state},
            "initial_state": None,
            "validated_state": {
                "type": state,
                "name": state.capitalize(),
                "message": None,
                "state_details": {},
                "data": None,
            },
            "task_run": {
                "task_key": "step-abc",
                "dynamic_key": "0",
                "name": "step-0",
                "tags": ["blue"],
                "task_inputs": {"count": [{"input_type": "parameter", "name": "count"}]},
                "empirical_policy": {"retries": 2, "retry_delay": [1, 2], "retry_jitter_factor": None},
                "run_count": run_count,
                "flow_run_run_count": 1,
            },
        },
        "follows": None,
        "id": str(uuid7()),
    }


async def test_a_pong_says_that_the_states_before_it_are_recorded(stack: Stack, addresses: Addresses) -> None:
    run = await run_of_prefect(stack)
    task_run_id = str(uuid7())
    now = datetime.datetime.now(datetime.UTC)
    told = [
        event_of(task_run_id, run["id"], state, now + datetime.timedelta(milliseconds=place), count)
        for place, (state, count) in enumerate((("PENDING", 0), ("RUNNING", 1), ("COMPLETED", 1)))
    ]
    token = addresses.credentials.key if addresses.credentials is not None else None
    async with events_in(addresses, subprotocols=["prefect"]) as socket:
        assert socket.subprotocol == "prefect"
        await socket.ping(b"before")
        assert await socket.receive() == b"before"
        await socket.send({"type": "auth", "token": f"user:{token}" if token is not None else None})
        assert await socket.receive() == {"type": "auth_success"}
        # In another order, one of them twice, and one that nobody understands: the newest stands.
        for event in (told[2], told[0], told[1], told[0], {"event": "prefect.task-run.Odd", "id": 1}):
            await socket.send(event)
        await socket.ping(b"after")
        assert await socket.receive() == b"after"
        shown = (await stack.http.get(f"/api/task_runs/{task_run_id}")).json()
    assert (shown["state_name"], shown["run_count"], shown["flow_run_id"]) == ("Completed", 1, run["id"])
    assert shown["state_id"] == told[2]["id"]
    assert shown["task_inputs"] == {"count": [{"input_type": "parameter", "name": "count"}]}
    assert shown["empirical_policy"]["retry_delay"] == [1.0, 2.0]
    states = (await stack.http.get("/api/task_run_states/", params={"task_run_id": task_run_id})).json()
    assert [(state["id"], state["type"]) for state in states] == [
        (told[0]["id"], "PENDING"), (told[1]["id"], "RUNNING"), (told[2]["id"], "COMPLETED"),
    ]  # fmt: skip
    request = task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)
    native = (await stack.stub(task_run_pb2_grpc.TaskRunServiceStub).GetTaskRun(request)).task_run
    assert (native.state.name, list(native.tags), native.retry_policy.retries) == ("Completed", ["blue"], 2)


async def test_a_wrong_key_opens_no_socket_where_keys_are_asked_for(addresses: Addresses) -> None:
    async def begin(first: dict[str, Any]) -> Any:
        async with events_in(addresses, subprotocols=["prefect"]) as socket:
            await socket.send(first)
            return await socket.receive()

    wrong = {"type": "auth", "token": "user:wrong"}
    if addresses.credentials is None:
        assert await begin(wrong) == {"type": "auth_success"}
    else:
        with pytest.raises(Closed) as closed:
            await begin(wrong)
        assert closed.value.code == 1008
    with pytest.raises(Closed) as closed:
        await begin({"type": "hello"})
    assert closed.value.code == 1008


async def test_keys_come_as_bearer_and_as_basic_authentication(stack: Stack, addresses: Addresses) -> None:
    key = addresses.credentials.key if addresses.credentials is not None else "anything"
    encoded = base64.b64encode(f"prefect:{key}".encode()).decode()
    basic = await stack.http.post("/api/flows/filter", json={}, headers={"authorization": f"Basic {encoded}"})
    assert basic.status_code == 200, basic.text
    if addresses.credentials is not None:
        refused = await stack.http.post("/api/flows/filter", json={}, headers={"authorization": "Bearer nothing"})
        assert refused.status_code == 401
        assert refused.json()["exception_message"] == "Unauthorized"
    for open_to_all in ("/api/health", "/api/ready"):
        assert (await stack.http.get(open_to_all, headers={"authorization": ""})).status_code == 200


async def test_each_workspace_has_an_address_of_its_own(stack: Stack) -> None:
    run = await run_of_prefect(stack)
    workspaces = (await stack.http.get("/api/me/workspaces")).json()
    own = next(each for each in workspaces if each["workspace_handle"] == "default")
    base = f"/api/accounts/{own['account_id']}/workspaces/{own['workspace_id']}"
    assert (await stack.http.get(f"{base}/flow_runs/{run['id']}")).json()["name"] == run["name"]
    strange = f"/api/accounts/{own['account_id']}/workspaces/{uuid.uuid4()}"
    assert (await stack.http.get(f"{strange}/flow_runs/{run['id']}")).status_code in (403, 404)


async def test_a_run_of_prefect_is_cancelled_by_headrace(stack: Stack) -> None:
    run = await run_of_prefect(stack)
    stub = stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    await stub.CancelFlowRun(flow_run_pb2.CancelFlowRunRequest(flow_run_id=run["id"], reason="enough"))
    shown = (await stack.http.get(f"/api/flow_runs/{run['id']}")).json()
    assert (shown["state_type"], shown["state"]["message"]) == ("CANCELLING", "enough")
    # Whatever its process would have ended as, it was asked to stop.
    path = f"/api/flow_runs/{run['id']}/set_state"
    refused = (await stack.http.post(path, json={"state": {"type": "COMPLETED"}})).json()
    assert (refused["status"], refused["state"]["type"]) == ("REJECT", "CANCELLING")
    ended = (await stack.http.post(path, json={"state": {"type": "CANCELLED"}})).json()
    assert ended["status"] == "ACCEPT"


async def test_what_is_wrong_with_a_request_is_told_as_prefect_tells_it(stack: Stack) -> None:
    missing = await stack.http.post("/api/flows/", json={"tags": "no list"})
    assert missing.status_code == 422
    told = missing.json()
    assert told["exception_message"] == "Invalid request received."
    assert {tuple(fault["loc"]) for fault in told["exception_detail"]} == {("body", "name"), ("body", "tags")}
    assert told["request_body"] == {"tags": "no list"}
    assert (await stack.http.get("/api/flow_runs/no-id")).status_code == 404
    assert (await stack.http.get(f"/api/flow_runs/{uuid.uuid4()}")).json() == {"detail": "Flow run not found"}
    too_many = await stack.http.post("/api/flow_runs/filter", json={"limit": 201})
    assert (too_many.status_code, "limit" in too_many.json()["detail"]) == (422, True)
    assert (await stack.http.put("/api/flows/")).status_code == 405
    odd = await stack.http.get("/api/flows/name/x", headers={"x-prefect-api-version": "latest"})
    assert odd.status_code == 400
    csrf = await stack.http.get("/api/csrf-token", params={"client": "x"})
    assert (csrf.status_code, csrf.json()["detail"]) == (422, "CSRF protection is disabled.")
