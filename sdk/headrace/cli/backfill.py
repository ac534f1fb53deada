"""`headrace backfill ...`."""

from __future__ import annotations

import time
from typing import Any

import click

from headrace import errors
from headrace.api.v1 import backfill_pb2, deployment_pb2, state_pb2
from headrace.cli import lookup, moments, output, parameters
from headrace.ids import uuid7

_OVER = (
    backfill_pb2.BACKFILL_STATUS_CANCELLED,
    backfill_pb2.BACKFILL_STATUS_COMPLETED,
    backfill_pb2.BACKFILL_STATUS_FAILED,
)
_STATUSES = [name.removeprefix("BACKFILL_STATUS_") for name in backfill_pb2.BackfillStatus.keys()[1:]]
_LOOK_SECONDS = 0.5


@click.group("backfill")
def command() -> None:
    """Make up for the past: runs for many times or parameters. BACKFILL is an id."""


@command.command("create")
@click.argument("deployment")
@click.option("--from", "start", metavar="TIME", help="The first time to make up for, e.g. 2026-01-01T00:00.")
@click.option("--until", metavar="TIME", help="The first time that no longer counts.")
@click.option("--schedule", "slug", default="", metavar="SLUG", help="The schedule; needed if there are several.")
@click.option("--cron", default="", metavar="EXPRESSION", help="A cron expression in place of a schedule.")
@click.option("--timezone", default="", metavar="ZONE", help="IANA time zone of --cron; UTC if not given.")
@click.option("--slot-parameter", default="", metavar="NAME", help="The parameter that gets the time of each run.")
@click.option(
    "--matrix",
    "axes",
    multiple=True,
    metavar="NAME=[...]",
    help='A run for each of these values, e.g. region=\'["eu", "us"]\'; may be repeated.',
)
@click.option("-p", "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated.")
@click.option("--order", type=click.Choice(["asc", "desc"]), default="asc", show_default=True, help="Which come first.")
@click.option(
    "--concurrency", default=0, type=click.IntRange(0, 1000), metavar="N", help="Runs at once; 0: any number."
)
@click.option("--name", default="", help="The name that people read.")
@click.option("--dry-run", is_flag=True, help="Only show what would run.")
@click.option("--watch", is_flag=True, help="Follow it to its end; exits with 6 unless all runs complete.")
@output.output_option
def create_backfill(
    deployment: str,
    start: str | None,
    until: str | None,
    slug: str,
    cron: str,
    timezone: str,
    slot_parameter: str,
    axes: tuple[str, ...],
    pairs: tuple[str, ...],
    order: str,
    concurrency: int,
    name: str,
    dry_run: bool,
    watch: bool,
    as_json: bool,
) -> int:
    """Run DEPLOYMENT (flow/deployment or an id) for each time of a schedule in a range, or for many parameters."""
    if (start is None) != (until is None):
        raise click.UsageError("--from and --until go together.")
    request = backfill_pb2.CreateBackfillRequest(
        backfill_id=str(uuid7()),
        deployment_id=lookup.deployment(deployment).deployment_id,
        name=name,
        order=backfill_pb2.BackfillOrder.Value(f"BACKFILL_ORDER_{order.upper()}"),
        concurrency=concurrency,
        dry_run=dry_run,
    )
    if start is not None and until is not None:
        getattr(request.range, "from").FromDatetime(moments.parse_moment(start))
        request.range.until.FromDatetime(moments.parse_moment(until))
        request.range.schedule_slug = slug
        request.range.slot_parameter = slot_parameter
        if cron:
            rule = deployment_pb2.CronRule(expression=cron, time_zone=timezone)
            request.range.rule.cron.CopyFrom(rule)
    request.matrix.update(parameters.parse(axes, None))
    request.parameters.update(parameters.parse(pairs, None))
    created = lookup.client().backfills.CreateBackfill(request)
    if dry_run:
        _show_plan(created, as_json)
        return output.ExitCode.OK
    if not watch:
        if as_json:
            output.print_json(created.backfill)
        else:
            output.done(f"Backfill '{created.backfill.name}' of {created.backfill.progress.total} runs began.")
            output.console.print(f"  headrace backfill inspect {created.backfill.backfill_id}", style="cyan")
        return output.ExitCode.OK
    over = _watch(created.backfill.backfill_id, quiet=as_json)
    if as_json:
        output.print_json(over)
    completed = over.status == backfill_pb2.BACKFILL_STATUS_COMPLETED
    return output.ExitCode.OK if completed else output.ExitCode.RUN_NOT_COMPLETED


def _show_plan(planned: backfill_pb2.CreateBackfillResponse, as_json: bool) -> None:
    if as_json:
        output.print_json(planned)
        return
    output.print_table(
        f"Would make {planned.backfill.progress.total} runs",
        ["NUMBER", "TIME", ("PARAMETERS", {"ratio": 1})],
        [[run.number, output.moment(run.slot_at), _parameters(run)] for run in planned.runs],
    )


def _parameters(run: backfill_pb2.BackfillRun) -> str:
    plain = output.to_plain(run)["parameters"] if run.HasField("parameters") else {}
    return ", ".join(f"{name}={value}" for name, value in plain.items())


def _watch(backfill_id: str, *, quiet: bool) -> backfill_pb2.Backfill:
    """Follow a backfill to its end, or until it is paused."""
    shown = ""
    while True:
        found = _get(backfill_id)
        if not quiet and (line := _progress(found)) != shown:
            shown = line
            output.console.print(line)
        if found.status in _OVER or found.status == backfill_pb2.BACKFILL_STATUS_PAUSED:
            return found
        time.sleep(_LOOK_SECONDS)


def _get(backfill_id: str) -> backfill_pb2.Backfill:
    if not lookup.is_id(backfill_id):
        raise errors.InvalidArgument(f"'{backfill_id}' is not the id of a backfill.")
    request = backfill_pb2.GetBackfillRequest(backfill_id=backfill_id)
    return lookup.client().backfills.GetBackfill(request).backfill


def _status(found: backfill_pb2.Backfill) -> str:
    return backfill_pb2.BackfillStatus.Name(found.status).removeprefix("BACKFILL_STATUS_").lower()


def _progress(found: backfill_pb2.Backfill) -> str:
    progress = found.progress
    parts = [f"{progress.completed} of {progress.total} completed"]
    # Some runs are made ahead, and wait for those that run at once.
    words = {"active": "running or next", "waiting": "waiting"}
    for field in ("active", "waiting", "failed", "crashed", "cancelled"):
        if count := getattr(progress, field):
            parts.append(f"{count} {words.get(field, field)}")
    return f"{_status(found)}: {', '.join(parts)}"


@command.command("ls")
@click.option("--deployment", metavar="FLOW/NAME", help="Only backfills of this deployment.")
@click.option(
    "--status", "names", multiple=True, type=click.Choice(_STATUSES, case_sensitive=False), help="Only these."
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="How many at most; 0 is all.")
@output.output_option
def list_backfills(deployment: str | None, names: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List backfills, newest first."""
    stub = lookup.client().backfills
    deployment_id = lookup.deployment(deployment).deployment_id if deployment else ""
    statuses = [backfill_pb2.BackfillStatus.Value(f"BACKFILL_STATUS_{name.upper()}") for name in names]

    def page(token: str, size: int) -> backfill_pb2.ListBackfillsResponse:
        return stub.ListBackfills(
            backfill_pb2.ListBackfillsRequest(
                deployment_id=deployment_id, statuses=statuses, page_size=size, page_token=token
            )
        )

    found = list(lookup.pages(page, "backfills", limit))
    if as_json:
        output.print_json(found)
        return
    output.print_table(
        "Backfills",
        [("NAME", {"ratio": 1}), ("PROGRESS", {"ratio": 1}), "ID"],
        [[one.name, _progress(one), one.backfill_id] for one in found],
    )


@command.command("inspect")
@click.argument("backfill")
@click.option("--runs", "with_runs", is_flag=True, help="Its runs, too.")
@output.output_option
def inspect_backfill(backfill: str, with_runs: bool, as_json: bool) -> None:
    """Show one backfill."""
    found = _get(backfill)
    runs = list(_runs(backfill)) if with_runs else []
    if as_json:
        output.print_json({"backfill": found, "runs": runs} if with_runs else found)
        return
    output.print_fields(
        f"Backfill {found.name}",
        [
            ("id", found.backfill_id),
            ("progress", _progress(found)),
            ("message", found.message),
            ("deployment", found.deployment_id),
            ("version", found.deployment_version_id),
            ("concurrency", found.concurrency or "any number"),
            ("created by", found.creator.display_name),
            ("created", output.moment(found.created_at)),
            ("ended", output.moment(found.ended_at)),
        ],
    )
    if with_runs:
        output.print_table(
            "Runs",
            ["", "FOR" if any(run.HasField("slot_at") for run in runs) else "PARAMETERS", "STATE", "FLOW RUN"],
            [
                [run.number, output.moment(run.slot_at) or _parameters(run)[:19], _state(run), run.flow_run_id]
                for run in runs
            ],
        )


def _runs(backfill_id: str) -> Any:
    stub = lookup.client().backfills

    def page(token: str, size: int) -> backfill_pb2.ListBackfillRunsResponse:
        return stub.ListBackfillRuns(
            backfill_pb2.ListBackfillRunsRequest(backfill_id=backfill_id, page_size=size, page_token=token)
        )

    return lookup.pages(page, "runs", 0)


def _state(run: backfill_pb2.BackfillRun) -> str:
    if run.end_state:
        name = state_pb2.StateType.Name(run.end_state).removeprefix("STATE_TYPE_").lower()
        return name if run.tries <= 1 else f"{name}, {run.tries}."
    return "active" if run.flow_run_id else "waiting"


@command.command("pause")
@click.argument("backfill")
@output.output_option
def pause_backfill(backfill: str, as_json: bool) -> None:
    """Make no further runs; those that are made go on."""
    request = backfill_pb2.PauseBackfillRequest(backfill_id=_get(backfill).backfill_id)
    _tell(lookup.client().backfills.PauseBackfill(request).backfill, as_json)


@command.command("resume")
@click.argument("backfill")
@output.output_option
def resume_backfill(backfill: str, as_json: bool) -> None:
    """Let a paused backfill go on."""
    request = backfill_pb2.ResumeBackfillRequest(backfill_id=_get(backfill).backfill_id)
    _tell(lookup.client().backfills.ResumeBackfill(request).backfill, as_json)


@command.command("cancel")
@click.argument("backfill")
@output.output_option
def cancel_backfill(backfill: str, as_json: bool) -> None:
    """Make no further runs and cancel those that are made."""
    request = backfill_pb2.CancelBackfillRequest(backfill_id=_get(backfill).backfill_id)
    _tell(lookup.client().backfills.CancelBackfill(request).backfill, as_json)


@command.command("retry")
@click.argument("backfill")
@output.output_option
def retry_backfill(backfill: str, as_json: bool) -> None:
    """Run again what failed, crashed or was cancelled."""
    request = backfill_pb2.RetryBackfillRequest(backfill_id=_get(backfill).backfill_id)
    response = lookup.client().backfills.RetryBackfill(request)
    if as_json:
        output.print_json(response)
    else:
        output.done(f"{response.runs} runs of the backfill '{response.backfill.name}' are made again.")


def _tell(changed: backfill_pb2.Backfill, as_json: bool) -> None:
    if as_json:
        output.print_json(changed)
    else:
        output.done(f"Backfill '{changed.name}' is {_progress(changed)}.")
