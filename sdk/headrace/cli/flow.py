"""`headrace flow ...`."""

from __future__ import annotations

import click

from headrace import deployments
from headrace.api.v1 import flow_pb2
from headrace.cli import lookup, output, parameters
from headrace.engine import loading


@click.group("flow")
def command() -> None:
    """See and serve flows."""


_SORTS = [name.removeprefix("FLOW_SORT_").replace("_", "-").lower() for name in flow_pb2.FlowSort.keys()[1:]]


@command.command("ls")
@click.option("--name", metavar="TEXT", help="Only flows with this in their name.")
@click.option("--text", metavar="TEXT", help="Only flows with this in their name or description.")
@click.option("--tag", "tags", multiple=True, help="Only flows with this tag; may be repeated.")
@click.option("--any-tag", "any_tags", multiple=True, help="Only flows with any of these tags; may be repeated.")
@click.option("--without-tag", "without_tags", multiple=True, help="Only flows without this tag; may be repeated.")
@click.option("--sort", type=click.Choice(_SORTS), default="created-desc", show_default=True, help="In which order.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_flows(
    name: str | None,
    text: str | None,
    tags: tuple[str, ...],
    any_tags: tuple[str, ...],
    without_tags: tuple[str, ...],
    sort: str,
    limit: int,
    as_json: bool,
) -> None:
    """List flows, newest first unless --sort says otherwise."""
    stub = lookup.client().flows
    chosen = flow_pb2.FlowFilter(
        name_contains=name or "", text=text or "", tags_all=tags, tags_any=any_tags, tags_none=without_tags
    )
    order = flow_pb2.FlowSort.Value(f"FLOW_SORT_{sort.replace('-', '_').upper()}")

    def page(token: str, size: int) -> flow_pb2.ListFlowsResponse:
        return stub.ListFlows(flow_pb2.ListFlowsRequest(filter=chosen, sort=order, page_size=size, page_token=token))

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


@command.command("serve")
@click.argument("entrypoint")
@click.option("-n", "--name", required=True, metavar="NAME", help="The deployment's name.")
@click.option("--cron", metavar="EXPRESSION", help="When it runs, as cron.")
@click.option("--interval", type=click.FloatRange(1), metavar="SECONDS", help="How often it runs.")
@click.option("--rrule", metavar="RULE", help="When it runs, as a recurrence rule.")
@click.option("--timezone", default="", metavar="ZONE", help="IANA time zone of the schedule.")
@click.option("-p", "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be repeated.")
@click.option("--description", help="What it does; the flow's own description if not given.")
@click.option("--version", help="Its version; the flow's own if not given.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1), help="Runs at once in this process.")
@click.option("--global-limit", type=click.IntRange(1), metavar="N", help="Runs at once, wherever it is served.")
@click.option(
    "--pause-on-shutdown/--no-pause-on-shutdown",
    default=True,
    show_default=True,
    help="Stop the schedules when this process ends.",
)
@click.option("--fresh-interpreter", is_flag=True, help="Start each run in a new interpreter, not from a warm one.")
def serve_flow(
    entrypoint: str,
    name: str,
    cron: str | None,
    interval: float | None,
    rrule: str | None,
    timezone: str,
    pairs: tuple[str, ...],
    tags: tuple[str, ...],
    description: str | None,
    version: str | None,
    limit: int,
    global_limit: int | None,
    pause_on_shutdown: bool,
    fresh_interpreter: bool,
) -> None:
    """Make the flow at ENTRYPOINT runnable and run it here until Ctrl-C.

    ENTRYPOINT is file.py:function, package.module:function or package.module.function.
    """
    deployments.serve(
        loading.load_flow(entrypoint),
        name=name,
        limit=limit,
        pause_on_shutdown=pause_on_shutdown,
        fresh_interpreter=fresh_interpreter,
        entrypoint=entrypoint,
        cron=cron,
        interval=interval,
        rrule=rrule,
        timezone=timezone,
        parameters=parameters.parse(pairs, None),
        tags=tags,
        description=description,
        version=version,
        concurrency_limit=global_limit,
    )
