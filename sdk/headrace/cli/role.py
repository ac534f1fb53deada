"""`headrace role ...`: what somebody may do, and where."""

from __future__ import annotations

import click

from headrace.api.v1 import options_pb2, role_pb2, team_pb2
from headrace.cli import lookup, members, output

_KINDS = {"deployment": 1, "work-pool": 2, "block": 3, "automation": 4}


@click.group("role")
def command() -> None:
    """Keep roles, and who holds them where."""


@command.command("ls")
@output.output_option
def list_roles(as_json: bool) -> None:
    """List roles: first those that come with the server."""
    stub = lookup.client().roles

    def page(token: str, size: int) -> role_pb2.ListRolesResponse:
        return stub.ListRoles(role_pb2.ListRolesRequest(page_size=size, page_token=token))

    roles = list(lookup.pages(page, "roles", 0))
    if as_json:
        output.print_json(roles)
        return
    output.print_table(
        "Roles",
        ["HANDLE", "NAME", "PERMISSIONS", ("ABOUT", {"ratio": 1})],
        [[role.handle, role.name, len(role.permissions), role.description] for role in roles],
    )


@command.command("inspect")
@click.argument("handle")
@output.output_option
def inspect_role(handle: str, as_json: bool) -> None:
    """Show what the holders of a role may do."""
    role = lookup.client().roles.GetRole(role_pb2.GetRoleRequest(handle=handle)).role
    if as_json:
        output.print_json(role)
        return
    output.print_fields(
        f"Role {role.handle}",
        [
            ("name", role.name),
            ("about", role.description),
            ("comes with the server", "yes" if role.built_in else "no"),
            ("permissions", ", ".join(members.words_of(role.permissions))),
        ],
    )


@command.command("create")
@click.argument("handle")
@click.option("--permission", "words", multiple=True, required=True, help="As runs-view; may be repeated.")
@click.option("--name", default="", help="The name that people read.")
@click.option("--description", default="", help="What it is for.")
@output.output_option
def create_role(handle: str, words: tuple[str, ...], name: str, description: str, as_json: bool) -> None:
    """Create a role of one's own."""
    request = role_pb2.CreateRoleRequest(
        handle=handle, name=name, description=description, permissions=members.permissions(words)
    )
    role = lookup.client().roles.CreateRole(request).role
    if as_json:
        output.print_json(role)
    else:
        output.done(f"Role {role.handle} created.")


@command.command("delete")
@click.argument("handle")
def delete_role(handle: str) -> None:
    """Delete a role; who held it no longer does."""
    lookup.client().roles.DeleteRole(role_pb2.DeleteRoleRequest(handle=handle))
    output.done(f"Role {handle} deleted.")


@command.command("assign")
@click.argument("role")
@click.option("--user", metavar="EMAIL", help="The user who gets it.")
@click.option("--service-account", metavar="HANDLE", help="The service account that gets it.")
@click.option("--team", metavar="HANDLE", help="The team that gets it.")
@click.option("--account", "in_account", is_flag=True, help="In every workspace of the account.")
@click.option(
    "--on",
    "place",
    metavar="KIND:NAME",
    help="On one object only: deployment:ID, work-pool:NAME, block:TYPE/NAME or automation:ID.",
)
@output.output_option
def assign_role(
    role: str,
    user: str | None,
    service_account: str | None,
    team: str | None,
    in_account: bool,
    place: str | None,
    as_json: bool,
) -> None:
    """Give a role in the workspace, in the account, or on one object."""
    if bool(team) == bool(user or service_account):
        raise click.UsageError("Give --user, --service-account or --team.")
    kind, name = _place(place)
    team_id = lookup.client().teams.GetTeam(team_pb2.GetTeamRequest(team=team)).team.team_id if team else ""
    request = role_pb2.AssignRoleRequest(
        role=role,
        principal_id=members.principal(user, service_account),
        team_id=team_id,
        in_account=in_account,
        object_kind=kind,
        object=name,
    )
    made = lookup.client().roles.AssignRole(request).role_assignment
    if as_json:
        output.print_json(made)
    else:
        output.done(f"{made.holder} is {made.role} now.")


@command.command("assignments")
@click.option("--user", metavar="EMAIL", help="Only of this user.")
@click.option("--service-account", metavar="HANDLE", help="Only of this service account.")
@output.output_option
def list_assignments(user: str | None, service_account: str | None, as_json: bool) -> None:
    """List who holds which roles."""
    stub, principal_id = lookup.client().roles, members.principal(user, service_account)

    def page(token: str, size: int) -> role_pb2.ListRoleAssignmentsResponse:
        return stub.ListRoleAssignments(
            role_pb2.ListRoleAssignmentsRequest(principal_id=principal_id, page_size=size, page_token=token)
        )

    found = list(lookup.pages(page, "role_assignments", 0))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Role assignments",
        ["ID", "HOLDER", "ROLE", "WHERE"],
        [[each.role_assignment_id, each.holder, each.role, _where(each)] for each in found],
    )


@command.command("unassign")
@click.argument("role_assignment_id")
def unassign_role(role_assignment_id: str) -> None:
    """Take a role away; its id is in `headrace role assignments`."""
    lookup.client().roles.UnassignRole(role_pb2.UnassignRoleRequest(role_assignment_id=role_assignment_id))
    output.done("The role is taken away.")


def _place(place: str | None) -> tuple[options_pb2.ObjectKind.ValueType, str]:
    if place is None:
        return options_pb2.OBJECT_KIND_UNSPECIFIED, ""
    kind, _, name = place.partition(":")
    if kind not in _KINDS or not name:
        raise click.BadParameter(f"must be KIND:NAME with KIND one of {', '.join(_KINDS)}", param_hint="--on")
    return options_pb2.ObjectKind.ValueType(_KINDS[kind]), name


def _where(assignment: role_pb2.RoleAssignment) -> str:
    if assignment.object:
        kinds = {number: kind for kind, number in _KINDS.items()}
        return f"{kinds.get(assignment.object_kind, '?')} {assignment.object}"
    return "workspace" if assignment.workspace_id else "account"
