"""What is in another workspace is as if it were nowhere: each route that takes a name or an id, tried by a stranger."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from headrace.ids import uuid7
from headrace_gateway.contract import load_contract
from headrace_gateway.routes import parse_template
from headrace_harness.members import Member, guarded_stack

AT_ONCE = 16
ENDLESS = ("Follow", "Watch", "WaitFor", "Export", "Download")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def furnish(owner: Member) -> dict[str, str]:
    """Make something of many kinds; returns names and ids by the names of their fields in addresses."""

    async def make(path: str, body: dict[str, Any], *names: str) -> str:
        found: Any = await owner.post(path, body)
        for name in names:
            found = found[name]
        return str(found)

    pool = await make("/v1/work-pools", {"work_pool": {"name": "nearby7", "type": "process"}}, "work_pool", "name")
    content = {"entrypoint": "a.py:b", "work_pool_name": pool}
    deployed = await owner.post("/v1/deployments", {"flow_name": "f", "name": "d", "content": content})
    deployment = deployed["deployment"]
    run = await make(
        "/v1/flow-runs", {"flow_name": "f", "state": {"type": "STATE_TYPE_RUNNING"}}, "flow_run", "flow_run_id"
    )
    await owner.send("PUT", "/v1/variables/plain7", {"value": "here"})
    trigger = {"event": {"expect": ["headrace.flow-run.Failed"]}}
    action: dict[str, Any] = {"cancel_flow_run": {}}
    account = await owner.make("robot", "viewer")
    return {
        "flow_id": deployment["flow_id"],
        "deployment_id": deployment["deployment_id"],
        "deployment_version_id": deployment["current_version_id"],
        "flow_run_id": run,
        "work_pool_name": pool,
        "artifact_id": await make(
            "/v1/artifacts",
            {"artifact": {"flow_run_id": run, "key": "a", "markdown": "text", "artifact_id": str(uuid7())}},
            "artifact",
            "artifact_id",
        ),
        "automation_id": await make(
            "/v1/automations",
            {"automation": {"name": "a", "enabled": True, "trigger": trigger, "actions": [action]}},
            "automation",
            "automation_id",
        ),
        "webhook_id": await make(
            "/v1/webhooks",
            {"webhook": {"name": "w", "template": {"event_name": "called", "resource_id": "some.thing"}}},
            "webhook",
            "webhook_id",
        ),
        "service_account_id": account.principal_id,
        "api_key_id": account.key.split("_")[1],
        "VariableService.name": "plain7",
    }


def routes(known: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield verb and template of each route whose names are all known, with the field for each of them."""
    for method in load_contract().methods:
        if method.name.startswith(ENDLESS) or method.is_document:
            continue
        for rule in method.rules:
            fields = {}
            for variable in parse_template(rule.template).variables:
                last = variable.rpartition(".")[2]
                field = last if last in known else f"{method.service.rpartition('.')[2]}.{last}"
                if field in known:
                    fields[variable] = field
            if fields and len(fields) == len(parse_template(rule.template).variables):
                yield rule.verb, rule.template, fields


def address(template: str, values: dict[str, str]) -> str:
    for variable, value in values.items():
        template = template.replace(f"{{{variable}}}", value)
    return template


async def test_a_stranger_learns_nothing_of_what_is_elsewhere(owner: Member) -> None:
    known = await furnish(owner)
    await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    stranger = await owner.make("stranger", "admin", workspace="elsewhere")
    limit = asyncio.Semaphore(AT_ONCE)

    async def told(verb: str, template: str, values: dict[str, str]) -> tuple[int, str]:
        body: dict[str, Any] | None = None if verb in ("GET", "DELETE") else {}
        async with limit:
            answer = await stranger.send(verb, address(template, values), body)
        text = answer.text
        for value in sorted(values.values(), key=len, reverse=True):
            text = text.replace(value, "...")
        return answer.status_code, text

    async def compare(verb: str, template: str, fields: dict[str, str]) -> str:
        there = {variable: known[field] for variable, field in fields.items()}
        nowhere = {
            variable: str(uuid.uuid4()) if known[field].count("-") == 4 else f"no{uuid.uuid4().hex[:18]}"
            for variable, field in fields.items()
        }
        one, other = await told(verb, template, there), await told(verb, template, nowhere)
        return "" if one == other else f"{verb} {template}: {one} and {other}"

    tried = list(routes(known))
    assert len(tried) > 40
    differences = [found for found in await asyncio.gather(*(compare(*route) for route in tried)) if found]
    assert differences == []
    for path in (
        f"/v1/flow-runs/{known['flow_run_id']}",
        f"/v1/deployments/{known['deployment_id']}",
        f"/v1/artifacts/{known['artifact_id']}",
        f"/v1/automations/{known['automation_id']}",
        f"/v1/webhooks/{known['webhook_id']}",
        f"/v1/service-accounts/{known['service_account_id']}",
        "/v1/work-pools/nearby7",
        "/v1/variables/plain7",
    ):
        await owner.get(path)


async def test_the_body_does_not_choose_the_workspace(owner: Member) -> None:
    known = await furnish(owner)
    made = await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    stranger = await owner.make("stranger", "admin", workspace="elsewhere")
    for body in ({"flow_name": "f", "workspace_id": "default"}, {"flow_name": "f", "workspaceId": "default"}):
        assert (await stranger.send("POST", "/v1/flow-runs", body)).status_code == 400
    below = {"flow_name": "f", "parent_flow_run_id": known["flow_run_id"]}
    of_theirs = await stranger.send("POST", "/v1/flow-runs", below | {"deployment_id": known["deployment_id"]})
    assert of_theirs.status_code in (400, 404), of_theirs.text
    assert (await stranger.send("GET", "/v1/flow-runs", workspace="default")).status_code == 404
    assert (await stranger.send("GET", "/v1/workspaces/default/flow-runs")).status_code == 404
    mine = await stranger.get("/v1/flow-runs", workspace=made["workspace"]["workspace_id"])
    assert mine["flow_runs"] == []
