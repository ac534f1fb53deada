"""`headrace task-run ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import log_pb2, state_pb2, task_run_pb2
from headrace.cli import logs, lookup, output

_STATE_TYPES = [name.removeprefix("STATE_TYPE_") for name in state_pb2.StateType.keys()[1:]]


@click.group("task-run")
def command() -> None:
    """See task runs."""


@command.command("ls")
@click.option("--flow-run", metavar="RUN", help="Only task runs of this flow run.")
@click.option(
    "--state-type",
    "types",
    multiple=True,
    type=click.Choice(_STATE_TYPES, case_sensitive=False),
    help="Only this type.",
)
@click.option("--limit", default=15, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_task_runs(flow_run: str | None, types: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List task runs, newest first."""
    stub = lookup.client().task_runs
    chosen = task_run_pb2.TaskRunFilter(
        flow_run_ids=[lookup.flow_run(flow_run).flow_run_id] if flow_run else [],
        state_types=[state_pb2.StateType.Value(f"STATE_TYPE_{name.upper()}") for name in types],
    )

    def page(token: str, size: int) -> task_run_pb2.ListTaskRunsResponse:
        return stub.ListTaskRuns(task_run_pb2.ListTaskRunsRequest(filter=chosen, page_size=size, page_token=token))

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
    stub = lookup.client().task_runs
    found = stub.GetTaskRun(task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)).task_run
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
    records = logs.read(log_pb2.LogFilter(task_run_ids=[task_run_id]), head=None, tail=tail)
    if as_json:
        output.print_json(records)
    else:
        logs.show(records)
