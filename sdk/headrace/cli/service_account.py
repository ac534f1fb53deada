"""`headrace service-account ...`: programs that call under a name of their own."""

from __future__ import annotations

import click

from headrace.api.v1 import service_account_pb2 as pb
from headrace.cli import lookup, output


@click.group("service-account")
def command() -> None:
    """Keep names under which programs call the server."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_service_accounts(limit: int, as_json: bool) -> None:
    """List the service accounts of the workspace."""
    stub = lookup.client().service_accounts

    def page(token: str, size: int) -> pb.ListServiceAccountsResponse:
        return stub.ListServiceAccounts(pb.ListServiceAccountsRequest(page_size=size, page_token=token))

    found = list(lookup.pages(page, "service_accounts", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Service accounts",
        ["HANDLE", "NAME", "ACTIVE", "SEEN"],
        [
            [each.handle, each.display_name, "yes" if each.active else "no", output.ago(each.last_seen_at)]
            for each in found
        ],
    )


@command.command("create")
@click.argument("handle")
@click.option("--role", default="", help="The role that it gets in the workspace, for example worker.")
@click.option("--name", "display_name", default="", help="The name that people read.")
@output.output_option
def create_service_account(handle: str, role: str, display_name: str, as_json: bool) -> None:
    """Create a service account."""
    request = pb.CreateServiceAccountRequest(handle=handle, role=role, display_name=display_name)
    made = lookup.client().service_accounts.CreateServiceAccount(request).service_account
    if as_json:
        output.print_json(made)
    else:
        output.done(
            f"Service account {made.handle} created. "
            f"Make a key with: headrace api-key create NAME --service-account {made.handle}"
        )


@command.command("delete")
@click.argument("handle")
def delete_service_account(handle: str) -> None:
    """Delete a service account with all keys and roles."""
    stub = lookup.client().service_accounts
    found = stub.GetServiceAccount(pb.GetServiceAccountRequest(service_account=handle)).service_account
    stub.DeleteServiceAccount(pb.DeleteServiceAccountRequest(service_account_id=found.service_account_id))
    output.done(f"Service account {found.handle} deleted.")
