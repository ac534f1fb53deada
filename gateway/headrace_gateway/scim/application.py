"""What answers below `/scim/v2/`."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc.aio
import orjson
from google.protobuf import field_mask_pb2

from headrace import errors
from headrace.api.v1 import team_pb2, user_pb2
from headrace.rpc.status import from_rpc_error
from headrace_gateway import failures
from headrace_gateway.backends import Backends, Metadata
from headrace_gateway.contract import Contract
from headrace_gateway.http import NO_STORE, ClientGone, Receive, Scope, Send, TooLarge, read_body, respond
from headrace_gateway.metadata import metadata_of
from headrace_gateway.scim import discovery, resources
from headrace_gateway.scim.filters import equals, read_filter
from headrace_gateway.scim.patching import patched

PREFIX = resources.PREFIX
MAX_BODY_BYTES = 1024 * 1024
MOST_LISTED = 20_000
"""Users or groups that a list looks at."""
DEFAULT_COUNT, MOST_COUNT = 100, 200
_PAGE = 200
_AT_ONCE = 200
_JSON = (b"content-type", b"application/scim+json")
_HEADERS = [_JSON, NO_STORE, (b"x-content-type-options", b"nosniff")]
_TYPES = {409: "uniqueness", 400: "invalidValue"}


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    verb: str
    kind: str
    identifier: str
    query: Mapping[str, str]
    body: Mapping[str, Any]
    metadata: Metadata


class Scim:
    """Answers requests of directories that keep users and groups.

    Args:
        contract: The public methods.
        backends: Calls them.
        internal_token: Proves to services that the gateway tells where a request came from.
    """

    def __init__(self, contract: Contract, backends: Backends, internal_token: str | None) -> None:
        self._methods = {method.name: method for method in contract.methods}
        self._backends = backends
        self._internal_token = internal_token
        self._kinds: dict[str, Users | Groups] = {"Users": Users(self.call), "Groups": Groups(self.call)}

    async def call(self, name: str, request: Any, metadata: Metadata) -> Any:
        """Return what a method answers.

        Raises:
            errors.HeadraceError: The service refused, or does not answer.
        """
        try:
            return await self._backends.call(self._methods[name], request, metadata)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: Sequence[tuple[bytes, bytes]] = ()
        try:
            status, answer = await self._answer(await self._read(scope, receive))
        except ClientGone:
            return
        except errors.HeadraceError as error:
            failure = failures.of_error(error, 413 if isinstance(error, TooLarge) else None)
            status, headers = failure.http_status, failure.headers
            answer = {
                "schemas": [f"{resources.MESSAGES}Error"],
                "status": str(status),
                "detail": error.message,
            }
            if status in _TYPES:
                answer["scimType"] = "invalidFilter" if error.reason == "SCIM_FILTER" else _TYPES[status]
        body = orjson.dumps(answer) if answer is not None else b""
        await respond(send, status, body, [*_HEADERS, *headers])

    async def _read(self, scope: Scope, receive: Receive) -> _Request:
        metadata = metadata_of(scope, None, self._internal_token)
        kind, _, identifier = scope["path"].removeprefix(PREFIX).strip("/").partition("/")
        pairs = urllib.parse.parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=50)
        raw = await read_body(scope, receive, MAX_BODY_BYTES)
        try:
            body = orjson.loads(raw) if raw else {}
        except orjson.JSONDecodeError:
            raise errors.InvalidArgument("the body is not JSON", reason="BODY_NOT_JSON") from None
        if not isinstance(body, dict):
            raise errors.InvalidArgument("the body has to be an object", reason="BODY_NOT_JSON")
        return _Request(scope["method"], kind, identifier, dict(pairs), body, metadata)

    async def _answer(self, request: _Request) -> tuple[int, Any]:
        found = discovery.document(request.kind, request.identifier) if request.verb == "GET" else None
        if found is not None:
            return 200, found
        kind = self._kinds.get(request.kind)
        if kind is None:
            raise errors.NotFound(f"there is nothing at {PREFIX}{request.kind}"[:200])
        match request.verb, bool(request.identifier):
            case "GET", False:
                return 200, await self._list(kind, request)
            case "POST", False:
                return 201, await kind.create(request.body, request.metadata)
            case "GET", True:
                return 200, await kind.load(request.identifier, request.metadata)
            case "PUT", True:
                return 200, await kind.replace(request.identifier, request.body, request.metadata)
            case "PATCH", True:
                before = await kind.load(request.identifier, request.metadata)
                after = resources.renamed(before, patched(before, request.body))
                return 200, await kind.replace(request.identifier, after, request.metadata)
            case "DELETE", True:
                await kind.delete(request.identifier, request.metadata)
                return 204, None
        raise errors.NotFound(f"{request.verb} is not for {PREFIX}{request.kind}"[:200])

    async def _list(self, kind: Users | Groups, request: _Request) -> dict[str, Any]:
        start = max(1, _number(request.query, "startIndex", 1))
        count = min(MOST_COUNT, max(0, _number(request.query, "count", DEFAULT_COUNT)))
        text = request.query.get("filter", "")
        without_members = "members" in request.query.get("excludedAttributes", "").split(",")
        found = await kind.list_all(text, request.metadata, with_members=not without_members)
        if text:
            fits = read_filter(text)
            found = [resource for resource in found if fits(resource)]
        page = found[start - 1 : start - 1 + count]
        return {
            "schemas": [f"{resources.MESSAGES}ListResponse"],
            "totalResults": len(found),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": page,
        }


_Call = Callable[[str, Any, Metadata], Awaitable[Any]]


class Users:
    """Users of the account."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def load(self, user_id: str, metadata: Metadata) -> dict[str, Any]:
        """Return a user."""
        response = await self._call("GetUser", user_pb2.GetUserRequest(user=user_id[:320]), metadata)
        return resources.of_user(response.user)

    async def list_all(self, text: str, metadata: Metadata, *, with_members: bool) -> list[dict[str, Any]]:
        """Return users; where a filter names the only one, no other is looked at."""
        named = equals(text, "userName") or equals(text, "id")
        if named is not None:
            try:
                return [await self.load(named or "-", metadata)]
            except errors.NotFound:
                return []
        request = user_pb2.ListUsersRequest(page_size=_PAGE)
        found: list[dict[str, Any]] = []
        while True:
            response = await self._call("ListUsers", request, metadata)
            found += map(resources.of_user, response.users)
            request.page_token = response.next_page_token
            if not request.page_token or len(found) >= MOST_LISTED:
                return found

    async def create(self, resource: Mapping[str, Any], metadata: Metadata) -> dict[str, Any]:
        """Make a user."""
        user = resources.to_user(resource)
        request = user_pb2.CreateUserRequest(email=user.email, display_name=user.display_name)
        made = (await self._call("CreateUser", request, metadata)).user
        if not user.active:
            return await self._update(user_pb2.User(user_id=made.user_id, active=False), ["active"], metadata)
        return resources.of_user(made)

    async def replace(self, user_id: str, resource: Mapping[str, Any], metadata: Metadata) -> dict[str, Any]:
        """Change a user to what a resource says."""
        before = (await self._call("GetUser", user_pb2.GetUserRequest(user=user_id[:320]), metadata)).user
        wanted = resources.to_user(resource, before.user_id)
        changed = [
            name for name in ("email", "display_name", "active") if getattr(wanted, name) != getattr(before, name)
        ]
        return await self._update(wanted, changed, metadata) if changed else resources.of_user(before)

    async def delete(self, user_id: str, metadata: Metadata) -> None:
        """Delete a user."""
        await self._call("DeleteUser", user_pb2.DeleteUserRequest(user_id=user_id[:100]), metadata)

    async def _update(self, user: user_pb2.User, changed: list[str], metadata: Metadata) -> dict[str, Any]:
        request = user_pb2.UpdateUserRequest(user=user, update_mask=field_mask_pb2.FieldMask(paths=changed))
        return resources.of_user((await self._call("UpdateUser", request, metadata)).user)


class Groups:
    """Teams of the account."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def load(self, team_id: str, metadata: Metadata) -> dict[str, Any]:
        """Return a group with its members."""
        team = (await self._call("GetTeam", team_pb2.GetTeamRequest(team=team_id[:100]), metadata)).team
        return resources.of_team(team, await self._members(team.team_id, metadata))

    async def list_all(self, text: str, metadata: Metadata, *, with_members: bool) -> list[dict[str, Any]]:
        """Return groups."""
        request = team_pb2.ListTeamsRequest(page_size=_PAGE)
        teams: list[team_pb2.Team] = []
        while True:
            response = await self._call("ListTeams", request, metadata)
            teams += response.teams
            request.page_token = response.next_page_token
            if not request.page_token or len(teams) >= MOST_LISTED:
                break
        named = equals(text, "displayName")
        return [
            resources.of_team(team, await self._members(team.team_id, metadata) if with_members else None)
            for team in teams
            if named is None or team.name.lower() == named.lower()
        ]

    async def create(self, resource: Mapping[str, Any], metadata: Metadata) -> dict[str, Any]:
        """Make a group with its members."""
        team = resources.to_team(resource)
        made = (
            await self._call("CreateTeam", team_pb2.CreateTeamRequest(handle=team.handle, name=team.name), metadata)
        ).team
        await self._change(made.team_id, set(), set(resources.members_of(resource)), metadata)
        return await self.load(made.team_id, metadata)

    async def replace(self, team_id: str, resource: Mapping[str, Any], metadata: Metadata) -> dict[str, Any]:
        """Change a group to what a resource says."""
        before = await self.load(team_id, metadata)
        wanted = resources.to_team(resource, before["id"])
        if wanted.name != before["displayName"]:
            # The handle stays: addresses and scripts name it.
            request = team_pb2.UpdateTeamRequest(team=wanted, update_mask=field_mask_pb2.FieldMask(paths=["name"]))
            await self._call("UpdateTeam", request, metadata)
        await self._change(
            before["id"], set(resources.members_of(before)), set(resources.members_of(resource)), metadata
        )
        return await self.load(before["id"], metadata)

    async def delete(self, team_id: str, metadata: Metadata) -> None:
        """Delete a group; its members stay."""
        await self._call("DeleteTeam", team_pb2.DeleteTeamRequest(team_id=team_id[:100]), metadata)

    async def _members(self, team_id: str, metadata: Metadata) -> list[user_pb2.User]:
        request = team_pb2.ListTeamMembersRequest(team_id=team_id, page_size=_PAGE)
        found: list[user_pb2.User] = []
        while True:
            response = await self._call("ListTeamMembers", request, metadata)
            found += response.users
            request.page_token = response.next_page_token
            if not request.page_token or len(found) >= MOST_LISTED:
                return found

    async def _change(self, team_id: str, before: set[str], after: set[str], metadata: Metadata) -> None:
        added, removed = sorted(after - before), sorted(before - after)
        for start in range(0, max(len(added), len(removed)), _AT_ONCE):
            request = team_pb2.ChangeTeamMembersRequest(
                team_id=team_id,
                add_user_ids=added[start : start + _AT_ONCE],
                remove_user_ids=removed[start : start + _AT_ONCE],
            )
            await self._call("ChangeTeamMembers", request, metadata)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(query.get(name, default))
    except ValueError:
        raise errors.InvalidArgument.of_field(name, "must be a number") from None
