"""`headrace whoami`."""

from __future__ import annotations

import click

from headrace.api.v1 import workspace_pb2
from headrace.cli import lookup, output


@click.command("whoami")
@output.output_option
def command(as_json: bool) -> None:
    """Show who the server takes this machine for, and what it may do."""
    client = lookup.client()
    who = client.workspaces.GetCaller(workspace_pb2.GetCallerRequest())
    if as_json:
        output.print_json(who)
        return
    kind = workspace_pb2.PrincipalKind.Name(who.kind).removeprefix("PRINCIPAL_KIND_").replace("_", " ").lower()
    output.print_fields(
        who.display_name,
        [
            ("kind", kind),
            ("id", who.principal_id),
            ("server", client.server.api_url),
            ("workspace", who.workspace.handle or who.workspace.workspace_id),
            ("permissions", str(len(who.permissions))),
        ],
    )
