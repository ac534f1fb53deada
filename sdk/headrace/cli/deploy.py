"""`headrace deploy`: deployments as a project file says, or one as options say."""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Mapping
from typing import Any

import click

from headrace.cli import output
from headrace.cli.described import DescribedProject, describing_options
from headrace.deployments.project_file import FILE_NAME, ProjectFile, read_project_file
from headrace.deployments.projects import Outcome, ProjectDeployment
from headrace.settings import get_settings


@click.command("deploy")
@click.argument("entrypoint", required=False)
@click.option(
    "-n",
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this deployment, or as * and ? fit; may be repeated. With ENTRYPOINT the deployment's name.",
)
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
@describing_options
@output.output_option
def command(
    entrypoint: str | None,
    names: tuple[str, ...],
    everything: bool,
    path: pathlib.Path,
    dry_run: bool,
    message: str,
    promote: bool,
    described: dict[str, Any],
    as_json: bool,
) -> None:
    """Create and change deployments as the project file says, or one as the options say.

    A deployment that is as it should be is left alone, so the command can be repeated.

    With ENTRYPOINT, which is file.py:function, package.module:function or package.module.function, the flow that
    is there becomes one deployment, described by --name, --pool and the options that follow. Where there is a project
    file, its steps are run for it, too.
    """
    logging.basicConfig(level=get_settings().logging_level, format="%(message)s")
    if entrypoint is None:
        project = _of_file(path, names, everything, described)
    else:
        project, names = _of_options(path, entrypoint, names, everything, described), ()
    work = ProjectDeployment(project, is_trial=dry_run, message=message, is_promoted=promote)
    outcomes = []
    for outcome in work.deploy(names):
        outcomes.append(outcome)
        if not as_json:
            _show(outcome, dry_run, "is as the file says" if entrypoint is None else "is as it should be")
    for warning in work.warnings:
        output.note(f"Warning: {warning}")
    if as_json:
        output.print_json([_plain(outcome) for outcome in outcomes])


def _of_file(path: pathlib.Path, names: tuple[str, ...], everything: bool, described: Mapping[str, Any]) -> ProjectFile:
    if described:
        raise click.UsageError(f"Options that describe a deployment go with ENTRYPOINT; else {path} describes it.")
    project = read_project_file(path)
    if names and everything:
        raise click.UsageError("--name and --all exclude each other.")
    if not names and not everything and len(project.deployment_names) > 1:
        raise click.UsageError(
            f"{path} has {len(project.deployment_names)} deployments"
            f" ({', '.join(project.deployment_names)}): choose by --name, or say --all."
        )
    return project


def _of_options(
    path: pathlib.Path, entrypoint: str, names: tuple[str, ...], everything: bool, described: Mapping[str, Any]
) -> ProjectFile:
    if everything:
        raise click.UsageError("--all deploys what the project file names; ENTRYPOINT names one flow.")
    if len(names) != 1:
        raise click.UsageError("Name the deployment with --name, once.")
    if "name" not in described.get("work_pool", {}):
        raise click.UsageError("Say with --pool whose workers run it; `headrace work-pool ls` shows the pools.")
    base = read_project_file(path) if path.exists() or path != pathlib.Path(FILE_NAME) else None
    return DescribedProject(path, {"name": names[0], "entrypoint": entrypoint, **described}, base)


def _show(outcome: Outcome, is_trial: bool, unchanged: str) -> None:
    changed = bool(outcome.changes)
    if outcome.is_new:
        what = "would be created" if is_trial else "created"
    elif changed:
        what = "would be changed" if is_trial else "changed"
    else:
        what = unchanged
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
