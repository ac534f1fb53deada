"""`headrace server database`: the version of the schema."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import click

from headrace import errors
from headrace_chassis.database import address
from headrace_chassis.settings import ServerSettings
from headrace_migrations import run
from headrace_server.home import Home
from headrace_server.postgres.keeper import PostgresKeeper

Result = TypeVar("Result")

_BASE = "empty"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def database() -> None:
    """Bring the database to a version of the schema.

    It is the one that HEADRACE_DATABASE_URL names, else the embedded one.
    """


def _output_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )(command)


@database.command()
@click.option("-r", "--revision", default="head", show_default=True, help="Up to which revision; +1 is one step.")
def upgrade(revision: str) -> None:
    """Bring the database up to the newest revision, or to a named one."""
    click.echo(f"The database is at {_with_url(lambda url: run.upgrade(url, revision)) or _BASE}.")


@database.command()
@click.option(
    "-r", "--revision", default="-1", show_default=True, help="Back to which revision; -1 is one step, base is nothing."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def downgrade(revision: str, yes: bool) -> None:
    """Take the database back to an earlier revision. What only the later ones can hold is lost."""
    _confirm(f"Take the database back to {revision}? What only later revisions can hold is lost.", yes)
    found = _with_url(lambda url: run.downgrade(url, revision), alone=True)
    click.echo(f"The database is at {found or _BASE}.")


@database.command()
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Delete everything in the database and build it anew."""
    _confirm("Delete everything in the database?", yes)
    click.echo(f"The database is empty and at {_with_url(run.reset, alone=True)}.")


@database.command()
@_output_option
def current(output: str) -> None:
    """Show the revision of the database."""
    found = _with_url(run.current)
    newest = run.head()
    if output == "json":
        click.echo(json.dumps({"revision": found, "newest": newest}))
    elif found == newest:
        click.echo(f"{found} (newest)")
    else:
        click.echo(f"{found or _BASE}; newest is {newest}. `headrace server database upgrade` brings it there")


@database.command()
@_output_option
def history(output: str) -> None:
    """List all revisions, newest first, and mark the one of the database."""
    steps = _with_url(run.history)
    if output == "json":
        click.echo(json.dumps([dataclasses.asdict(step) for step in steps], indent=2))
        return
    for step in steps:
        click.echo(f"{'*' if step.is_current else ' '} {step.name:<24} {step.summary}")


def _confirm(question: str, yes: bool) -> None:
    if not yes and not click.confirm(question):
        raise click.Abort


def _with_url(work: Callable[[str], Awaitable[Result]], *, alone: bool = False) -> Result:
    """Run `work` with the URL of the database.

    Args:
        work: What to do.
        alone: Whether no server of this home may be running meanwhile.
    """

    async def main() -> Result:
        async with _database_url(alone=alone) as url:
            return await work(url)

    return asyncio.run(main())


@contextlib.asynccontextmanager
async def _database_url(*, alone: bool) -> AsyncIterator[str]:
    home = Home.of_environment()
    settings = ServerSettings.load()
    running = home.running()
    if alone and running is not None:
        raise errors.FailedPrecondition(
            f"a server (process {running.pid}) is using the database; stop it with `headrace server stop` first",
            reason="SERVER_RUNNING",
        )
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        click.echo(f"Database: {address(url)}", err=True)
        yield url
        return
    home.ensure()
    keeper = PostgresKeeper.of_home(home.postgres, processes=settings.processes)
    click.echo(f"Database: {home.postgres}", err=True)
    if running is not None:
        yield keeper.url
        return
    with home.lock():
        try:
            await keeper.start()
            yield keeper.url
        finally:
            await keeper.stop()
