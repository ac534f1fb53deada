"""Users and groups: what is done with them, by calls of the services that keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from google.protobuf import field_mask_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from headrace import errors
from headrace.api.v1 import team_pb2, user_pb2
from headrace_gateway.backends import Metadata
from headrace_gateway.scim import resources
from headrace_gateway.scim.filters import equals

MOST_LISTED = 20_000
"""Users or groups that a list looks at."""
_PAGE = 200

_Call = Callable[[str, Any, Metadata], Awaitable[Any]]


class Users:
    """Users of the account."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def load(self, user_id: str, metadata: Metadata, *, with_members: bool = True) -> dict[str, Any]:
        """Return a user, who has no members in any case."""
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
        request = user_pb2.ListUsersRequest(page_size=_PAGE, external_id=(equals(text, "externalId") or "")[:255])
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
        request = user_pb2.CreateUserRequest(
            email=user.email, display_name=user.display_name, external_id=user.external_id
        )
        made = (await self._call("CreateUser", request, metadata)).user
        if not user.active:
            return await self._update(user_pb2.User(user_id=made.user_id, active=False), ["active"], metadata)
        return resources.of_user(made)

    async def replace(
        self, before: Mapping[str, Any], resource: Mapping[str, Any], metadata: Metadata
    ) -> dict[str, Any]:
        """Change a user to what a resource says.

        Raises:
            errors.Aborted: It is not any more what it was before.
        """
        wanted, was = resources.to_user(resource, before["id"]), resources.to_user(before, before["id"])
        names = ("email", "display_name", "active", "external_id")
        changed = [name for name in names if getattr(wanted, name) != getattr(was, name)]
        if not changed:
            return dict(before)
        return await self._update(wanted, changed, metadata, resources.changed_at(before))

    async def delete(self, user_id: str, before: Mapping[str, Any] | None, metadata: Metadata) -> None:
        """Delete a user; with `before` only if it is what it was then.

        Raises:
            errors.Aborted: It is not.
        """
        since = resources.changed_at(before) if before is not None else None
        await self._call("DeleteUser", user_pb2.DeleteUserRequest(user_id=user_id[:100], if_updated_at=since), metadata)

    async def _update(
        self, user: user_pb2.User, changed: list[str], metadata: Metadata, since: Timestamp | None = None
    ) -> dict[str, Any]:
        mask = field_mask_pb2.FieldMask(paths=changed)
        request = user_pb2.UpdateUserRequest(user=user, update_mask=mask, if_updated_at=since)
        return resources.of_user((await self._call("UpdateUser", request, metadata)).user)


class Groups:
    """Teams of the account."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    async def load(self, team_id: str, metadata: Metadata, *, with_members: bool = True) -> dict[str, Any]:
        """Return a group, with its members unless nobody asks for them."""
        team = (await self._call("GetTeam", team_pb2.GetTeamRequest(team=team_id[:100]), metadata)).team
        return resources.of_team(team, await self._members(team.team_id, metadata) if with_members else None)

    async def list_all(self, text: str, metadata: Metadata, *, with_members: bool) -> list[dict[str, Any]]:
        """Return groups."""
        request = team_pb2.ListTeamsRequest(page_size=_PAGE, external_id=(equals(text, "externalId") or "")[:255])
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
        request = team_pb2.CreateTeamRequest(handle=team.handle, name=team.name, external_id=team.external_id)
        made = (await self._call("CreateTeam", request, metadata)).team
        members = resources.members_of(resource)
        if members:
            change = team_pb2.UpdateTeamRequest(team=team_pb2.Team(team_id=made.team_id), add_user_ids=members)
            await self._call("UpdateTeam", change, metadata)
        return await self.load(made.team_id, metadata)

    async def replace(
        self, before: Mapping[str, Any], resource: Mapping[str, Any], metadata: Metadata
    ) -> dict[str, Any]:
        """Change a group to what a resource says, in one step.

        Raises:
            errors.Aborted: It is not any more what it was before.
        """
        wanted = resources.to_team(resource, before["id"])
        # The handle stays: addresses and scripts name it.
        was = {"name": before["displayName"], "external_id": before.get("externalId", "")}
        changed = [name for name, value in was.items() if getattr(wanted, name) != value]
        had, has = set(resources.members_of(before)), set(resources.members_of(resource))
        if changed or had != has:
            request = team_pb2.UpdateTeamRequest(
                team=wanted,
                update_mask=field_mask_pb2.FieldMask(paths=changed),
                add_user_ids=sorted(has - had),
                remove_user_ids=sorted(had - has),
                if_updated_at=resources.changed_at(before),
            )
            await self._call("UpdateTeam", request, metadata)
        return await self.load(before["id"], metadata)

    async def delete(self, team_id: str, before: Mapping[str, Any] | None, metadata: Metadata) -> None:
        """Delete a group, with `before` only if it is what it was then; its members stay.

        Raises:
            errors.Aborted: It is not.
        """
        since = resources.changed_at(before) if before is not None else None
        await self._call("DeleteTeam", team_pb2.DeleteTeamRequest(team_id=team_id[:100], if_updated_at=since), metadata)

    async def _members(self, team_id: str, metadata: Metadata) -> list[user_pb2.User]:
        request = team_pb2.ListTeamMembersRequest(team_id=team_id, page_size=_PAGE)
        found: list[user_pb2.User] = []
        while True:
            response = await self._call("ListTeamMembers", request, metadata)
            found += response.users
            request.page_token = response.next_page_token
            if not request.page_token or len(found) >= MOST_LISTED:
                return found
