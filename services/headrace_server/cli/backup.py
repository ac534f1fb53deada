"""`headrace server database backup` and `restore`: everything that the server keeps, as one file."""

from __future__ import annotations

import json
import pathlib

import click

from headrace_server.cli.database_access import confirm, output_option, with_url
from headrace_server.postgres import dumping


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=pathlib.Path))
@output_option
def backup(file: pathlib.Path, output: str) -> None:
    """Write everything that the server keeps to FILE. Servers may go on meanwhile.

    The key that secrets are encrypted with is not in the database and so not in FILE: keep it, too, elsewhere.
    """
    revision = with_url(lambda url: dumping.backup(url, file))
    size = file.stat().st_size
    if output == "json":
        click.echo(json.dumps({"file": str(file), "bytes": size, "revision": revision}))
    else:
        click.echo(f"Wrote {file} ({size:,} bytes, version {revision}).")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=pathlib.Path))
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@output_option
def restore(file: pathlib.Path, yes: bool, output: str) -> None:
    """Put what `backup` wrote to FILE in the place of everything in the database, and bring it up to this release.

    No server may be running. If FILE cannot be read to its end, nothing has changed.
    """
    confirm(f"Put {file} in the place of everything in the database?", yes)
    revision = with_url(lambda url: dumping.restore(url, file), alone=True)
    if output == "json":
        click.echo(json.dumps({"file": str(file), "revision": revision}))
    else:
        click.echo(f"The database is what {file} says, and at {revision}.")
