"""`headrace workspace ...`: what belongs together and is kept apart from all else."""

from __future__ import annotations

import click

from headrace.api.v1 import workspace_pb2 as pb
from headrace.cli import lookup, members, output
from headrace.settings import get_settings


@click.group("workspace")
def command() -> None:
    """Keep workspaces, and choose one."""


@command.command("ls")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_workspaces(limit: int, as_json: bool) -> None:
    """List the workspaces that you may see; the one in use is marked."""
    stub = lookup.client().workspaces

    def page(token: str, size: int) -> pb.ListWorkspacesResponse:
        return stub.ListWorkspaces(pb.ListWorkspacesRequest(page_size=size, page_token=token))

    found = list(lookup.pages(page, "workspaces", limit))
    if as_json:
        output.print_json(found)
        return
    used = stub.GetCaller(pb.GetCallerRequest()).workspace.workspace_id
    output.print_table(
        "Workspaces",
        ["", "HANDLE", "NAME", ("ABOUT", {"ratio": 1})],
        [["*" if each.workspace_id == used else "", each.handle, each.name, each.description] for each in found],
    )


@command.command("create")
@click.argument("handle")
@click.option("--name", default="", help="The name that people read.")
@click.option("--description", default="", help="What it is for.")
@output.output_option
def create_workspace(handle: str, name: str, description: str, as_json: bool) -> None:
    """Create a workspace."""
    request = pb.CreateWorkspaceRequest(handle=handle, name=name, description=description)
    made = lookup.client().workspaces.CreateWorkspace(request).workspace
    if as_json:
        output.print_json(made)
    else:
        output.done(f"Workspace {made.handle} created. Use it with: headrace workspace use {made.handle}")


@command.command("use")
@click.argument("handle")
def use_workspace(handle: str) -> None:
    """Work in a workspace from now on: it is kept in the active profile."""
    found = lookup.client().workspaces.GetWorkspace(pb.GetWorkspaceRequest(workspace=handle)).workspace
    profile = members.keep_in_profile({"HEADRACE_WORKSPACE_ID": found.workspace_id})
    output.done(f"Profile '{profile}' works in {found.handle} now.")


@command.command("limit")
@click.argument("handle")
@click.option("--calls-per-second", type=click.FloatRange(0), help="In each server process; 0 is no limit.")
@click.option("--concurrent-calls", type=click.IntRange(0), help="In each server process; 0 is no limit.")
@output.output_option
def limit_workspace(handle: str, calls_per_second: float | None, concurrent_calls: int | None, as_json: bool) -> None:
    """Limit what a workspace may call, so that it starves no other."""
    stub = lookup.client().workspaces
    found = stub.GetWorkspace(pb.GetWorkspaceRequest(workspace=handle)).workspace
    request = pb.UpdateWorkspaceRequest(workspace=pb.Workspace(workspace_id=found.workspace_id))
    if calls_per_second is not None:
        request.workspace.calls_per_second = calls_per_second
        request.update_mask.paths.append("calls_per_second")
    if concurrent_calls is not None:
        request.workspace.concurrent_calls = concurrent_calls
        request.update_mask.paths.append("concurrent_calls")
    if not request.update_mask.paths:
        raise click.UsageError("Give --calls-per-second or --concurrent-calls.")
    changed = stub.UpdateWorkspace(request).workspace
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"Workspace {changed.handle} is limited on {get_settings().api_url}.")
