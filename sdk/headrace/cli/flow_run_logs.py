"""`headrace flow-run logs`."""

from __future__ import annotations

import pathlib

import click

from headrace.api.v1 import log_pb2
from headrace.cli import logs, lookup, moments, output

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


@click.command("logs")
@click.argument("run")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on until the run has ended; with --children, until all of them have."
)
@click.option("--head", type=click.IntRange(1), metavar="N", help="Only the first N lines.")
@click.option("--tail", type=click.IntRange(1), metavar="N", help="Only the last N lines.")
@click.option("--children", is_flag=True, help="Also the lines of the flow runs below it.")
@click.option("--level", type=click.Choice(list(_LEVELS)), help="This level or above.")
@click.option("--search", metavar="TEXT", help='Only lines with these words; -word leaves out, "..." is a phrase.')
@click.option("--match-case", is_flag=True, help="Tell upper and lower case apart in the search.")
@click.option("--whole-words", is_flag=True, help="Find only whole words.")
@click.option("--task", "tasks", multiple=True, metavar="ID", help="Only of this task run; may be repeated.")
@click.option("--logger", "loggers", multiple=True, metavar="NAME", help="Only of this logger; may be repeated.")
@click.option("--worker", "workers", multiple=True, metavar="ID", help="Only of this worker; may be repeated.")
@click.option("--since", metavar="TIME", help="Only from this time on, e.g. 2030-01-31T08:00.")
@click.option("--until", metavar="TIME", help="Only before this time.")
@click.option("--format", "form", type=click.Choice(list(logs.FORMATS)), help="Write the whole log as a document.")
@click.option("--file", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="Where to write the document.")
@click.option("--strip-ansi", is_flag=True, help="Write the document without colours and other ANSI codes.")
@output.output_option
def show_logs(
    run: str,
    follow: bool,
    head: int | None,
    tail: int | None,
    children: bool,
    level: str | None,
    search: str | None,
    match_case: bool,
    whole_words: bool,
    tasks: tuple[str, ...],
    loggers: tuple[str, ...],
    workers: tuple[str, ...],
    since: str | None,
    until: str | None,
    form: str | None,
    file: pathlib.Path | None,
    strip_ansi: bool,
    as_json: bool,
) -> None:
    """Show the log of a flow run, its task runs' lines with it, or write it to a file."""
    is_document = form is not None or file is not None
    if head is not None and (tail is not None or follow):
        raise click.UsageError("--head goes neither with --tail nor with --follow.")
    if follow and as_json:
        raise click.UsageError("--follow does not go with -o json.")
    if is_document and (follow or as_json or head is not None or tail is not None):
        raise click.UsageError("A document has the whole log: leave out --follow, --head, --tail and -o.")
    if strip_ansi and not is_document:
        raise click.UsageError("--strip-ansi is for documents: add --format or --file.")
    chosen = log_pb2.LogFilter(
        flow_run_ids=[lookup.flow_run(run).flow_run_id],
        with_children=children,
        level_at_least=_LEVELS[level] if level else 0,
        text=search or "",
        match_case=match_case,
        whole_words=whole_words,
        task_run_ids=tasks,
        loggers=loggers,
        worker_ids=workers,
    )
    if since:
        getattr(chosen.occurred, "from").FromDatetime(moments.parse_moment(since))
    if until:
        chosen.occurred.until.FromDatetime(moments.parse_moment(until))
    if is_document:
        logs.download(chosen, form=form or "text", strip_ansi=strip_ansi, file=file)
        return
    if follow:
        logs.follow(chosen, tail=tail or 0)
        return
    records = logs.read(chosen, head=head, tail=tail)
    if as_json:
        output.print_json(records)
    else:
        logs.show(records)
