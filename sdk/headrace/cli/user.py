"""`headrace user ...`: the people of the account."""

from __future__ import annotations

import click

from headrace.api.v1 import invitation_pb2, user_pb2
from headrace.cli import lookup, output
from headrace.settings import get_settings


@click.group("user")
def command() -> None:
    """Keep the people of the account."""


@command.command("ls")
@click.option("--name", "name_contains", default="", metavar="TEXT", help="Only users with this in address or name.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_users(name_contains: str, limit: int, as_json: bool) -> None:
    """List users by e-mail address."""
    stub = lookup.client().users

    def page(token: str, size: int) -> user_pb2.ListUsersResponse:
        return stub.ListUsers(user_pb2.ListUsersRequest(name_contains=name_contains, page_size=size, page_token=token))

    users = list(lookup.pages(page, "users", limit))
    if as_json:
        output.print_json(users)
        return
    output.print_table(
        "Users",
        ["E-MAIL", "NAME", "ACTIVE", "SEEN"],
        [
            [user.email, user.display_name, "yes" if user.active else "no", output.ago(user.last_seen_at)]
            for user in users
        ],
    )


@command.command("create")
@click.argument("email")
@click.option("--name", "display_name", default="", help="The name that people read.")
@output.output_option
def create_user(email: str, display_name: str, as_json: bool) -> None:
    """Create a user."""
    request = user_pb2.CreateUserRequest(email=email, display_name=display_name)
    made = lookup.client().users.CreateUser(request).user
    if as_json:
        output.print_json(made)
    else:
        output.done(f"User {made.email} created. Give a role with: headrace role assign ROLE --user {made.email}")


@command.command("invite")
@click.argument("email")
@click.option("--role", default="viewer", show_default=True, help="The role that they get in the workspace.")
@output.output_option
def invite_user(email: str, role: str, as_json: bool) -> None:
    """Invite somebody into the workspace."""
    request = invitation_pb2.CreateInvitationRequest(email=email, role=role)
    made = lookup.client().invitations.CreateInvitation(request)
    if as_json:
        output.print_json(made)
        return
    if made.emailed:
        output.done(f"{made.invitation.email} is invited, and has got the link by e-mail.")
        return
    output.done(f"{made.invitation.email} is invited. Give them this command; it works once, for a week:")
    click.echo(f"HEADRACE_API_URL={get_settings().api_url} headrace setup {made.token}")


@command.command("disable")
@click.argument("email")
@output.output_option
def disable_user(email: str, as_json: bool) -> None:
    """Lock a user out: keys and sessions stop to work at once."""
    _set_active(email, False, as_json)


@command.command("enable")
@click.argument("email")
@output.output_option
def enable_user(email: str, as_json: bool) -> None:
    """Let a user in again."""
    _set_active(email, True, as_json)


@command.command("delete")
@click.argument("email")
def delete_user(email: str) -> None:
    """Delete a user with all keys, sessions and roles."""
    stub = lookup.client().users
    user = stub.GetUser(user_pb2.GetUserRequest(user=email)).user
    stub.DeleteUser(user_pb2.DeleteUserRequest(user_id=user.user_id))
    output.done(f"User {user.email} deleted.")


def _set_active(email: str, active: bool, as_json: bool) -> None:
    stub = lookup.client().users
    user = stub.GetUser(user_pb2.GetUserRequest(user=email)).user
    request = user_pb2.UpdateUserRequest(user=user_pb2.User(user_id=user.user_id, active=active))
    request.update_mask.paths.append("active")
    changed = stub.UpdateUser(request).user
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"User {changed.email} {'enabled' if active else 'disabled'}.")
