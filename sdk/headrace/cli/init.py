"""`headrace init`."""

from __future__ import annotations

import pathlib

import click

from headrace import errors
from headrace.cli import output
from headrace.deployments.project_file import FILE_NAME
from headrace.deployments.templates import RECIPES, project_text


@click.command("init")
@click.option("--name", metavar="NAME", help="The project's name; the folder's if not given.")
@click.option(
    "--recipe",
    type=click.Choice(sorted(RECIPES)),
    help="How runs get the code; by git where the folder is a clone, else from this folder.",
)
@click.option("--pool", default="default", show_default=True, metavar="NAME", help="The work pool of the deployments.")
def command(name: str | None, recipe: str | None, pool: str) -> None:
    """Write a project file for the flows that are found in this folder."""
    file = pathlib.Path(FILE_NAME)
    if file.exists():
        raise errors.AlreadyExists(f"There is a {FILE_NAME} already.")
    text, flows = project_text(pathlib.Path.cwd(), name=name, recipe=recipe, pool=pool)
    file.write_text(text, encoding="utf-8")
    found = f"with {len(flows)} flow(s): {', '.join(flows)}" if flows else "with an example; no flows were found"
    output.done(f"{FILE_NAME} written, {found}.")
    output.note(
        f"Look at it, then: headrace deploy --all. Its work pool is '{pool}'; if there is none yet, make it with:"
        f" headrace work-pool create {pool}, and start a worker with: headrace worker start --pool {pool}"
    )
