"""What Prefect's client may ask a server for, without the client: types of blocks, runs in pools, signs of life."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import httpx

from headrace.api.v1 import task_run_pb2, task_run_pb2_grpc
from headrace_harness.servers import Addresses
from headrace_harness.stack import Stack
from headrace_harness.websocket import websocket
from headrace_prefect.attempts import attempt_token_of
from headrace_prefect.shapes import system_types


def said(answer: httpx.Response, status: int = 200) -> Any:
    """Return what an answer says."""
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def a_flow(stack: Stack) -> str:
    """Return the id of a new flow."""
    made: dict[str, Any] = said(await stack.http.post("/api/flows/", json={"name": f"f-{uuid.uuid4().hex}"}), 201)
    return str(made["id"])


async def test_the_types_that_come_with_the_client_are_there(stack: Stack) -> None:
    found = said(await stack.http.post("/api/block_types/filter", json={}))
    by_slug = {each["slug"]: each for each in found}
    assert set(by_slug) >= set(system_types.BY_SLUG)
    secret = by_slug["secret"]
    assert secret["is_protected"]
    assert said(await stack.http.get("/api/block_types/slug/secret"))["id"] == secret["id"]
    said(await stack.http.delete(f"/api/block_types/{secret['id']}"), 403)
    said(await stack.http.post("/api/block_types/install_system_block_types"))
    checksum = f"sha256:{system_types.BY_SLUG['secret'].client_checksum}"
    schema = said(await stack.http.get(f"/api/block_schemas/checksum/{checksum}"))
    assert (schema["fields"]["block_type_slug"], schema["version"]) == ("secret", system_types.VERSION)
    # What is made by hand is what the client finds.
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    said(await stack.http.put(f"/v1/blocks/slack-webhook/{name}", json={"data": {"url": "https://hooks.example/x"}}))
    address = f"/api/block_types/slug/slack-webhook/block_documents/name/{name}"
    document = said(await stack.http.get(address, params={"include_secrets": "true"}))
    assert document["data"] == {"url": "https://hooks.example/x"}
    assert document["block_schema"]["checksum"].endswith(system_types.BY_SLUG["slack-webhook"].client_checksum)
    assert said(await stack.http.get(address))["data"] == {"url": "********"}


async def test_a_run_without_a_deployment_waits_in_the_pool_that_it_names(stack: Stack) -> None:
    pool = f"pool-{uuid.uuid4().hex[:8]}"
    said(await stack.http.post("/api/work_pools/", json={"name": pool, "type": "process"}), 201)
    body = {
        "flow_id": await a_flow(stack),
        "state": {"type": "PENDING"},
        "work_pool_name": pool,
        "job_variables": {"command": "true"},
    }
    refused = await stack.http.post("/api/flow_runs/", json={**body, "work_pool_name": "nowhere"})
    assert refused.status_code == 404, refused.text
    run = said(await stack.http.post("/api/flow_runs/", json=body), 201)
    assert (run["work_pool_name"], run["work_queue_name"]) == (pool, "default")
    assert run["job_variables"] == {"command": "true"}
    waiting = f"/api/work_pools/{pool}/get_scheduled_flow_runs"
    assert said(await stack.http.post(waiting, json={})) == []
    scheduled = await stack.http.post(f"/api/flow_runs/{run['id']}/set_state", json={"state": {"type": "SCHEDULED"}})
    assert said(scheduled, 201)["status"] == "ACCEPT"
    [taken] = said(await stack.http.post(waiting, json={}))
    assert (taken["flow_run"]["id"], taken["flow_run"]["job_variables"]) == (run["id"], {"command": "true"})
    claimed = await stack.http.post(f"/api/flow_runs/{run['id']}/set_state", json={"state": {"type": "PENDING"}})
    assert said(claimed, 201)["status"] == "ACCEPT"
    assert said(await stack.http.post(waiting, json={})) == []


async def test_heartbeats_make_the_lease_of_a_run_one_that_ends(stack: Stack, addresses: Addresses) -> None:
    body = {"flow_id": await a_flow(stack), "state": {"type": "RUNNING"}}
    run = said(await stack.http.post("/api/flow_runs/", json=body), 201)
    asked = task_run_pb2.RenewAttemptsRequest(
        attempts=[task_run_pb2.RecordAttempt(flow_run_id=run["id"], token=attempt_token_of(run["id"]))]
    )
    record = stack.stub(task_run_pb2_grpc.RecordServiceStub)

    async def held_until() -> datetime.datetime:
        answer = await record.RenewAttempts(asked)
        at: datetime.datetime = answer.lease_expires_at.ToDatetime(tzinfo=datetime.UTC)
        return at

    now = datetime.datetime.now(datetime.UTC)
    assert await held_until() > now + datetime.timedelta(days=365)
    heartbeat = {
        "occurred": now.isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run['id']}", "prefect.resource.name": run["name"]},
        "related": [],
        "payload": {},
        "id": str(uuid.uuid4()),
    }
    async with websocket(f"{addresses.http_url}/api/events/in", subprotocols=["prefect"]) as socket:
        await socket.send({"type": "auth", "token": None})
        assert await socket.receive() == {"type": "auth_success"}
        await socket.send(heartbeat)
        await socket.ping(b"taken")
        assert await socket.receive() == b"taken"
    assert now < await held_until() < now + datetime.timedelta(hours=12)


async def test_ends_of_task_runs_are_found_among_events(stack: Stack) -> None:
    body = {"flow_id": await a_flow(stack), "state": {"type": "RUNNING"}}
    run = said(await stack.http.post("/api/flow_runs/", json=body), 201)
    ids: dict[str, str] = {}
    for place, state in enumerate(("COMPLETED", "FAILED", "COMPLETED", "RUNNING", "COMPLETED")):
        task_run = {"flow_run_id": run["id"], "task_key": "step", "dynamic_key": str(place), "name": f"step-{place}"}
        made = said(await stack.http.post("/api/task_runs/", json={**task_run, "state": {"type": state}}), 201)
        ids[made["id"]] = state
    ended = {each for each, state in ids.items() if state != "RUNNING"}
    of_run = {"event": {"prefix": ["prefect.task-run."]}, "related": {"id": [f"prefect.flow-run.{run['id']}"]}}
    page = said(await stack.http.post("/api/events/filter", json={"filter": of_run, "limit": 3}))
    assert (len(page["events"]), page["total"]) == (3, 4)
    rest = said(await stack.http.get(page["next_page"]))
    found = [*page["events"], *rest["events"]]
    assert rest["next_page"] is None
    assert sorted(each["resource"]["prefect.resource.id"] for each in found) == sorted(
        f"prefect.task-run.{each}" for each in ended
    )
    assert [each["occurred"] for each in found] == sorted((each["occurred"] for each in found), reverse=True)
    completed = {"event": {"name": ["prefect.task-run.Completed"]}, "related": of_run["related"]}
    page = said(await stack.http.post("/api/events/filter", json={"filter": completed}))
    assert [each["event"] for each in page["events"]] == ["prefect.task-run.Completed"] * 3
    failed = next(each for each, state in ids.items() if state == "FAILED")
    about = {"any_resource": {"id": [f"prefect.task-run.{failed}"]}}
    page = said(await stack.http.post("/api/events/filter", json={"filter": about}))
    assert [each["event"] for each in page["events"]] == ["prefect.task-run.Failed"]
    assert page["events"][0]["payload"]["validated_state"]["type"] == "FAILED"
    whole = {"any_resource": {"id": [f"prefect.flow-run.{run['id']}"]}}
    page = said(await stack.http.post("/api/events/filter", json={"filter": whole}))
    assert {f"prefect.task-run.{each}" for each in ended} <= {
        each["resource"]["prefect.resource.id"] for each in page["events"]
    }
    others = {**whole, "event": {"exclude_prefix": ["prefect.task-run."]}}
    page = said(await stack.http.post("/api/events/filter", json={"filter": others}))
    assert not any(each["event"].startswith("prefect.task-run.") for each in page["events"])
    forged = await stack.http.get("/api/events/filter/next", params={"page-token": "e30="})
    assert forged.status_code == 403
