"""A directory of a company keeps users and groups, over HTTP, with the key of a service account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headrace_harness.members import Member, guarded_stack


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as made:
        yield made


async def directory(owner: Member) -> Member:
    """Make the service account of a directory, which administers the account."""
    made = await owner.make("directory", "viewer")
    await owner.post("/v1/role-assignments", {"role": "owner", "principal_id": made.principal_id, "in_account": True})
    return made


async def send(caller: Member, verb: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    return await caller.send(verb, f"/scim/v2/{path}", body)


async def test_users_come_are_found_changed_and_go(owner: Member) -> None:
    scim = await directory(owner)
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "Bob@example.org",
        "name": {"givenName": "Bob", "familyName": "Carter"},
        "active": True,
    }
    made = await send(scim, "POST", "Users", body)
    assert made.status_code == 201, made.text
    bob = made.json()
    assert (bob["userName"], bob["displayName"], bob["active"]) == ("bob@example.org", "Bob Carter", True)
    assert made.headers["content-type"] == "application/scim+json"
    again = await send(scim, "POST", "Users", body)
    assert (again.status_code, again.json()["scimType"], again.json()["status"]) == (409, "uniqueness", "409")
    found = (await send(scim, "GET", 'Users?filter=userName eq "BOB@example.org"')).json()
    assert [each["id"] for each in found["Resources"]] == [bob["id"]]
    nobody = (await send(scim, "GET", 'Users?filter=userName eq "nobody@example.org"')).json()
    assert (nobody["totalResults"], nobody["Resources"]) == (0, [])
    page = (await send(scim, "GET", "Users?startIndex=2&count=1")).json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (2, 2, 1)
    off = {"Operations": [{"op": "replace", "path": "active", "value": False}]}
    changed = await send(scim, "PATCH", f"Users/{bob['id']}", off)
    assert changed.json()["active"] is False, changed.text
    put = await send(scim, "PUT", f"Users/{bob['id']}", {**bob, "displayName": "Robert", "active": True})
    assert (put.json()["displayName"], put.json()["active"]) == ("Robert", True)
    assert (await owner.get("/v1/users/bob@example.org"))["user"]["display_name"] == "Robert"
    assert (await send(scim, "DELETE", f"Users/{bob['id']}")).status_code == 204
    gone = await send(scim, "GET", f"Users/{bob['id']}")
    assert (gone.status_code, gone.json()["schemas"]) == (404, ["urn:ietf:params:scim:api:messages:2.0:Error"])
    bad = await send(scim, "GET", "Users?filter=userName is 1")
    assert (bad.status_code, bad.json()["scimType"]) == (400, "invalidFilter")


async def test_groups_are_teams_whose_members_hold_roles(owner: Member) -> None:
    scim = await directory(owner)
    ids = [
        (await send(scim, "POST", "Users", {"userName": f"{name}@example.org"})).json()["id"] for name in ("bob", "eve")
    ]
    made = await send(scim, "POST", "Groups", {"displayName": "Data & Co", "members": [{"value": ids[0]}]})
    assert made.status_code == 201, made.text
    group = made.json()
    assert [each["value"] for each in group["members"]] == [ids[0]]
    add = {"Operations": [{"op": "add", "path": "members", "value": [{"value": ids[1]}]}]}
    assert len((await send(scim, "PATCH", f"Groups/{group['id']}", add)).json()["members"]) == 2
    remove = {"Operations": [{"op": "remove", "path": f'members[value eq "{ids[0]}"]'}]}
    left = (await send(scim, "PATCH", f"Groups/{group['id']}", remove)).json()
    assert [each["value"] for each in left["members"]] == [ids[1]]
    rename = {"Operations": [{"op": "replace", "value": {"displayName": "Data"}}]}
    assert (await send(scim, "PATCH", f"Groups/{group['id']}", rename)).json()["displayName"] == "Data"
    found = (await send(scim, "GET", 'Groups?filter=displayName eq "data"&excludedAttributes=members')).json()
    assert [(each["id"], "members" in each) for each in found["Resources"]] == [(group["id"], False)]
    team = (await owner.get("/v1/teams/data-co"))["team"]
    assert (team["team_id"], team["name"]) == (group["id"], "Data")
    assert (await send(scim, "DELETE", f"Groups/{group['id']}")).status_code == 204
    assert (await send(scim, "GET", f"Groups/{group['id']}")).status_code == 404


async def test_only_who_administers_the_account_keeps_its_people(owner: Member) -> None:
    scim = await directory(owner)
    admin = await owner.make("an-admin", "admin")
    body = {"userName": "mallory@example.org"}
    assert (await send(admin, "POST", "Users", body)).status_code == 403
    nobody = await owner.stack.http.get("/scim/v2/Users")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    # Who edits members of a workspace does not get at the key of somebody who may more.
    for path in (f"/v1/api-keys/{scim.key.split('_')[1]}:rotate", "/v1/api-keys"):
        refused = await admin.send(
            "POST", path, {"name": "x", "principal_id": scim.principal_id} if "-" in path[-4:] else {}
        )
        assert refused.status_code in (400, 403), refused.text
    for place in ("ServiceProviderConfig", "ResourceTypes", "Schemas", "ResourceTypes/User"):
        assert (await send(scim, "GET", place)).status_code == 200
    for verb, place in (("POST", "ResourceTypes"), ("GET", "Nothing"), ("PUT", "Users"), ("PATCH", "Groups/x")):
        assert (await send(scim, verb, place, {} if verb != "GET" else None)).status_code == 404
    owners = (await owner.get("/v1/me"))["principal_id"]
    assert (await send(scim, "PATCH", f"Users/{owners}", {"Operations": "x"})).status_code == 400
