"""`headrace flow-run ...`."""

from __future__ import annotations

import click

from headrace.api.v1 import flow_run_pb2, log_pb2, state_pb2
from headrace.cli import explaining, logs, lookup, output, watching
from headrace.ids import uuid7


@click.group("flow-run")
def command() -> None:
    """See, follow, cancel and retry flow runs. RUN is an id, or the name of the newest run that has it."""


command.add_command(explaining.why)

_STATE_TYPES = [name.removeprefix("STATE_TYPE_") for name in state_pb2.StateType.keys()[1:]]


@command.command("ls")
@click.option("--flow-name", "flow_names", multiple=True, help="Only runs of this flow; may be repeated.")
@click.option("--state", "state_names", multiple=True, help="Only runs in a state of this name, e.g. Late.")
@click.option(
    "--state-type",
    "types",
    multiple=True,
    type=click.Choice(_STATE_TYPES, case_sensitive=False),
    help="Only this type.",
)
@click.option("--tag", "tags", multiple=True, help="Only runs with this tag; may be repeated.")
@click.option("--deployment", metavar="FLOW/NAME", help="Only runs of this deployment.")
@click.option("--limit", default=15, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_flow_runs(
    flow_names: tuple[str, ...],
    state_names: tuple[str, ...],
    types: tuple[str, ...],
    tags: tuple[str, ...],
    deployment: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List flow runs, newest first."""
    stub = lookup.client().flow_runs
    chosen = flow_run_pb2.FlowRunFilter(
        flow_names=flow_names,
        state_names=state_names,
        state_types=[state_pb2.StateType.Value(f"STATE_TYPE_{name.upper()}") for name in types],
        tags_all=tags,
        deployment_ids=[lookup.deployment(deployment).deployment_id] if deployment else [],
    )

    def page(token: str, size: int) -> flow_run_pb2.ListFlowRunsResponse:
        return stub.ListFlowRuns(flow_run_pb2.ListFlowRunsRequest(filter=chosen, page_size=size, page_token=token))

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


@command.command("cancel")
@click.argument("run")
@click.option("--reason", default="", help="Kept with the run.")
@output.output_option
def cancel_flow_run(run: str, reason: str, as_json: bool) -> int:
    """Ask a flow run to stop."""
    found = lookup.flow_run(run)
    response = lookup.client().flow_runs.CancelFlowRun(
        flow_run_pb2.CancelFlowRunRequest(flow_run_id=found.flow_run_id, request_id=str(uuid7()), reason=reason)
    )
    return _tell_verdict(response.verdict, response.flow_run, as_json)


@command.command("retry")
@click.argument("run")
@click.option("--all", "everything", is_flag=True, help="Also task runs that completed.")
@output.output_option
def retry_flow_run(run: str, everything: bool, as_json: bool) -> int:
    """Run a flow run again that has ended; completed task runs with persisted results are not executed again."""
    found = lookup.flow_run(run)
    scope = flow_run_pb2.RETRY_SCOPE_ALL if everything else flow_run_pb2.RETRY_SCOPE_UNFINISHED
    response = lookup.client().flow_runs.RetryFlowRun(
        flow_run_pb2.RetryFlowRunRequest(flow_run_id=found.flow_run_id, request_id=str(uuid7()), scope=scope)
    )
    return _tell_verdict(response.verdict, response.flow_run, as_json)


@command.command("delete")
@click.argument("run")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def delete_flow_run(run: str, yes: bool) -> None:
    """Delete a flow run with its task runs."""
    found = lookup.flow_run(run)
    if not yes:
        click.confirm(f"Delete the flow run '{found.name}'?", abort=True)
    lookup.client().flow_runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=found.flow_run_id))
    output.done(f"Flow run '{found.name}' deleted.")


def _tell_verdict(verdict: state_pb2.Verdict, run: flow_run_pb2.FlowRun, as_json: bool) -> int:
    accepted = verdict.WhichOneof("verdict") == "accepted"
    if as_json:
        output.print_json({"verdict": verdict, "flow_run": run})
    elif accepted:
        output.done(f"Flow run '{run.name}' is {run.state.name}.")
    else:
        kind = verdict.WhichOneof("verdict") or "aborted"
        output.complaints.print(f"Refused: {getattr(verdict, kind).reason}", style="red", markup=False)
    return output.ExitCode.OK if accepted else output.ExitCode.REFUSED
