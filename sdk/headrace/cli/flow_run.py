"""`headrace flow-run ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import flow_run_pb2
from headrace.cli import (
    explaining,
    filtering,
    flow_run_change,
    flow_run_logs,
    flow_run_pausing,
    lookup,
    output,
    pages,
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
@click.option("--web", is_flag=True, help="Open its page in a browser.")
@output.output_option
def inspect_flow_run(run: str, web: bool, as_json: bool) -> None:
    """Show one flow run."""
    found = lookup.flow_run(run)
    if web:
        pages.show(f"runs/{found.flow_run_id}")
        return
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
            ("parent", found.parent_flow_run_id),
            ("parameters", plain.get("parameters")),
            ("job variables", plain.get("job_variables")),
            ("tags", ", ".join(found.tags)),
            ("labels", plain.get("labels")),
            ("idempotency key", found.idempotency_key),
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
command.add_command(flow_run_logs.show_logs)
command.add_command(run_note.command)
