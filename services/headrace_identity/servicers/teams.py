"""`TeamService`: users that hold roles together."""

from __future__ import annotations

import uuid

from headrace import errors
from headrace.api.v1 import team_pb2, team_pb2_grpc
from headrace.ids import uuid7
from headrace_chassis.paging import decode_page_token, encode_page_token, page_size, question_digest
from headrace_identity import wire
from headrace_identity.repository import Directory
from headrace_identity.servicers.calls import Context

_CHANGEABLE = ("handle", "name", "description", "external_id")


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
        size = page_size(request.page_size)
        question = question_digest("teams", request.external_id)
        key = decode_page_token(request.page_token, question, (str,))
        page = await self._directory.list_teams(
            after=str(key[0]) if key is not None else "", limit=size + 1, external_id=request.external_id
        )
        token = encode_page_token([page[size - 1].handle], question) if len(page) > size else ""
        return team_pb2.ListTeamsResponse(teams=[wire.to_team(team) for team in page[:size]], next_page_token=token)

    async def UpdateTeam(self, request: team_pb2.UpdateTeamRequest, context: Context) -> team_pb2.UpdateTeamResponse:
        """Change a team."""
        change = wire.changed(request.team, request.update_mask.paths, _CHANGEABLE)
        try:
            team = await self._directory.update_team(uuid.UUID(request.team.team_id), **change)
        except ValueError:
            raise errors.InvalidArgument.of_field("team.team_id", "must be the id of a team") from None
        if team is None:
            raise _missing(request.team.team_id)
        return team_pb2.UpdateTeamResponse(team=wire.to_team(team))

    async def DeleteTeam(self, request: team_pb2.DeleteTeamRequest, context: Context) -> team_pb2.DeleteTeamResponse:
        """Delete a team and the roles that it holds."""
        if not await self._directory.delete_team(uuid.UUID(request.team_id)):
            raise _missing(request.team_id)
        return team_pb2.DeleteTeamResponse()

    async def ListTeamMembers(
        self, request: team_pb2.ListTeamMembersRequest, context: Context
    ) -> team_pb2.ListTeamMembersResponse:
        """Return a page of the users of a team."""
        size = page_size(request.page_size)
        question = question_digest("team members", request.team_id)
        key = decode_page_token(request.page_token, question, (str,))
        team_id = await self._existing(request.team_id)
        page = await self._directory.list_team_members(
            team_id, after=str(key[0]) if key is not None else "", limit=size + 1
        )
        token = encode_page_token([page[size - 1].handle], question) if len(page) > size else ""
        return team_pb2.ListTeamMembersResponse(
            users=[wire.to_user(user) for user in page[:size]], next_page_token=token
        )

    async def ChangeTeamMembers(
        self, request: team_pb2.ChangeTeamMembersRequest, context: Context
    ) -> team_pb2.ChangeTeamMembersResponse:
        """Put users into a team and take others out."""
        await self._directory.change_team_members(
            await self._existing(request.team_id),
            [uuid.UUID(each) for each in request.add_user_ids],
            [uuid.UUID(each) for each in request.remove_user_ids],
        )
        return team_pb2.ChangeTeamMembersResponse()

    async def _existing(self, team_id: str) -> uuid.UUID:
        team = await self._directory.load_team(uuid.UUID(team_id), "")
        if team is None:
            raise _missing(team_id)
        return team.team_id


def _missing(named: str) -> errors.NotFound:
    return errors.NotFound(f"there is no team {named}", reason="TEAM_NOT_FOUND")
