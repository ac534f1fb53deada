"""Two directories at once: what one has seen is changed by nobody else without it being told, in one step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headrace_harness.members import Member, guarded_stack

AT_ONCE = 8


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def send(caller: Member, verb: str, path: str, body: dict[str, Any] | None = None, match: str = "") -> Any:
    headers = caller.headers | ({"if-match": match} if match else {})
    return await caller.stack.http.request(verb, f"/scim/v2/{path}", json=body, headers=headers)


async def make_users(owner: Member) -> list[str]:
    names = [f"user{number}@example.org" for number in range(AT_ONCE)]
    return [(await send(owner, "POST", "Users", {"userName": name})).json()["id"] for name in names]


def counts(answers: list[httpx.Response]) -> dict[int, int]:
    statuses = [answer.status_code for answer in answers]
    return {status: statuses.count(status) for status in sorted(set(statuses))}


async def test_of_many_changes_of_one_version_one_is_made(owner: Member) -> None:
    users = await make_users(owner)
    group = (await send(owner, "POST", "Groups", {"displayName": "Mill"})).json()
    for kind, resource in (("Users", (await send(owner, "GET", f"Users/{users[0]}")).json()), ("Groups", group)):
        path, version = f"{kind}/{resource['id']}", resource["meta"]["version"]
        answers = await asyncio.gather(
            *(
                send(owner, "PUT", path, {**resource, "displayName": f"Name {number}"}, version)
                for number in range(AT_ONCE)
            )
        )
        assert counts(answers) == {200: 1, 412: AT_ONCE - 1}
        [made] = [answer.json() for answer in answers if answer.status_code == 200]
        now = (await send(owner, "GET", path)).json()
        assert (now["displayName"], now["meta"]["version"]) == (made["displayName"], made["meta"]["version"])
        assert (await send(owner, "DELETE", path, match=version)).status_code == 412
        assert (await send(owner, "DELETE", path, match=now["meta"]["version"])).status_code == 204


async def test_changes_on_top_of_each_other_lose_nothing(owner: Member) -> None:
    users = await make_users(owner)
    group = (await send(owner, "POST", "Groups", {"displayName": "Mill"})).json()
    path = f"Groups/{group['id']}"

    def adding(user: str) -> dict[str, Any]:
        return {"Operations": [{"op": "add", "path": "members", "value": [{"value": user}]}]}

    answers = await asyncio.gather(*(send(owner, "PATCH", path, adding(user)) for user in users))
    assert counts(answers) == {200: AT_ONCE}
    now = (await send(owner, "GET", path)).json()
    assert {member["value"] for member in now["members"]} == set(users)
    # Who is in it is part of what was seen, also where that was changed elsewhere.
    change = {"remove_user_ids": users[:1]}
    await owner.post(f"/v1/teams/{group['id']}/members:change", change)
    stale = await send(owner, "PATCH", path, adding(users[0]), now["meta"]["version"])
    assert (stale.status_code, stale.json()["status"]) == (412, "412")


async def test_a_change_can_ask_for_what_was_seen_over_http_too(owner: Member) -> None:
    made = (await owner.post("/v1/teams", {"handle": "mill"}))["team"]
    path, seen = f"/v1/teams/{made['team_id']}", made["updated_at"]
    first = {"team": {"name": "First"}, "update_mask": "name", "if_updated_at": seen}
    assert (await owner.send("PATCH", path, first)).status_code == 200
    second = await owner.send("PATCH", path, first)
    assert (second.status_code, second.json()["details"][0]["reason"]) == (409, "CHANGED_MEANWHILE")
    gone = await owner.send("DELETE", f"{path}?if_updated_at={seen}")
    assert gone.status_code == 409, gone.text
    assert (await owner.send("DELETE", "/v1/teams/00000000-0000-7000-8000-000000000009")).status_code == 404
