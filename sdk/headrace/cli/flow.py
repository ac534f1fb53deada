"""`headrace flow ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import flow_pb2
from headrace.cli import lookup, output


@click.group("flow")
def command() -> None:
    """See flows."""


@command.command("ls")
@click.option("--name", metavar="TEXT", help="Only flows with this in their name.")
@click.option("--tag", "tags", multiple=True, help="Only flows with this tag; may be repeated.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_flows(name: str | None, tags: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List flows, newest first."""
    stub = lookup.client().flows
    chosen = flow_pb2.FlowFilter(name_contains=name or "", tags_all=tags)

    def page(token: str, size: int) -> flow_pb2.ListFlowsResponse:
        return stub.ListFlows(flow_pb2.ListFlowsRequest(filter=chosen, page_size=size, page_token=token))

    flows = list(lookup.pages(page, "flows", limit))
    if as_json:
        output.print_json(flows)
        return
    output.print_table(
        "Flows",
        [("NAME", {"ratio": 1}), "TAGS", "CREATED", "ID"],
        [[flow.name, ", ".join(flow.tags), output.ago(flow.created_at), flow.flow_id] for flow in flows],
    )


@command.command("inspect")
@click.argument("name")
@output.output_option
def inspect_flow(name: str, as_json: bool) -> None:
    """Show one flow, by its NAME or id."""
    flow = lookup.flow(name)
    if as_json:
        output.print_json(flow)
        return
    output.print_fields(
        f"Flow {flow.name}",
        [
            ("id", flow.flow_id),
            ("description", flow.description),
            ("tags", ", ".join(flow.tags)),
            ("labels", output.to_plain(flow).get("labels")),
            ("created", output.moment(flow.created_at)),
            ("updated", output.moment(flow.updated_at)),
        ],
    )


@command.command("delete")
@click.argument("name")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_flow(name: str, yes: bool) -> None:
    """Delete a flow with its runs, by its NAME or id."""
    flow = lookup.flow(name)
    if not yes:
        click.confirm(f"Delete the flow '{flow.name}' with all of its runs?", abort=True)
    lookup.client().flows.DeleteFlow(flow_pb2.DeleteFlowRequest(flow_id=flow.flow_id))
    output.done(f"Flow '{flow.name}' deleted.")
