"""`headrace server database`: the version of the schema, and the whole as a file."""

from __future__ import annotations

import dataclasses
import json

import click

from headrace_migrations import run
from headrace_server.cli.backup import backup, restore
from headrace_server.cli.database_access import confirm, output_option, with_url

_BASE = "empty"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def database() -> None:
    """Bring the database to a version of the schema, back it up and restore it.

    It is the one that HEADRACE_DATABASE_URL names, else the embedded one.
    """


@database.command()
@click.option("-r", "--revision", default="head", show_default=True, help="Up to which revision; +1 is one step.")
def upgrade(revision: str) -> None:
    """Bring the database up to the newest revision, or to a named one."""
    click.echo(f"The database is at {with_url(lambda url: run.upgrade(url, revision)) or _BASE}.")


@database.command()
@click.option(
    "-r", "--revision", default="-1", show_default=True, help="Back to which revision; -1 is one step, base is nothing."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the database back to an earlier revision. What only the later ones can hold is lost."""
    confirm(f"Take the database back to {revision}? What only later revisions can hold is lost.", yes)
    found = with_url(lambda url: run.downgrade(url, revision), alone=True)
    click.echo(f"The database is at {found or _BASE}.")


@database.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Delete everything in the database and build it anew."""
    confirm("Delete everything in the database?", yes)
    click.echo(f"The database is empty and at {with_url(run.reset, alone=True)}.")


@database.command()
@output_option
def current(output: str) -> None:
    """Show the revision of the database."""
    found = with_url(run.current)
    newest = run.head()
    if output == "json":
        click.echo(json.dumps({"revision": found, "newest": newest}))
    elif found == newest:
        click.echo(f"{found} (newest)")
    else:
        click.echo(f"{found or _BASE}; newest is {newest}. `headrace server database upgrade` brings it there")


@database.command()
@output_option
def history(output: str) -> None:
    """List all revisions, newest first, and mark the one of the database."""
    steps = with_url(run.history)
    if output == "json":
        click.echo(json.dumps([dataclasses.asdict(step) for step in steps], indent=2))
        return
    for step in steps:
        click.echo(f"{'*' if step.is_current else ' '} {step.name:<24} {step.summary}")


database.add_command(backup)
database.add_command(restore)
