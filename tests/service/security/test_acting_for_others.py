"""What acts for others with more rights than they have: automations, runs of deployments, keys. Each is asked to."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace_harness.members import Member, guarded_stack

DEPLOYMENT = {"deployment_id": str(uuid.uuid4())}


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def holder(owner: Member, handle: str, *permissions: str) -> Member:
    """Make a service account with a role of its own."""
    held = [f"PERMISSION_{each}" for each in permissions]
    await owner.post("/v1/roles", {"handle": f"{handle}-role", "permissions": held})
    return await owner.make(handle, f"{handle}-role")


def automation(action: dict[str, Any], **fields: Any) -> dict[str, Any]:
    trigger = {"event": {"expect": ["order.came"]}}
    return {"automation": {"name": "a", "enabled": True, "trigger": trigger, "actions": [action], **fields}}


def lacking(answer: Any) -> str:
    """Return the permission that an answer says is lacking, "" if it does not."""
    return str(answer.json()["details"][0]["metadata"]["permission"]) if answer.status_code == 403 else ""


ACTIONS: list[tuple[dict[str, Any], str]] = [
    ({"run_deployment": DEPLOYMENT}, "DEPLOYMENTS_RUN"),
    ({"run_deployment": DEPLOYMENT | {"parameters": {"a": "{{ variables.b }}"}}}, "DEPLOYMENTS_RUN"),
    ({"cancel_flow_run": {}}, "RUNS_EDIT"),
    ({"change_flow_run_state": {"type": "STATE_TYPE_FAILED"}}, "RUNS_EDIT"),
    ({"send_run_input": {"flow_run_id": str(uuid.uuid4()), "key": "pause-0-response"}}, "RUNS_EDIT"),
    ({"suspend_flow_run": {}}, "RUNS_EDIT"),
    ({"delete_flow_run": {}}, "RUNS_DELETE"),
    ({"pause_deployment": {}}, "DEPLOYMENTS_EDIT"),
    ({"pause_schedule": DEPLOYMENT | {"schedule_id": str(uuid.uuid4())}}, "DEPLOYMENTS_EDIT"),
    ({"pause_work_pool": {"work_pool_name": "p"}}, "WORK_POOLS_EDIT"),
    ({"emit_event": {"name": "deploy.done"}}, "EVENTS_EMIT"),
    ({"call_webhook": {"url": "https://example.org/x"}}, "EVENTS_VIEW"),
]


async def test_an_automation_does_nothing_that_its_maker_may_not_do(owner: Member) -> None:
    weak = await holder(owner, "weak", "AUTOMATIONS_EDIT", "AUTOMATIONS_VIEW")
    for action, permission in ACTIONS:
        for field in ("actions", "actions_on_trigger", "actions_on_resolve"):
            asked = automation({"do_nothing": {}}, **{field: [action]})
            answer = await weak.send("POST", "/v1/automations", asked)
            assert lacking(answer) == f"PERMISSION_{permission}", (action, field, answer.text)
    # Templates see what whoever wrote them may see.
    listening = await holder(owner, "listening", "AUTOMATIONS_EDIT", "EVENTS_VIEW")
    for text, permission in (
        ("{{ flow_run.parameters }}", "RUN_PAYLOADS_VIEW"),
        ("{% set x = flow_run %}{{ x }}", "RUN_PAYLOADS_VIEW"),
        ("{{ variables.secret }}", "VARIABLES_VIEW"),
        ("{{ event.name }}", ""),
    ):
        call = {"call_webhook": {"url": "https://example.org/x", "body_template": text}}
        answer = await listening.send("POST", "/v1/automations", automation(call))
        assert lacking(answer) == (permission and f"PERMISSION_{permission}"), (text, answer.text)
    # What others made is not pointed at something else, nor switched on; it can be switched off.
    made = await owner.post("/v1/automations", automation({"cancel_flow_run": {}}))
    path = f"/v1/automations/{made['automation']['automation_id']}"
    trigger = {"event": {"expect": ["mine"]}}
    for fields, mask, permission in (
        ({"trigger": trigger}, "trigger", "RUNS_EDIT"),
        ({"enabled": True}, "enabled", "RUNS_EDIT"),
        ({"actions": [{"run_deployment": DEPLOYMENT}]}, "actions", "DEPLOYMENTS_RUN"),
        ({"enabled": False, "name": "b"}, "enabled,name", ""),
    ):
        answer = await weak.send("PATCH", path, {"automation": fields, "update_mask": mask})
        assert lacking(answer) == (permission and f"PERMISSION_{permission}"), (fields, answer.text)
    # Who may do it with one deployment alone has it done with that one.
    one = await holder(owner, "one", "AUTOMATIONS_EDIT")
    await owner.post("/v1/roles", {"handle": "starters", "permissions": ["PERMISSION_DEPLOYMENTS_RUN"]})
    grant = {"object_kind": "OBJECT_KIND_DEPLOYMENT", "object": DEPLOYMENT["deployment_id"]}
    await owner.post("/v1/role-assignments", {"role": "starters", "principal_id": one.principal_id, **grant})
    assert (await one.send("POST", "/v1/automations", automation(ACTIONS[0][0]))).status_code == 200
    other = {"run_deployment": {"deployment_id": str(uuid.uuid4())}}
    assert lacking(await one.send("POST", "/v1/automations", automation(other))) == "PERMISSION_DEPLOYMENTS_RUN"


async def test_who_runs_what_is_deployed_does_not_say_how(owner: Member) -> None:
    await owner.post("/v1/work-pools", {"work_pool": {"name": "p", "type": "process"}})
    content = {"entrypoint": "f.py:f", "work_pool_name": "p"}
    made = await owner.post("/v1/deployments", {"flow_name": "f", "name": "d", "content": content})
    deployment = made["deployment"]["deployment_id"]
    run, runs = f"/v1/deployments/{deployment}:run", f"/v1/deployments/{deployment}:runInBulk"
    how = {"job_variables": {"env": {"LD_PRELOAD": "/tmp/mine.so"}}}
    runner, worker = await owner.make("r", "runner"), await owner.make("w", "worker")
    started = await runner.post(run, {})
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", run, how),
        ("POST", runs, {"runs": [{}, how]}),
        ("POST", "/v1/flow-runs", {"flow_name": "g", **how}),
        ("POST", "/v1/flow-runs", {"flow_name": "g", "work_pool_name": "p"}),
        (
            "PATCH",
            f"/v1/flow-runs/{started['flow_run']['flow_run_id']}",
            {"flow_run": how, "update_mask": "job_variables"},
        ),
    ]
    for verb, path, body in calls:
        answer = await runner.send(verb, path, body)
        assert lacking(answer) == "PERMISSION_DEPLOYMENTS_EDIT", (path, body, answer.text)
        # Workers execute whatever it is, and who deploys says so anyway.
        for caller in (worker, owner):
            answer = await caller.send(verb, path, body)
            assert lacking(answer) == "", (path, body, answer.text)
    # Nor does a run of this deployment alone show those of others.
    one = await owner.make("one", "viewer")
    await owner.post("/v1/roles", {"handle": "starters", "permissions": ["PERMISSION_DEPLOYMENTS_RUN"]})
    only = await holder(owner, "only", "FLOWS_VIEW")
    grant = {"object_kind": "OBJECT_KIND_DEPLOYMENT", "object": deployment}
    for caller in (one, only):
        await owner.post("/v1/role-assignments", {"role": "starters", "principal_id": caller.principal_id, **grant})
    theirs = (await owner.post("/v1/flow-runs", {"flow_name": "g", "parameters": {"a": 1}}))["flow_run"]
    peeking = await only.send("POST", run, {"flow_run_id": theirs["flow_run_id"]})
    assert (peeking.status_code, peeking.json()["code"]) == (409, 6), peeking.text
    assert "parameters" not in (await one.post(run, {"parameters": {"a": 1}}))["flow_run"]


async def test_a_limited_key_leads_to_none_that_reaches_further(owner: Member) -> None:
    elsewhere = (await owner.post("/v1/workspaces", {"handle": "elsewhere"}))["workspace"]["workspace_id"]
    worker = await owner.make("w", "worker")
    await owner.post("/v1/role-assignments", {"role": "owner", "principal_id": worker.principal_id, "in_account": True})

    async def key(**fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = await owner.post("/v1/api-keys", {"name": "k", **fields})
        return found

    whole = (await key())["api_key"]["api_key_id"]
    for limits in ({"permissions": ["PERMISSION_FLOWS_VIEW"]}, {"only_here": True}):
        made = await key(**limits)
        limited = Member(owner.principal_id, made["key"], owner.stack)
        answer = await limited.send("POST", f"/v1/api-keys/{whole}:rotate", {})
        assert answer.status_code == 403, (limits, answer.text)
        again = await limited.send("POST", f"/v1/api-keys/{made['api_key']['api_key_id']}:rotate", {})
        assert again.status_code == 200, again.text
        rotated = again.json()
        assert [rotated["api_key"].get(name) for name in ("permissions", "workspace_id")] == [
            made["api_key"].get(name) for name in ("permissions", "workspace_id")
        ]
    # Here all that it may is within the limits; elsewhere it owns everything.
    account = await owner.make("both", "viewer")
    await owner.post("/v1/roles", {"handle": "looking", "permissions": ["PERMISSION_FLOWS_VIEW"]})
    person = await owner.post("/v1/invitations", {"email": "bob@example.org", "role": "looking"})
    bob = await owner.stack.http.post("/v1/invitations:accept", json={"token": person["token"]})
    assert bob.status_code == 200, bob.text
    me = Member(bob.json()["user"]["user_id"], bob.json()["key"], owner.stack)
    await owner.post("/v1/role-assignments", {"role": "admin", "principal_id": me.principal_id}, workspace=elsewhere)
    limited = Member(
        me.principal_id,
        (await me.post("/v1/api-keys", {"name": "l", "permissions": ["PERMISSION_FLOWS_VIEW"]}))["key"],
        owner.stack,
    )
    wider = Member(me.principal_id, (await limited.post("/v1/api-keys", {"name": "w"}))["key"], owner.stack)
    assert (await wider.send("GET", "/v1/flows", workspace=elsewhere)).status_code == 200
    assert (await wider.send("GET", "/v1/variables", workspace=elsewhere)).status_code == 403
    # Nor by way of an account that can do more elsewhere than whoever keeps its keys here.
    admin = await owner.make("admin", "admin")
    for path, body in (
        ("/v1/api-keys", {"name": "mine", "principal_id": account.principal_id}),
        ("/v1/api-keys", {"name": "mine", "principal_id": worker.principal_id}),
    ):
        answer = await admin.send("POST", path, body)
        assert answer.status_code == (200 if body["principal_id"] == account.principal_id else 403), answer.text
    reading = {"role": "looking", "principal_id": account.principal_id, "in_account": True}
    await owner.post("/v1/role-assignments", reading)
    mine = {"name": "mine", "principal_id": account.principal_id}
    assert (await admin.send("POST", "/v1/api-keys", mine)).status_code == 403
