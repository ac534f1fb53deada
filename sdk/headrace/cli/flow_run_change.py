"""Commands that change flow runs: one by its name or id, or all that options choose."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click
from google.protobuf.field_mask_pb2 import FieldMask

from headrace import errors
from headrace.api.v1 import bulk_operation_pb2, flow_run_pb2, state_pb2, task_run_pb2
from headrace.cli import bulk_operation, filtering, lookup, output
from headrace.client.values import value_to_proto
from headrace.ids import uuid7

R = TypeVar("R")


def _many_options(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command a RUN that may be left out, and the options for many runs in its place, as `many`."""

    @filtering.flow_run_filter_options
    @functools.wraps(command)
    def with_many(
        *arguments: Any,
        chosen: flow_run_pb2.FlowRunFilter,
        all_runs: bool,
        dry_run: bool,
        yes: bool,
        no_wait: bool,
        as_json: bool,
        run: str | None,
        **keywords: Any,
    ) -> R:
        if run is not None and (chosen.ListFields() or all_runs):
            raise click.UsageError("Name a run or say by options which ones, not both.")

        def change(action: bulk_operation_pb2.BulkAction) -> None:
            bulk_operation.change_many(
                action, chosen, all_runs=all_runs, dry_run=dry_run, yes=yes, waits=not no_wait, as_json=as_json
            )

        if run is not None and dry_run:
            raise click.UsageError("--dry-run counts the runs that options choose.")
        return command(*arguments, run=run, many=change, yes=yes, as_json=as_json, **keywords)

    decorated: Callable[..., R] = output.output_option(with_many)
    for option in (
        click.option("--no-wait", is_flag=True, help="Do not wait until all are changed."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
        click.option("--dry-run", is_flag=True, help="Only count the runs that options choose."),
        click.option("--all-runs", is_flag=True, help="All runs of the workspace."),
        click.argument("run", required=False),
    ):
        decorated = option(decorated)
    return decorated


Many = Callable[[bulk_operation_pb2.BulkAction], None]


@click.command("cancel")
@click.option("--reason", default="", help="Kept with the run.")
@_many_options
def cancel(run: str | None, many: Many, reason: str, yes: bool, as_json: bool) -> int:
    """Ask a flow run to stop, or all that options choose."""
    if run is None:
        many(bulk_operation_pb2.BulkAction(cancel=bulk_operation_pb2.BulkCancel(reason=reason)))
        return output.ExitCode.OK
    found = lookup.flow_run(run)
    response = lookup.client().flow_runs.CancelFlowRun(
        flow_run_pb2.CancelFlowRunRequest(flow_run_id=found.flow_run_id, request_id=str(uuid7()), reason=reason)
    )
    return tell_verdict(response.verdict, response.flow_run, as_json)


@click.command("retry")
@click.option("--all", "--whole", "everything", is_flag=True, help="Also task runs that completed, and waits.")
@click.option("--failed-only", is_flag=True, help="Only what did not complete with a persisted result; the default.")
@click.option(
    "--from-task", "from_tasks", multiple=True, metavar="TASK_RUN", help="This task run (id or name) and what follows."
)
@_many_options
def retry(
    run: str | None,
    many: Many,
    everything: bool,
    failed_only: bool,
    from_tasks: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> int:
    """Run a flow run again that has ended, or all that options choose.

    Completed task runs with persisted results are not executed again.
    """
    if everything + failed_only + bool(from_tasks) > 1:
        raise click.UsageError("Say --all, --failed-only or --from-task, not several of them.")
    scope = flow_run_pb2.RETRY_SCOPE_ALL if everything else flow_run_pb2.RETRY_SCOPE_UNFINISHED
    if run is None and from_tasks:
        raise click.UsageError("--from-task is about one run: name it.")
    if run is None:
        many(bulk_operation_pb2.BulkAction(retry=bulk_operation_pb2.BulkRetry(scope=scope)))
        return output.ExitCode.OK
    found = lookup.flow_run(run)
    task_run_ids = [_task_run_id(found.flow_run_id, each) for each in from_tasks]
    if task_run_ids:
        scope = flow_run_pb2.RETRY_SCOPE_FROM_TASK
    response = lookup.client().flow_runs.RetryFlowRun(
        flow_run_pb2.RetryFlowRunRequest(
            flow_run_id=found.flow_run_id, request_id=str(uuid7()), scope=scope, task_run_ids=task_run_ids
        )
    )
    if response.verdict.rejected.code == "RESULT_KEPT":
        output.note("All of it is executed again with --whole, a task run and what follows with --from-task.")
    return tell_verdict(response.verdict, response.flow_run, as_json)


def _task_run_id(flow_run_id: str, name: str) -> str:
    if lookup.is_id(name):
        return name
    request = task_run_pb2.ListTaskRunsRequest(
        filter=task_run_pb2.TaskRunFilter(flow_run_ids=[flow_run_id], names=[name]), page_size=2
    )
    found = lookup.client().task_runs.ListTaskRuns(request).task_runs
    if not found:
        raise errors.NotFound(f"The flow run has no task run '{name}'.")
    if len(found) > 1:
        raise errors.InvalidArgument(f"The flow run has several task runs '{name}'; name one by its id.")
    return found[0].task_run_id


@click.command("delete")
@_many_options
def delete(run: str | None, many: Many, yes: bool, as_json: bool) -> None:
    """Delete a flow run with its task runs, or all that options choose."""
    if run is None:
        many(bulk_operation_pb2.BulkAction(delete=bulk_operation_pb2.BulkDelete()))
        return
    found = lookup.flow_run(run)
    if not yes:
        click.confirm(f"Delete the flow run '{found.name}'?", abort=True)
    lookup.client().flow_runs.DeleteFlowRun(flow_run_pb2.DeleteFlowRunRequest(flow_run_id=found.flow_run_id))
    if as_json:
        output.print_json(found)
    else:
        output.done(f"Flow run '{found.name}' deleted.")


@click.command("set-state")
@click.option(
    "--to",
    "state_type",
    required=True,
    type=click.Choice(filtering.STATE_TYPES, case_sensitive=False),
    help="The type of the new state.",
)
@click.option("--to-name", default="", help="The name of the new state; the usual one of its type by default.")
@click.option("--message", default="", help="Why.")
@click.option("--force", is_flag=True, help="Against the rules, but for those that protect data and release slots.")
@_many_options
def set_state(
    run: str | None, many: Many, state_type: str, to_name: str, message: str, force: bool, yes: bool, as_json: bool
) -> int:
    """Propose a state for a flow run, or for all that options choose."""
    number = state_pb2.StateType.Value(f"STATE_TYPE_{state_type.upper()}")
    if run is None:
        wanted = bulk_operation_pb2.BulkSetState(type=number, name=to_name, message=message, force=force)
        many(bulk_operation_pb2.BulkAction(set_state=wanted))
        return output.ExitCode.OK
    found = lookup.flow_run(run)
    state = state_pb2.State(state_id=str(uuid7()), type=number, name=to_name, message=message)
    stub = lookup.client().flow_runs
    response = stub.ProposeFlowRunState(
        flow_run_pb2.ProposeFlowRunStateRequest(flow_run_id=found.flow_run_id, state=state, force=force)
    )
    return tell_verdict(response.verdict, lookup.flow_run(found.flow_run_id), as_json)


@click.command("tag")
@click.option("--add", "add", multiple=True, metavar="TAG", help="Add this tag; may be repeated.")
@click.option("--remove", "remove", multiple=True, metavar="TAG", help="Remove this tag; may be repeated.")
@_many_options
def tag(run: str | None, many: Many, add: tuple[str, ...], remove: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Add and remove tags of a flow run, or of all that options choose, in whatever state."""
    if not add and not remove:
        raise click.UsageError("Say what to --add or to --remove.")
    if run is None:
        many(bulk_operation_pb2.BulkAction(change_tags=bulk_operation_pb2.BulkChangeTags(add=add, remove=remove)))
        return
    found = lookup.flow_run(run)
    tags = list(dict.fromkeys([*(each for each in found.tags if each not in remove), *add]))
    change = flow_run_pb2.FlowRun(flow_run_id=found.flow_run_id, tags=tags)
    _tell_changed(_update(change, "tags"), as_json)


@click.command("update")
@click.argument("run")
@click.option("--name", help="A new name.")
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Set this label; may be repeated.")
@click.option("--remove-label", "removed", multiple=True, metavar="KEY", help="Remove this label; may be repeated.")
@output.output_option
def update(run: str, name: str | None, labels: tuple[str, ...], removed: tuple[str, ...], as_json: bool) -> None:
    """Change the name or labels of a flow run, in whatever state."""
    found = lookup.flow_run(run)
    change = flow_run_pb2.FlowRun(flow_run_id=found.flow_run_id, name=name or found.name, labels=found.labels)
    for pair in labels:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise errors.InvalidArgument(f"'{pair}' is not of the form KEY=VALUE.")
        change.labels.fields[key].CopyFrom(value_to_proto(filtering.plain_value(value), "label"))
    for key in removed:
        change.labels.fields.pop(key, None)
    if name is None and not labels and not removed:
        raise click.UsageError("Say what to change: --name, --label or --remove-label.")
    _tell_changed(_update(change, "name", "labels"), as_json)


def _update(change: flow_run_pb2.FlowRun, *fields: str) -> flow_run_pb2.FlowRun:
    request = flow_run_pb2.UpdateFlowRunRequest(flow_run=change, update_mask=FieldMask(paths=fields))
    return lookup.client().flow_runs.UpdateFlowRun(request).flow_run


def _tell_changed(run: flow_run_pb2.FlowRun, as_json: bool) -> None:
    if as_json:
        output.print_json(run)
    else:
        output.done(f"Flow run '{run.name}' changed.")


def tell_verdict(verdict: state_pb2.Verdict, run: flow_run_pb2.FlowRun, as_json: bool) -> int:
    """Print what was decided about a flow run; return the exit code."""
    # A run that nobody executes is cancelled at once, in place of being asked to stop.
    accepted = verdict.WhichOneof("verdict") == "accepted" or verdict.rejected.code == "NOTHING_TO_STOP"
    if as_json:
        output.print_json({"verdict": verdict, "flow_run": run})
    elif accepted:
        output.done(f"Flow run '{run.name}' is {run.state.name}.")
    else:
        kind = verdict.WhichOneof("verdict") or "aborted"
        output.complaints.print(f"Refused: {getattr(verdict, kind).reason}", style="red", markup=False)
    return output.ExitCode.OK if accepted else output.ExitCode.REFUSED


COMMANDS = (cancel, retry, delete, set_state, tag, update)
