"""`headrace flow-run ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import flow_run_pb2, log_pb2
from headrace.cli import (
    explaining,
    filtering,
    flow_run_change,
    flow_run_pausing,
    logs,
    lookup,
    output,
    run_note,
    watching,
)


@click.group("flow-run")
def command() -> None:
    """See, follow, cancel and retry flow runs. RUN is an id, or the name of the newest run that has it."""


command.add_command(explaining.why)

_SORTS = [name.removeprefix("FLOW_RUN_SORT_").replace("_", "-").lower() for name in flow_run_pb2.FlowRunSort.keys()[1:]]


@command.command("ls")
@filtering.flow_run_filter_options
@click.option("--sort", type=click.Choice(_SORTS), default="id-desc", show_default=True, help="In which order.")
@click.option("--limit", default=15, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_flow_runs(chosen: flow_run_pb2.FlowRunFilter, sort: str, limit: int, as_json: bool) -> None:
    """List flow runs, newest first unless --sort says otherwise."""
    stub = lookup.client().flow_runs
    order = flow_run_pb2.FlowRunSort.Value(f"FLOW_RUN_SORT_{sort.replace('-', '_').upper()}")

    def page(token: str, size: int) -> flow_run_pb2.ListFlowRunsResponse:
        return stub.ListFlowRuns(
            flow_run_pb2.ListFlowRunsRequest(filter=chosen, sort=order, page_size=size, page_token=token)
        )

    runs = list(lookup.pages(page, "flow_runs", limit))
    if as_json:
        output.print_json(runs)
        return
    output.print_table(
        "Flow runs",
        [("NAME", {"ratio": 2}), ("FLOW", {"ratio": 2}), "STATE", "WHEN", "ID"],
        [[run.name, run.flow_name, output.state_text(run.state), _when(run), run.flow_run_id] for run in runs],
    )


def _when(run: flow_run_pb2.FlowRun) -> str:
    if run.started_at.seconds:
        return output.ago(run.started_at)
    return output.ago(run.next_scheduled_start_at) or output.ago(run.created_at)


@command.command("inspect")
@click.argument("run")
@output.output_option
def inspect_flow_run(run: str, as_json: bool) -> None:
    """Show one flow run."""
    found = lookup.flow_run(run)
    if as_json:
        output.print_json(found)
        return
    plain = output.to_plain(found)
    output.print_fields(
        f"Flow run {found.name}",
        [
            ("id", found.flow_run_id),
            ("flow", found.flow_name),
            ("state", output.state_text(found.state)),
            ("message", found.state.message),
            ("deployment", found.deployment_name),
            ("version", lookup.version_words(found)),
            ("work pool", found.work_pool_name),
            ("work queue", found.work_queue_name),
            ("worker", found.worker_name),
            ("parameters", plain.get("parameters")),
            ("tags", ", ".join(found.tags)),
            ("created by", found.creator.display_name),
            ("created", output.moment(found.created_at)),
            ("expected start", output.moment(found.expected_start_at)),
            ("started", output.moment(found.started_at)),
            ("ended", output.moment(found.ended_at)),
            ("run time", output.span(found.total_run_time) if found.started_at.seconds else None),
            ("runs", found.run_count or None),
            ("attempt", found.attempt or None),
        ],
    )


@command.command("logs")
@click.argument("run")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("--head", type=click.IntRange(1), metavar="N", help="Only the first N lines.")
@click.option("--tail", type=click.IntRange(1), metavar="N", help="Only the last N lines.")
@click.option(
    "--level", type=click.Choice(["debug", "info", "warning", "error", "critical"]), help="This level or above."
)
@click.option("--search", metavar="TEXT", help="Only lines with these words.")
@output.output_option
def show_logs(
    run: str, follow: bool, head: int | None, tail: int | None, level: str | None, search: str | None, as_json: bool
) -> None:
    """Show the log of a flow run, its task runs' lines with it."""
    if head is not None and (tail is not None or follow):
        raise click.UsageError("--head goes neither with --tail nor with --follow.")
    if follow and as_json:
        raise click.UsageError("--follow is for people; programs use the API's stream (FollowLogs).")
    levels = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
    chosen = log_pb2.LogFilter(
        flow_run_ids=[lookup.flow_run(run).flow_run_id],
        level_at_least=levels[level] if level else 0,
        text=search or "",
    )
    if follow:
        logs.follow(chosen, tail=tail or 0)
        return
    records = logs.read(chosen, head=head, tail=tail)
    if as_json:
        output.print_json(records)
    else:
        logs.show(records)


@command.command("watch")
@click.argument("run")
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Give up after this time.")
def watch_flow_run(run: str, timeout: float | None) -> int:
    """Follow a flow run until it has ended; exits with 6 unless it completed."""
    return watching.exit_code(watching.watch(lookup.flow_run(run).flow_run_id, timeout_seconds=timeout))


for _change in flow_run_change.COMMANDS:
    command.add_command(_change)
for _pausing in flow_run_pausing.COMMANDS:
    command.add_command(_pausing)
command.add_command(run_note.command)
