"""`TeamService`: users that hold roles together."""

from __future__ import annotations

import uuid
from typing import Any

from headrace import errors
from headrace.api.v1 import team_pb2, team_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.pages import asked_page
from headrace_identity import wire
from headrace_identity.repository import Directory
from headrace_identity.servicers.calls import Context

_CHANGEABLE = ("handle", "name", "description", "external_id")
_SAME: dict[str, Any] = dict.fromkeys(_CHANGEABLE)


class TeamServicer(team_pb2_grpc.TeamServiceServicer):
    """Teams belong to the account."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def CreateTeam(self, request: team_pb2.CreateTeamRequest, context: Context) -> team_pb2.CreateTeamResponse:
        """Create a team."""
        team = await self._directory.insert_team(
            uuid7(), request.handle, request.name or request.handle, request.description, request.external_id
        )
        if team is None:
            also = f", or one with the external id {request.external_id}" if request.external_id else ""
            raise errors.AlreadyExists(f"there is a team {request.handle} already{also}")
        return team_pb2.CreateTeamResponse(team=wire.to_team(team))

    async def GetTeam(self, request: team_pb2.GetTeamRequest, context: Context) -> team_pb2.GetTeamResponse:
        """Return a team."""
        try:
            team = await self._directory.load_team(uuid.UUID(request.team), "")
        except ValueError:
            team = await self._directory.load_team(None, request.team)
        if team is None:
            raise _missing(request.team)
        return team_pb2.GetTeamResponse(team=wire.to_team(team))

    async def ListTeams(self, request: team_pb2.ListTeamsRequest, context: Context) -> team_pb2.ListTeamsResponse:
        """Return a page of teams."""
        page = asked_page(request, "teams", request.external_id, key=(str,))
        found = await self._directory.list_teams(
            after=page.after_name or "", limit=page.lookahead, external_id=request.external_id
        )
        shown, token = page.split(found, lambda team: (team.handle,))
        return team_pb2.ListTeamsResponse(teams=map(wire.to_team, shown), next_page_token=token)

    async def UpdateTeam(self, request: team_pb2.UpdateTeamRequest, context: Context) -> team_pb2.UpdateTeamResponse:
        """Change a team."""
        try:
            team_id = uuid.UUID(request.team.team_id)
        except ValueError:
            raise errors.InvalidArgument.of_field("team.team_id", "must be the id of a team") from None
        added, removed = list(map(uuid.UUID, request.add_user_ids)), list(map(uuid.UUID, request.remove_user_ids))
        paths = request.update_mask.paths
        change = wire.changed(request.team, paths, _CHANGEABLE) if paths or not (added or removed) else _SAME
        team = await self._directory.update_team(
            team_id, **change, added=added, removed=removed, if_updated_at=wire.moment(request, "if_updated_at")
        )
        if team is None:
            raise await self._missed(team_id)
        return team_pb2.UpdateTeamResponse(team=wire.to_team(team))

    async def DeleteTeam(self, request: team_pb2.DeleteTeamRequest, context: Context) -> team_pb2.DeleteTeamResponse:
        """Delete a team and the roles that it holds."""
        team_id = uuid.UUID(request.team_id)
        if not await self._directory.delete_team(team_id, if_updated_at=wire.moment(request, "if_updated_at")):
            raise await self._missed(team_id)
        return team_pb2.DeleteTeamResponse()

    async def ListTeamMembers(
        self, request: team_pb2.ListTeamMembersRequest, context: Context
    ) -> team_pb2.ListTeamMembersResponse:
        """Return a page of the users of a team."""
        page = asked_page(request, "team members", request.team_id, key=(str,))
        team_id = await self._existing(request.team_id)
        found = await self._directory.list_team_members(team_id, after=page.after_name or "", limit=page.lookahead)
        shown, token = page.split(found, lambda user: (user.handle,))
        return team_pb2.ListTeamMembersResponse(users=map(wire.to_user, shown), next_page_token=token)

    async def ChangeTeamMembers(
        self, request: team_pb2.ChangeTeamMembersRequest, context: Context
    ) -> team_pb2.ChangeTeamMembersResponse:
        """Put users into a team and take others out."""
        team = await self._directory.update_team(
            uuid.UUID(request.team_id),
            **_SAME,
            added=[uuid.UUID(each) for each in request.add_user_ids],
            removed=[uuid.UUID(each) for each in request.remove_user_ids],
        )
        if team is None:
            raise _missing(request.team_id)
        return team_pb2.ChangeTeamMembersResponse()

    async def _missed(self, team_id: uuid.UUID) -> errors.HeadraceError:
        """Return why a team was not changed."""
        if await self._directory.load_team(team_id, "") is None:
            return _missing(str(team_id))
        return wire.changed_meanwhile(f"the team {team_id}")

    async def _existing(self, team_id: str) -> uuid.UUID:
        team = await self._directory.load_team(uuid.UUID(team_id), "")
        if team is None:
            raise _missing(team_id)
        return team.team_id


def _missing(named: str) -> errors.NotFound:
    return errors.NotFound(f"there is no team {named}", reason="TEAM_NOT_FOUND")
