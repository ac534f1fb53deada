"""`headrace deploy`."""

from __future__ import annotations

import logging
import pathlib

import click

from headrace.cli import output
from headrace.deployments.project_file import FILE_NAME, read_project_file
from headrace.deployments.projects import Outcome, ProjectDeployment
from headrace.settings import get_settings


@click.command("deploy")
@click.option("-n", "--name", "names", multiple=True, metavar="NAME", help="Only this deployment; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="All deployments of the file.")
@click.option(
    "-f",
    "--file",
    "path",
    default=FILE_NAME,
    show_default=True,
    type=click.Path(dir_okay=False, path_type=pathlib.Path),
    help="The project file.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change; run no steps and change nothing.")
@click.option("-m", "--message", default="", help="What to say about the new versions.")
@click.option("--promote/--no-promote", default=True, show_default=True, help="Let new runs take the new version.")
@output.output_option
def command(
    names: tuple[str, ...],
    everything: bool,
    path: pathlib.Path,
    dry_run: bool,
    message: str,
    promote: bool,
    as_json: bool,
) -> None:
    """Create and change deployments as the project file says.

    A deployment that is as the file says is left alone, so the command can be repeated.
    """
    logging.basicConfig(level=get_settings().logging_level, format="%(message)s")
    project = read_project_file(path)
    if names and everything:
        raise click.UsageError("--name and --all exclude each other.")
    if not names and not everything and len(project.deployment_names) > 1:
        raise click.UsageError(
            f"{path} has {len(project.deployment_names)} deployments"
            f" ({', '.join(project.deployment_names)}): choose by --name, or say --all."
        )
    work = ProjectDeployment(project, is_trial=dry_run, message=message, is_promoted=promote)
    outcomes = []
    for outcome in work.deploy(names):
        outcomes.append(outcome)
        if not as_json:
            _show(outcome, dry_run)
    for warning in work.warnings:
        output.note(f"Warning: {warning}")
    if as_json:
        output.print_json([_plain(outcome) for outcome in outcomes])


def _show(outcome: Outcome, is_trial: bool) -> None:
    changed = bool(outcome.changes)
    if outcome.is_new:
        what = "would be created" if is_trial else "created"
    elif changed:
        what = "would be changed" if is_trial else "changed"
    else:
        what = "is as the file says"
    number = f", version {outcome.deployment.version_number}" if outcome.deployment is not None else ""
    output.console.print(
        f"{'+' if outcome.is_new else '~' if changed else '='} {outcome.name} {what}{number}", markup=False
    )
    if not is_trial and outcome.is_new:
        return
    for change in outcome.changes:
        for sign, value, style in (("-", change.before, "red"), ("+", change.after, "green")):
            if value is not None:
                output.console.print(f"    {sign} {change.name}: {value}", markup=False, style=style, soft_wrap=True)


def _plain(outcome: Outcome) -> dict[str, object]:
    return {
        "name": outcome.name,
        "created": outcome.is_new,
        "new_version": outcome.new_version,
        "changes": [
            {"name": change.name, "before": change.before, "after": change.after} for change in outcome.changes
        ],
        "deployment": outcome.deployment,
    }
