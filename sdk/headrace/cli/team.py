"""`headrace team ...`: users that hold roles together."""

from __future__ import annotations

import click

from headrace.api.v1 import team_pb2, user_pb2
from headrace.cli import lookup, output


@click.group("team")
def command() -> None:
    """Keep teams, which hold roles together."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_teams(limit: int, as_json: bool) -> None:
    """List teams by handle."""
    stub = lookup.client().teams

    def page(token: str, size: int) -> team_pb2.ListTeamsResponse:
        return stub.ListTeams(team_pb2.ListTeamsRequest(page_size=size, page_token=token))

    teams = list(lookup.pages(page, "teams", limit))
    if as_json:
        output.print_json(teams)
        return
    output.print_table(
        "Teams", ["HANDLE", "NAME", "ABOUT"], [[each.handle, each.name, each.description] for each in teams]
    )


@command.command("create")
@click.argument("handle")
@click.option("--name", default="", help="The name that people read.")
@click.option("--description", default="", help="What it is for.")
@output.output_option
def create_team(handle: str, name: str, description: str, as_json: bool) -> None:
    """Create a team."""
    request = team_pb2.CreateTeamRequest(handle=handle, name=name, description=description)
    made = lookup.client().teams.CreateTeam(request).team
    if as_json:
        output.print_json(made)
    else:
        output.done(f"Team {made.handle} created.")


@command.command("members")
@click.argument("handle")
@output.output_option
def list_members(handle: str, as_json: bool) -> None:
    """List the users of a team."""
    stub, team = lookup.client().teams, _find(handle)

    def page(token: str, size: int) -> team_pb2.ListTeamMembersResponse:
        return stub.ListTeamMembers(
            team_pb2.ListTeamMembersRequest(team_id=team.team_id, page_size=size, page_token=token)
        )

    users = list(lookup.pages(page, "users", 0))
    if as_json:
        output.print_json(users)
        return
    output.print_table(f"Team {handle}", ["E-MAIL", "NAME"], [[user.email, user.display_name] for user in users])


@command.command("add")
@click.argument("handle")
@click.argument("emails", nargs=-1, required=True)
def add_members(handle: str, emails: tuple[str, ...]) -> None:
    """Put users into a team."""
    team = _find(handle)
    lookup.client().teams.ChangeTeamMembers(
        team_pb2.ChangeTeamMembersRequest(team_id=team.team_id, add_user_ids=[_user_id(email) for email in emails])
    )
    output.done(f"{', '.join(emails)} put into team {handle}.")


@command.command("remove")
@click.argument("handle")
@click.argument("emails", nargs=-1, required=True)
def remove_members(handle: str, emails: tuple[str, ...]) -> None:
    """Take users out of a team."""
    team = _find(handle)
    lookup.client().teams.ChangeTeamMembers(
        team_pb2.ChangeTeamMembersRequest(team_id=team.team_id, remove_user_ids=[_user_id(email) for email in emails])
    )
    output.done(f"{', '.join(emails)} taken out of team {handle}.")


@command.command("delete")
@click.argument("handle")
def delete_team(handle: str) -> None:
    """Delete a team and the roles that it holds."""
    lookup.client().teams.DeleteTeam(team_pb2.DeleteTeamRequest(team_id=_find(handle).team_id))
    output.done(f"Team {handle} deleted.")


def _find(handle: str) -> team_pb2.Team:
    return lookup.client().teams.GetTeam(team_pb2.GetTeamRequest(team=handle)).team


def _user_id(email: str) -> str:
    return lookup.client().users.GetUser(user_pb2.GetUserRequest(user=email)).user.user_id
