"""What rights amount to: on single objects, after a change, across workspaces, and in a dump of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import grpc
import grpc.aio
import pytest

from headrace.api.v1 import flow_run_pb2, flow_run_pb2_grpc
from headrace_harness.members import Member, guarded_stack
from headrace_harness.waiting import eventually

PATIENCE_SECONDS = 60.0


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as owner:
        yield owner


async def status(member: Member, verb: str, path: str, workspace: str | None = None) -> int:
    body: dict[str, str] | None = {} if verb != "GET" else None
    return (await member.send(verb, path, body, workspace=workspace)).status_code


async def deployed(owner: Member, name: str) -> str:
    flow = (await owner.post("/v1/flows", {"name": name}))["flow"]
    made = await owner.post(
        "/v1/deployments", {"flow_name": flow["name"], "name": name, "content": {"entrypoint": "a.py:b"}}
    )
    return str(made["deployment"]["deployment_id"])


async def test_a_role_on_one_deployment_is_enough_for_that_one(owner: Member) -> None:
    mine, other = await deployed(owner, "mine"), await deployed(owner, "other")
    robot = await owner.make("robot", "")
    assert await status(robot, "GET", f"/v1/deployments/{mine}") == 403
    await owner.post(
        "/v1/role-assignments",
        {
            "role": "runner",
            "principal_id": robot.principal_id,
            "object_kind": "OBJECT_KIND_DEPLOYMENT",
            "object": mine,
        },
    )

    async def is_let_in() -> bool:
        return await status(robot, "GET", f"/v1/deployments/{mine}") == 200

    await eventually(is_let_in, PATIENCE_SECONDS)
    assert await status(robot, "POST", f"/v1/deployments/{mine}:run") == 200
    assert await status(robot, "POST", f"/v1/deployments/{mine}:pause") == 403
    assert await status(robot, "GET", f"/v1/deployments/{other}") == 403
    assert await status(robot, "POST", f"/v1/deployments/{other}:run") == 403
    assert await status(robot, "GET", "/v1/deployments") == 403


async def test_a_stream_ends_when_its_caller_loses_the_right(owner: Member) -> None:
    viewer = await owner.make("watcher", "viewer")
    stub = owner.stack.stub(flow_run_pb2_grpc.FlowRunServiceStub)
    call = stub.FollowFlowRuns(flow_run_pb2.FollowFlowRunsRequest(), metadata=viewer.metadata, timeout=PATIENCE_SECONDS)
    reading = asyncio.create_task(call.read())
    assert await status(viewer, "GET", "/v1/flow-runs") == 200
    assignments = await owner.get(f"/v1/role-assignments?principal_id={viewer.principal_id}")
    assignment_id = assignments["role_assignments"][0]["role_assignment_id"]
    assert await status(owner, "DELETE", f"/v1/role-assignments/{assignment_id}") == 200
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        while await reading is not grpc.aio.EOF:
            reading = asyncio.create_task(call.read())
    assert caught.value.code() in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND)


async def test_what_is_in_one_workspace_is_not_there_in_another(owner: Member) -> None:
    await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    here = await deployed(owner, "here")
    stranger = await owner.make("stranger", "admin", workspace="elsewhere")
    assert (await stranger.get("/v1/me"))["workspace"]["handle"] == "elsewhere"
    assert await status(stranger, "GET", f"/v1/deployments/{here}") == 404
    assert await status(stranger, "DELETE", f"/v1/deployments/{here}") == 404
    assert (await stranger.get("/v1/deployments")).get("deployments", []) == []
    assert await status(stranger, "GET", "/v1/flows", "default") == 404
    assert await status(stranger, "POST", "/v1/workspaces") == 403


async def test_nobody_gives_what_they_do_not_have(owner: Member) -> None:
    admin = await owner.make("admin", "admin")
    body = {"role": "owner", "principal_id": admin.principal_id, "in_account": True}
    assert (await admin.send("POST", "/v1/role-assignments", body)).status_code == 403
    key = {"name": "mine", "principal_id": owner.principal_id}
    assert (await admin.send("POST", "/v1/api-keys", key)).status_code == 404
    narrow = await owner.post("/v1/api-keys", {"name": "narrow", "permissions": ["PERMISSION_FLOWS_VIEW"]})
    member = Member(owner.principal_id, narrow["key"], owner.stack)
    assert await status(member, "GET", "/v1/flows") == 200
    assert await status(member, "GET", "/v1/variables") == 403
    wide = await member.post("/v1/api-keys", {"name": "wide"})
    assert await status(Member(owner.principal_id, wide["key"], owner.stack), "GET", "/v1/variables") == 403


async def test_the_last_owner_stays(owner: Member) -> None:
    assignments = await owner.get(f"/v1/role-assignments?principal_id={owner.principal_id}")
    assignment_id = assignments["role_assignments"][0]["role_assignment_id"]
    assert await status(owner, "DELETE", f"/v1/role-assignments/{assignment_id}") == 400
    assert await status(owner, "DELETE", f"/v1/users/{owner.principal_id}") == 400


async def test_a_key_that_is_replaced_works_on_for_a_while(owner: Member) -> None:
    key_id = owner.key.split("_")[1]
    rotated = await owner.post(f"/v1/api-keys/{key_id}:rotate", {"overlap": "3600s"})
    assert await status(owner, "GET", "/v1/flows") == 200
    assert await status(Member("", rotated["key"], owner.stack), "GET", "/v1/flows") == 200


async def test_an_invitation_makes_no_key_for_somebody_who_is_there(owner: Member) -> None:
    invited = await owner.post("/v1/invitations", {"email": "ada@example.org", "role": "viewer"})
    taken = await owner.stack.http.post("/v1/invitations:accept", json={"token": invited["token"]})
    assert taken.status_code == 400
    invited = await owner.post("/v1/invitations", {"email": "bob@example.org", "role": "viewer"})
    taken = await owner.stack.http.post("/v1/invitations:accept", json={"token": invited["token"]})
    assert taken.status_code == 200
    bob = Member("", taken.json()["key"], owner.stack)
    assert await status(bob, "GET", "/v1/flows") == 200
    again = await owner.stack.http.post("/v1/invitations:accept", json={"token": invited["token"]})
    assert again.status_code == 401


async def test_a_workspace_calls_no_more_than_it_may(owner: Member) -> None:
    workspace_id = (await owner.get("/v1/me"))["workspace"]["workspace_id"]
    robot = await owner.make("robot", "viewer")
    change = {"workspace": {"calls_per_second": 1}, "update_mask": "callsPerSecond"}
    assert (await owner.send("PATCH", f"/v1/workspaces/{workspace_id}", change)).status_code == 200

    async def is_held_back() -> bool:
        return await status(robot, "GET", "/v1/flows") == 429

    await eventually(is_held_back, PATIENCE_SECONDS)


async def test_a_dump_of_the_database_has_no_secret(owner: Member, database_url: str) -> None:
    robot = await owner.make("robot", "worker")
    invited = await owner.post("/v1/invitations", {"email": "bob@example.org", "role": "viewer"})
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables "
            "where schemaname in ('state', 'scheduler', 'log', 'notification', 'identity')"
        )
        dump = ""
        for table in tables:
            rows = await connection.fetch(f"select t::text as line from {table['name']} t")
            dump += "\n".join(row["line"] for row in rows)
    finally:
        await connection.close()
    for secret in (owner.key, robot.key, invited["token"]):
        assert secret not in dump
        assert secret.rpartition("_")[2] not in dump
