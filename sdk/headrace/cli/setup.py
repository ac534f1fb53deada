"""`headrace setup`: the way in with a token that works once."""

from __future__ import annotations

import click

from headrace.api.v1 import invitation_pb2 as pb
from headrace.cli import lookup, members, output
from headrace.settings import get_settings

_FIRST = "hrs_"


@click.command("setup")
@click.argument("token")
@click.option("--email", default="", help="Your address, to become the owner of a new server.")
@click.option("--name", "display_name", default="", help="The name that people read.")
@output.output_option
def command(token: str, email: str, display_name: str, as_json: bool) -> None:
    """Become the owner of a new server, or take an invitation up. The key that you get is kept in the profile."""
    stub = lookup.client().invitations
    made: pb.SetUpAccountResponse | pb.AcceptInvitationResponse
    if token.startswith(_FIRST):
        if not email:
            raise click.UsageError("Give your address with --email.")
        made = stub.SetUpAccount(pb.SetUpAccountRequest(token=token, email=email, display_name=display_name))
    else:
        made = stub.AcceptInvitation(pb.AcceptInvitationRequest(token=token, display_name=display_name))
    url = get_settings().api_url
    values = {"HEADRACE_API_URL": url} if url else {}
    if made.key:
        values["HEADRACE_API_KEY"] = made.key
    profile = members.keep_in_profile(values)
    if as_json:
        output.print_json(made.user)
    else:
        output.done(f"You are {made.user.email} on {get_settings().api_url}; profile '{profile}' proves it.")
