"""Ways to get more than one was given: each is tried, and closed."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from headrace_harness.members import Member, guarded_stack
from headrace_harness.waiting import eventually

PASSWORD = "grinds every day"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def limited(owner: Member, **limits: Any) -> Member:
    """Make a key of the owner's that can do less than the owner."""
    made = await owner.post("/v1/api-keys", {"name": "limited", **limits})
    return Member(owner.principal_id, made["key"], owner.stack)


def reason_of(answer: Any) -> str:
    return str(answer.json()["details"][0]["reason"]) if answer.status_code != 200 else ""


async def test_a_limited_key_leads_to_nothing_without_limits(owner: Member) -> None:
    waiting = (await owner.stack.http.post("/v1/device-sign-ins", json={"client_name": "mallory"})).json()
    code = {"user_code": waiting["user_code"], "approve": True}
    for key in (await limited(owner, permissions=["PERMISSION_RUNS_VIEW"]), await limited(owner, only_here=True)):
        for path, body in (
            ("/v1/password", {"new_password": PASSWORD}),
            ("/v1/totp:begin", {"password": PASSWORD}),
            ("/v1/totp:confirm", {"code": "123456"}),
            ("/v1/totp:remove", {"password": PASSWORD, "code": "123456"}),
            (f"/v1/device-sign-ins/{waiting['user_code']}:decide", code),
        ):
            answer = await key.send("POST", path, body)
            assert (answer.status_code, reason_of(answer)) == (403, "CREDENTIAL_LIMITED"), (path, answer.text)
    assert (await owner.send("POST", "/v1/password", {"new_password": PASSWORD})).status_code == 200


async def test_a_key_for_one_workspace_stays_there(owner: Member) -> None:
    await owner.post("/v1/workspaces", {"handle": "elsewhere"})
    here = await limited(owner, only_here=True)
    assert (await here.send("GET", "/v1/flows", workspace="elsewhere")).status_code == 404
    # Not by way of another key, and not by way of the account.
    made = await here.post("/v1/api-keys", {"name": "wider"})
    wider = Member(owner.principal_id, made["key"], owner.stack)
    assert (await wider.send("GET", "/v1/flows")).status_code == 200
    assert (await wider.send("GET", "/v1/flows", workspace="elsewhere")).status_code == 404
    for path, body in (("/v1/users", {"email": "mallory@example.org"}), ("/v1/workspaces", {"handle": "mine"})):
        assert (await here.send("POST", path, body)).status_code == 403


async def test_what_the_server_measures_is_for_those_who_sign_in(owner: Member) -> None:
    nobody = await owner.stack.http.get("/metrics")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert "headrace_" not in nobody.text
    viewer = await owner.make("prometheus", "viewer")
    told = await viewer.send("GET", "/metrics")
    assert (told.status_code, "headrace_" in told.text) == (200, True)
    assert (await owner.stack.http.get("/health")).status_code == 200


async def test_names_that_nobody_has_are_locked_like_others(owner: Member) -> None:
    await owner.post("/v1/password", {"new_password": PASSWORD})
    for email in ("ada@example.org", "nobody@example.org"):
        answers = [
            await owner.stack.http.post("/v1/sign-in", json={"email": email, "password": "wrong"}) for _ in range(6)
        ]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429], email


async def test_programs_that_wait_to_be_signed_in_are_bounded(owner: Member) -> None:
    ask = {"client_name": "headrace"}
    answers = [await owner.stack.http.post("/v1/device-sign-ins", json=ask) for _ in range(61)]
    assert {answer.status_code for answer in answers[:60]} == {200}
    assert (answers[60].status_code, int(answers[60].headers["retry-after"]) >= 1) == (429, True)


DOORS = (
    "/v1/flows",
    "/v1/nothing",
    "/hooks/nothing",
    "/acknowledge/nothing",
    "/api/health",
    "/api/flows/filter",
    "/scim/v2/Users",
    "/openapi.json",
    "/docs",
    "/sign-in",
    "/nothing.js",
)


async def test_no_browser_guesses_what_an_answer_is(owner: Member) -> None:
    for path in DOORS:
        for headers in ({}, owner.headers):
            answer = await owner.stack.http.get(path, headers=headers)
            assert answer.headers.get("x-content-type-options") == "nosniff", (path, answer.status_code)
            assert not answer.is_redirect, path


async def test_browsers_are_sent_to_no_other_server(owner: Member) -> None:
    """Providers bring browsers back to this server's page, and what people wanted to see is below it."""
    provider = {
        "handle": "company",
        "name": "The company",
        "oidc": {"issuer": "http://127.0.0.1:1", "client_id": "headrace"},
        "enabled": True,
    }
    kept = await owner.send("PUT", "/v1/identity-providers/company", {"provider": provider})
    assert kept.status_code == 200, kept.text
    for wrong in (
        "https://evil.example.org",
        "https://evil.example.org/sign-in/callback?x=1",
        "https://user@evil.example.org/sign-in/callback",
        "javascript:alert(1)//sign-in/callback",
        "//evil.example.org/sign-in/callback",
        "/sign-in/callback",
    ):
        begun = {"provider": "company", "redirect_uri": wrong}
        answer = await owner.stack.http.post("/v1/sign-in:begin", json=begun)
        assert answer.status_code == 400, (wrong, answer.text)


async def test_calls_beyond_the_limit_of_a_workspace_are_in_the_audit_log(owner: Member, database_url: str) -> None:
    workspace = (await owner.post("/v1/workspaces", {"handle": "busy"}))["workspace"]["workspace_id"]
    admin = await owner.make("admin", "admin", workspace=workspace)
    limit = {"workspace": {"workspace_id": workspace, "calls_per_second": 0.001}, "update_mask": "calls_per_second"}
    changed = await owner.send("PATCH", f"/v1/workspaces/{workspace}", limit, workspace=workspace)
    assert changed.status_code == 200, changed.text

    async def is_refused() -> bool:
        answer = await admin.send("PUT", "/v1/variables/v", {"value": 1, "overwrite": True}, workspace=workspace)
        return answer.status_code == 429

    await eventually(is_refused)
    connection = await asyncpg.connect(database_url)

    async def is_noted() -> bool:
        # Over the API it cannot be asked for any more.
        found = await connection.fetch(
            "select reason, principal_id from identity.audit_entry where workspace_id = $1",
            uuid.UUID(workspace),
        )
        return ("WORKSPACE_CALLS_EXHAUSTED", admin.principal_id) in {tuple(map(str, row)) for row in found}

    await eventually(is_noted)
    await connection.close()
