"""What real directories send: requests as Entra ID and Okta make them, in their own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from headrace_harness.members import Member, guarded_stack

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]


@pytest.fixture
async def scim(database_url: str) -> AsyncIterator[Member]:
    async with guarded_stack(database_url) as owner:
        made = await owner.make("directory", "viewer")
        role = {"role": "owner", "principal_id": made.principal_id, "in_account": True}
        await owner.post("/v1/role-assignments", role)
        yield made


async def send(
    caller: Member, verb: str, path: str, body: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    given = caller.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    return await caller.stack.http.request(verb, f"/scim/v2/{path}", json=body, headers=given)


def operations(*given: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": PATCH, "Operations": list(given)}


async def test_entra_finds_makes_and_changes_users(scim: Member) -> None:
    # The test of the connection asks for somebody whom there is not.
    tested = await send(scim, "GET", 'Users?filter=userName eq "0a6bc4a0-3e8d-4b06-9f1e-5c27ee56b9a3"')
    assert (tested.status_code, tested.json()["totalResults"]) == (200, 0)
    body = {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User@example.org",
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": "Test_User@example.org"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "given family", "familyName": "family", "givenName": "given"},
        "roles": [],
    }
    made = await send(scim, "POST", "Users", body)
    assert made.status_code == 201, made.text
    bob = made.json()
    assert bob["externalId"] == body["externalId"]
    assert bob["name"] == {"formatted": "given family", "familyName": "family", "givenName": "given"}
    found = (await send(scim, "GET", f'Users?filter=externalId eq "{bob["externalId"]}"')).json()
    assert [each["id"] for each in found["Resources"]] == [bob["id"]]
    other = await send(scim, "POST", "Users", body | {"userName": "other@example.org", "emails": []})
    assert (other.status_code, other.json()["scimType"]) == (409, "uniqueness")
    change = operations(
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "updated@example.org"},
        {"op": "Replace", "path": "name.familyName", "value": "updatedFamily"},
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Mill"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": {"value": "x"}},
        {"op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1"},
    )
    changed = await send(scim, "PATCH", f"Users/{bob['id']}", change)
    assert (changed.status_code, changed.json()["displayName"]) == (200, "given updatedFamily"), changed.text
    # People are known by their userName here; an address beside it changes nothing.
    assert changed.json()["userName"] == "test_user@example.org"
    off = await send(
        scim, "PATCH", f"Users/{bob['id']}", operations({"op": "Replace", "path": "active", "value": "False"})
    )
    assert off.json()["active"] is False
    together = {
        "op": "replace",
        "value": {"active": "True", "name.givenName": "new", 'emails[type eq "work"].value': "n"},
    }
    on = (await send(scim, "PATCH", f"Users/{bob['id']}", operations(together))).json()
    assert (on["active"], on["displayName"], on["externalId"]) == (True, "new updatedFamily", body["externalId"])
    gone = await send(scim, "PATCH", f"Users/{bob['id']}", operations({"op": "Remove", "path": "externalId"}))
    assert "externalId" not in gone.json()


async def test_entra_keeps_groups(scim: Member) -> None:
    ids = [
        (await send(scim, "POST", "Users", {"userName": f"{name}@example.org"})).json()["id"] for name in ("ann", "bob")
    ]
    body = {"externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Millers"}
    group = (await send(scim, "POST", "Groups", body)).json()
    assert (group["externalId"], group["members"]) == (body["externalId"], [])
    path = f"Groups/{group['id']}"
    add = operations({"op": "Add", "path": "members", "value": [{"$ref": None, "value": each} for each in ids]})
    assert (await send(scim, "PATCH", path, add)).status_code == 200
    asked = f'Groups?excludedAttributes=members&filter=externalId eq "{body["externalId"]}"'
    [found] = (await send(scim, "GET", asked)).json()["Resources"]
    assert (found["id"], "members" in found) == (group["id"], False)
    is_member = f'Groups?attributes=id&filter=id eq "{group["id"]}" and members eq "{ids[0]}"'
    [found] = (await send(scim, "GET", is_member)).json()["Resources"]
    assert set(found) == {"schemas", "id"}
    remove = operations({"op": "Remove", "path": "members", "value": [{"value": ids[0]}]})
    assert (await send(scim, "PATCH", path, remove)).status_code == 200
    shown = (await send(scim, "GET", f"{path}?excludedAttributes=members")).json()
    assert "members" not in shown
    assert [each["value"] for each in (await send(scim, "GET", path)).json()["members"]] == [ids[1]]


async def test_okta_pages_replaces_and_switches_off(scim: Member) -> None:
    for name in ("zoe", "ann", "Bob"):
        body = {
            "schemas": [USER],
            "userName": f"{name}@example.org",
            "name": {"givenName": name, "familyName": "Miller"},
            "emails": [{"primary": True, "value": f"{name}@example.org", "type": "work"}],
            "displayName": f"{name} Miller",
            "locale": "en-US",
            "externalId": f"00u-{name}",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }
        made = await send(scim, "POST", "Users", body)
        assert made.status_code == 201, made.text
        assert "1mz050nq" not in made.text
    page = (await send(scim, "GET", "Users?startIndex=1&count=100&sortBy=userName&sortOrder=descending")).json()
    names = [each["userName"] for each in page["Resources"]]
    assert names == ["zoe@example.org", "bob@example.org", "ann@example.org", "ada@example.org"]
    by_id = (await send(scim, "GET", "Users?sortBy=externalId")).json()["Resources"]
    assert [each.get("externalId") for each in by_id] == ["00u-ann", "00u-Bob", "00u-zoe", None]
    [ann] = (await send(scim, "GET", 'Users?filter=userName eq "ann@example.org"&startIndex=1&count=100')).json()[
        "Resources"
    ]
    off = operations({"op": "replace", "value": {"active": False}})
    assert (await send(scim, "PATCH", f"Users/{ann['id']}", off)).json()["active"] is False
    put = await send(scim, "PUT", f"Users/{ann['id']}", {**ann, "active": True, "displayName": "Ann B. Miller"})
    assert (put.json()["active"], put.json()["displayName"], put.json()["externalId"]) == (
        True,
        "Ann B. Miller",
        "00u-ann",
    )
    renamed = {"op": "replace", "value": {"id": "ignored", "displayName": "Okta Millers"}}
    group = (await send(scim, "POST", "Groups", {"displayName": "Millers", "members": []})).json()
    assert (await send(scim, "PATCH", f"Groups/{group['id']}", operations(renamed))).json()[
        "displayName"
    ] == "Okta Millers"
    whole = {"op": "replace", "path": "members", "value": [{"value": ann["id"], "display": "ann@example.org"}]}
    assert len((await send(scim, "PATCH", f"Groups/{group['id']}", operations(whole))).json()["members"]) == 1


async def test_versions_keep_changes_from_getting_lost(scim: Member) -> None:
    made = await send(scim, "POST", "Users", {"userName": "bob@example.org"})
    path, version = f"Users/{made.json()['id']}", made.headers["etag"]
    assert made.json()["meta"]["version"] == version
    same = await send(scim, "GET", path, if_none_match=version)
    assert (same.status_code, same.content) == (304, b"")
    off = operations({"op": "replace", "path": "active", "value": False})
    changed = await send(scim, "PATCH", path, off, if_match=version)
    assert (changed.status_code, changed.headers["etag"] == version) == (200, False)
    for verb, body in (("PATCH", off), ("PUT", made.json()), ("DELETE", None)):
        late = await send(scim, verb, path, body, if_match=version)
        assert (late.status_code, late.json()["status"]) == (412, "412"), late.text
    assert (await send(scim, "DELETE", path, if_match=f'"x", {changed.headers["etag"]}')).status_code == 204


async def test_many_operations_come_in_one_request(scim: Member) -> None:
    configuration = (await send(scim, "GET", "ServiceProviderConfig")).json()
    assert [configuration[name]["supported"] for name in ("bulk", "sort", "etag", "patch", "filter")] == [True] * 5
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 2,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "ann", "data": {"userName": "ann@example.org"}},
            {"method": "POST", "path": "/Users", "bulkId": "no", "data": {"userName": "nobody"}},
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": "g",
                "data": {"displayName": "Millers", "members": [{"value": "bulkId:ann"}]},
            },
            {"method": "PATCH", "path": "/Users/bulkId:ann", "data": operations({"op": "remove", "path": "active"})},
            {"method": "DELETE", "path": "/Users/bulkId:no"},
            {"method": "DELETE", "path": "/Groups/bulkId:g"},
        ],
    }
    answer = await send(scim, "POST", "Bulk", body)
    assert answer.status_code == 200, answer.text
    done = answer.json()["Operations"]
    assert [each["status"][0] for each in done] == ["2", "4", "2", "2", "4"]
    assert [each.get("bulkId") for each in done] == ["ann", "no", "g", None, None]
    assert done[1]["response"]["scimType"] == "invalidValue"
    group = (await send(scim, "GET", done[2]["location"].removeprefix("/scim/v2/"))).json()
    assert [each["display"] for each in group["members"]] == ["ann@example.org"]
    for wrong in ({}, {"Operations": [{"method": "GET", "path": "/Users"}]}, {"Operations": [1]}):
        assert (await send(scim, "POST", "Bulk", wrong)).status_code == 400
