"""Who gets into a server with sign-in, and how."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace_harness.members import Member, guarded_stack
from headrace_harness.waiting import eventually
from headrace_server.first_admin import setup_token


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as owner:
        yield owner


async def test_nobody_gets_in_without_a_key(owner: Member) -> None:
    for headers in ({}, {"authorization": "Bearer hr_x_y"}, {"authorization": "Basic YTpi"}, {"cookie": "a=b"}):
        response = await owner.stack.http.get("/v1/flow-runs", headers=headers)
        assert response.status_code == 401, response.text


async def test_the_owner_does_everything(owner: Member) -> None:
    caller = await owner.get("/v1/me")
    assert caller["display_name"] == "ada@example.org"
    assert "PERMISSION_ACCOUNT_ADMIN" in caller["permissions"]
    assert (await owner.get("/v1/variables"))["variables"] == []


async def test_a_revoked_key_is_refused_soon(owner: Member) -> None:
    viewer = await owner.make("watcher", "viewer")
    assert (await viewer.send("GET", "/v1/flow-runs")).status_code == 200
    key_id = viewer.key.split("_")[1]
    await owner.post(f"/v1/api-keys/{key_id}:revoke", {})

    async def is_refused() -> bool:
        return (await viewer.send("GET", "/v1/flow-runs")).status_code == 401

    await eventually(is_refused)


async def test_the_set_up_link_works_once(owner: Member, database_url: str) -> None:
    assert await setup_token(database_url) is None
