"""`headrace bulk-operation ...`, and how commands change many flow runs."""

from __future__ import annotations

import time

import click
from rich.progress import BarColumn, Progress, TextColumn

from headrace.api.v1 import bulk_operation_pb2, flow_run_pb2
from headrace.cli import lookup, output
from headrace.ids import uuid7

WATCH_SECONDS = 0.5
"""How often a watched operation is looked at."""

_VERBS = {"cancel": "cancel", "retry": "retry", "delete": "delete", "set_state": "set", "change_tags": "tag"}


@click.group("bulk-operation")
def command() -> None:
    """See, follow and stop changes of many flow runs."""


@command.command("ls")
@click.option("--running", is_flag=True, help="Only those that have not ended.")
@click.option("--limit", default=15, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_bulk_operations(running: bool, limit: int, as_json: bool) -> None:
    """List bulk operations, newest first."""
    stub = lookup.client().bulk_operations
    statuses = [bulk_operation_pb2.BULK_OPERATION_STATUS_PENDING, bulk_operation_pb2.BULK_OPERATION_STATUS_RUNNING]

    def page(token: str, size: int) -> bulk_operation_pb2.ListBulkOperationsResponse:
        return stub.ListBulkOperations(
            bulk_operation_pb2.ListBulkOperationsRequest(
                statuses=statuses if running else [], page_size=size, page_token=token
            )
        )

    found = list(lookup.pages(page, "bulk_operations", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Bulk operations",
        ["WHAT", "STATUS", "LOOKED AT", ("STARTED", {"ratio": 1}), "ID"],
        [
            [_verb(each), _status(each), _looked_at(each), output.ago(each.created_at), each.bulk_operation_id]
            for each in found
        ],
    )


@command.command("inspect")
@click.argument("bulk_operation_id")
@output.output_option
def inspect_bulk_operation(bulk_operation_id: str, as_json: bool) -> None:
    """Show one bulk operation."""
    _show(_load(bulk_operation_id), as_json)


@command.command("watch")
@click.argument("bulk_operation_id")
@output.output_option
def watch_bulk_operation(bulk_operation_id: str, as_json: bool) -> None:
    """Follow a bulk operation until it has ended."""
    _show(wait(_load(bulk_operation_id)), as_json)


@command.command("cancel")
@click.argument("bulk_operation_id")
@output.output_option
def cancel_bulk_operation(bulk_operation_id: str, as_json: bool) -> None:
    """Stop a bulk operation; what it has changed stays changed."""
    request = bulk_operation_pb2.CancelBulkOperationRequest(bulk_operation_id=bulk_operation_id)
    _show(lookup.client().bulk_operations.CancelBulkOperation(request).bulk_operation, as_json)


def change_many(
    action: bulk_operation_pb2.BulkAction,
    chosen: flow_run_pb2.FlowRunFilter,
    *,
    all_runs: bool,
    dry_run: bool,
    yes: bool,
    waits: bool,
    as_json: bool,
) -> None:
    """Change all flow runs that match a filter.

    Args:
        action: What becomes of each.
        chosen: Which ones.
        all_runs: Whether an empty filter means all of them.
        dry_run: Only count.
        yes: Do not ask.
        waits: Follow it until it has ended.
        as_json: For programs.
    """
    if not chosen.ListFields() and not all_runs:
        raise click.UsageError("Name a run, or say by options which ones, or --all-runs.")
    stub = lookup.client().bulk_operations
    request = bulk_operation_pb2.CreateBulkOperationRequest(
        bulk_operation_id=str(uuid7()), filter=chosen, action=action, all_runs=all_runs, dry_run=True
    )
    counted = stub.CreateBulkOperation(request).bulk_operation
    if dry_run:
        if as_json:
            output.print_json(counted)
        else:
            output.done(f"{_count(counted)} match; nothing was changed.")
        return
    if not yes:
        click.confirm(f"{_verb(counted).capitalize()} {_count(counted)}?", abort=True, err=True)
    request.dry_run = False
    started = stub.CreateBulkOperation(request).bulk_operation
    if not waits:
        if as_json:
            output.print_json(started)
        else:
            output.done(f"Bulk operation {started.bulk_operation_id} started on {_count(started)}.")
        return
    _show(wait(started), as_json)


def wait(operation: bulk_operation_pb2.BulkOperation) -> bulk_operation_pb2.BulkOperation:
    """Follow an operation until it has ended, with a bar on a terminal, and return it."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, console=output.complaints, transient=True) as progress:
        bar = progress.add_task(_verb(operation), total=operation.run_count)
        while not operation.HasField("ended_at"):
            time.sleep(WATCH_SECONDS)
            operation = _load(operation.bulk_operation_id)
            progress.update(bar, completed=operation.looked_at_count)
    return operation


def _load(bulk_operation_id: str) -> bulk_operation_pb2.BulkOperation:
    request = bulk_operation_pb2.GetBulkOperationRequest(bulk_operation_id=bulk_operation_id)
    return lookup.client().bulk_operations.GetBulkOperation(request).bulk_operation


def _show(operation: bulk_operation_pb2.BulkOperation, as_json: bool) -> None:
    if as_json:
        output.print_json(operation)
        return
    output.print_fields(
        f"Bulk operation {operation.bulk_operation_id}",
        [
            ("what", _verb(operation)),
            ("status", _status(operation)),
            ("matched", _count(operation)),
            ("looked at", operation.looked_at_count),
            ("changed", operation.changed_count),
            ("left as they were", operation.refused_count),
            ("started by", operation.creator.display_name),
            ("started", output.moment(operation.created_at)),
            ("ended", output.moment(operation.ended_at)),
            ("filter", output.to_plain_set(operation.filter)),
            *((f"  {refusal.flow_run_id}", refusal.reason) for refusal in operation.refusals),
        ],
    )


def _verb(operation: bulk_operation_pb2.BulkOperation) -> str:
    return _VERBS.get(operation.action.WhichOneof("action") or "", "")


def _status(operation: bulk_operation_pb2.BulkOperation) -> str:
    name = bulk_operation_pb2.BulkOperationStatus.Name(operation.status)
    return name.removeprefix("BULK_OPERATION_STATUS_").lower()


def _looked_at(operation: bulk_operation_pb2.BulkOperation) -> str:
    more = "+" if operation.run_count_capped else ""
    return f"{operation.looked_at_count}/{operation.run_count}{more}"


def _count(operation: bulk_operation_pb2.BulkOperation) -> str:
    at_least = "at least " if operation.run_count_capped else ""
    return f"{at_least}{operation.run_count} flow run{'' if operation.run_count == 1 else 's'}"
