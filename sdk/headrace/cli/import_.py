"""`headrace import ...`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from headrace.cli import lookup, output
from headrace.cli.moments import parse_span
from headrace.client.trust import Trust
from headrace.importing.importer import Wanted, run_import
from headrace.importing.progress import Progress
from headrace.importing.source import Access, PrefectSource


@click.group("import")
def command() -> None:
    """Take over what stands on another orchestrator."""


@command.command("prefect")
@click.option("--from", "url", required=True, metavar="URL", help="Address of a Prefect 3 server, or of its API.")
@click.option("--key", envvar="PREFECT_API_KEY", default="", metavar="KEY", help="API key of the Prefect server.")
@click.option(
    "--auth-string",
    envvar="PREFECT_API_AUTH_STRING",
    default="",
    metavar="USER:PASSWORD",
    help="User and password of the Prefect server.",
)
@click.option(
    "--history",
    default="30d",
    show_default=True,
    metavar="SPAN",
    help="How far back runs are taken over, like 12h or 90d; 0d takes none.",
)
@click.option("--paused", "pauses", is_flag=True, help="Let deployments come paused: their schedules make no runs yet.")
@click.option("--update", "updates", is_flag=True, help="Change what is here as it has changed there.")
@click.option("--dry-run", "is_rehearsal", is_flag=True, help="Read and check everything, write nothing.")
@click.option("--restart", "begins_anew", is_flag=True, help="Begin anew, not where an interrupted import stopped.")
@output.output_option
def import_prefect(
    url: str,
    key: str,
    auth_string: str,
    history: str,
    *,
    pauses: bool,
    is_rehearsal: bool,
    begins_anew: bool,
    updates: bool,
    as_json: bool,
) -> None:
    """Import from a Prefect 3 server: its objects, and the history of its runs.

    What is here already stays as it is, unless --update is given: then it becomes what it is there. An import that
    was interrupted goes on when the command is run again.
    """
    back = parse_span(history)
    client = lookup.client()
    source = PrefectSource(Access(url, key, auth_string, trust=Trust.of(client.settings)))
    wanted = Wanted(
        back if back else None, is_rehearsal=is_rehearsal, pauses=pauses, begins_anew=begins_anew, updates=updates
    )
    started = time.monotonic()
    with _telling() as tell:
        progress = run_import(source, client, client.settings.home, wanted, tell)
    seconds = time.monotonic() - started
    if as_json:
        output.print_json(_document(progress, source.url, seconds, is_rehearsal=is_rehearsal))
    else:
        _show(progress, seconds, is_rehearsal=is_rehearsal)


@contextlib.contextmanager
def _telling() -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a line of its own that changes, or line by line where nobody looks on."""
    if not output.complaints.is_terminal:
        yield output.note
        return
    with output.complaints.status("importing") as status:
        yield lambda words: status.update(f"importing: {words}")


def _document(progress: Progress, url: str, seconds: float, *, is_rehearsal: bool) -> dict[str, Any]:
    return {
        "source": url,
        "dry_run": is_rehearsal,
        "resumed": progress.is_resumed,
        "since": progress.since.isoformat() if progress.since is not None else None,
        "until": progress.until.isoformat(),
        "seconds": round(seconds, 1),
        **progress.report.to_plain(),
    }


def _show(progress: Progress, seconds: float, *, is_rehearsal: bool) -> None:
    report = progress.report
    made = "WOULD BE MADE" if is_rehearsal else "MADE"
    output.print_table(
        "Import",
        ["KIND", "FOUND", made, "CHANGED", "HERE BEFORE", "REFUSED"],
        [
            [kind, count.found, count.created, count.updated, count.there_before, count.refused]
            for kind, count in report.counts.items()
        ],
    )
    if report.losses:
        output.print_table(
            "Not carried over",
            ["KIND", ("NAME", {"overflow": "fold"}), ("WHAT", {"ratio": 1, "overflow": "fold", "no_wrap": False})],
            [[loss.kind, loss.name, loss.what] for loss in report.losses],
        )
    if report.more_losses:
        output.note(f"and {report.more_losses} more")
    output.done(f"{'Nothing was written' if is_rehearsal else 'Imported'} ({output.span(seconds)}).")
