"""`headrace task-run ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import log_pb2, state_pb2, task_run_pb2
from headrace.cli import filtering, logs, lookup, output
from headrace.cli.moments import parse_span

_SORTS = [name.removeprefix("TASK_RUN_SORT_").replace("_", "-").lower() for name in task_run_pb2.TaskRunSort.keys()[1:]]


@click.group("task-run")
def command() -> None:
    """See task runs."""


@command.command("ls")
@click.option("--flow-run", metavar="RUN", help="Only task runs of this flow run.")
@click.option("--tree", is_flag=True, help="With --flow-run: those of the subflows below it, too.")
@click.option("--flow", "flows", multiple=True, metavar="NAME", help="Only task runs of this flow; may be repeated.")
@click.option("--deployment", metavar="FLOW/NAME", help="Only task runs of this deployment.")
@click.option("--task", "keys", multiple=True, metavar="KEY", help="Only runs of this task; may be repeated.")
@click.option("--name-contains", metavar="TEXT", help="Only task runs with this in their name.")
@click.option("--text", metavar="TEXT", help="Only task runs with this in their name or state's message.")
@click.option("--state", "state_names", multiple=True, help="Only task runs in a state of this name.")
@click.option(
    "--state-type",
    "types",
    multiple=True,
    type=click.Choice(filtering.STATE_TYPES, case_sensitive=False),
    help="Only this type of state; may be repeated.",
)
@click.option("--tag", "tags", multiple=True, help="Only task runs with this tag; may be repeated.")
@click.option("--without-tag", "without_tags", multiple=True, help="Only task runs without this tag.")
@click.option("--started-after", metavar="WHEN", help="A time like 2030-01-31T08:00, or 2h for as long ago.")
@click.option("--started-before", metavar="WHEN", help="A time like 2030-01-31T08:00, or 2h for as long ago.")
@click.option("--longer-than", metavar="SPAN", help="Only task runs that took at least this long, like 90s.")
@click.option("--background", is_flag=True, help="Only background task runs.")
@click.option("--sort", type=click.Choice(_SORTS), default="id-desc", show_default=True, help="In which order.")
@click.option("--limit", default=15, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_task_runs(
    flow_run: str | None,
    tree: bool,
    flows: tuple[str, ...],
    deployment: str | None,
    keys: tuple[str, ...],
    name_contains: str | None,
    text: str | None,
    state_names: tuple[str, ...],
    types: tuple[str, ...],
    tags: tuple[str, ...],
    without_tags: tuple[str, ...],
    started_after: str | None,
    started_before: str | None,
    longer_than: str | None,
    background: bool,
    sort: str,
    limit: int,
    as_json: bool,
) -> None:
    """List task runs, newest first unless --sort says otherwise.

    By name and by run time only those of a flow run, or since a time, can be listed.
    """
    stub = lookup.client().task_runs
    run_ids = [lookup.flow_run(flow_run).flow_run_id] if flow_run else []
    chosen = task_run_pb2.TaskRunFilter(
        flow_run_ids=[] if tree else run_ids,
        root_flow_run_ids=run_ids if tree else [],
        flow_ids=[lookup.flow(name).flow_id for name in flows],
        deployment_ids=[lookup.deployment(deployment).deployment_id] if deployment else [],
        task_keys=keys,
        name_contains=name_contains or "",
        text=text or "",
        state_names=state_names,
        state_types=[state_pb2.StateType.Value(f"STATE_TYPE_{name.upper()}") for name in types],
        tags_all=tags,
        tags_none=without_tags,
        background=True if background else None,
    )
    if started_after:
        getattr(chosen.started, "from").CopyFrom(filtering.moment(started_after))
    if started_before:
        chosen.started.until.CopyFrom(filtering.moment(started_before))
    if longer_than:
        chosen.run_time_at_least.FromTimedelta(parse_span(longer_than))
    order = task_run_pb2.TaskRunSort.Value(f"TASK_RUN_SORT_{sort.replace('-', '_').upper()}")

    def page(token: str, size: int) -> task_run_pb2.ListTaskRunsResponse:
        request = task_run_pb2.ListTaskRunsRequest(filter=chosen, sort=order, page_size=size, page_token=token)
        return stub.ListTaskRuns(request)

    runs = list(lookup.pages(page, "task_runs", limit))
    if as_json:
        output.print_json(runs)
        return
    output.print_table(
        "Task runs",
        [("NAME", {"ratio": 1}), "STATE", "TRIES", "RUN TIME", "ID"],
        [
            [
                run.name,
                output.state_text(run.state),
                run.run_count,
                output.span(run.total_run_time) if run.ended_at.seconds else "",
                run.task_run_id,
            ]
            for run in runs
        ],
    )


@command.command("inspect")
@click.argument("task_run_id")
@output.output_option
def inspect_task_run(task_run_id: str, as_json: bool) -> None:
    """Show one task run."""
    found = lookup.task_run(task_run_id)
    if as_json:
        output.print_json(found)
        return
    output.print_fields(
        f"Task run {found.name}",
        [
            ("id", found.task_run_id),
            ("flow run", found.flow_run_id),
            ("task", found.task_key),
            ("state", output.state_text(found.state)),
            ("message", found.state.message),
            ("tags", ", ".join(found.tags)),
            ("tries", found.run_count or None),
            ("started", output.moment(found.started_at)),
            ("ended", output.moment(found.ended_at)),
            ("run time", output.span(found.total_run_time) if found.started_at.seconds else None),
        ],
    )


@command.command("logs")
@click.argument("task_run_id")
@click.option("--tail", type=click.IntRange(1), metavar="N", help="Only the last N lines.")
@output.output_option
def show_logs(task_run_id: str, tail: int | None, as_json: bool) -> None:
    """Show the log of a task run."""
    found = lookup.task_run(task_run_id)
    records = logs.read(log_pb2.LogFilter(task_run_ids=[found.task_run_id]), head=None, tail=tail)
    if as_json:
        output.print_json(records)
    else:
        logs.show(records)
