"""What commands about the database share: which one it is, and how they ask and answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import click

from headrace import errors
from headrace_chassis.postgres_address import address
from headrace_chassis.settings import ServerSettings
from headrace_server.home import Home
from headrace_server.postgres.keeper import PostgresKeeper

Result = TypeVar("Result")


def output_option(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the option that chooses between words and JSON."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="For people or for programs.",
    )(command)


def confirm(question: str, yes: bool) -> None:
    """Go on if the user says so, or has said so before."""
    if not yes and not click.confirm(question):
        raise click.Abort


def with_url(work: Callable[[str], Awaitable[Result]], *, alone: bool = False) -> Result:
    """Run `work` with the URL of the database, and return what it returns.

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
