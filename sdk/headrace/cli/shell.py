"""`headrace shell ...`: commands of the shell as flow runs."""

from __future__ import annotations

import os
from typing import Any

import click

from headrace import deployments
from headrace.cli import moments, output
from headrace.context import tags as tagged
from headrace.shell import run_command


@click.group("shell")
def command() -> None:
    """Run commands of the shell as flow runs."""


@command.command("watch")
@click.argument("shell_command", metavar="COMMAND")
@click.option("--flow-name", help="The name of the flow; shell-command if not given.")
@click.option("--flow-run-name", help="The run's name.")
@click.option("--tag", "tags", multiple=True, help="A tag of the run; may be repeated.")
@click.option("--retries", default=0, show_default=True, type=click.IntRange(0), help="How often it is tried again.")
@click.option("--timeout", metavar="SPAN", help="How long it may take, e.g. 90s or 1h.")
def watch(
    shell_command: str,
    flow_name: str | None,
    flow_run_name: str | None,
    tags: tuple[str, ...],
    retries: int,
    timeout: str | None,
) -> int:
    """Run a COMMAND here as a flow run, whose log is its output; exits with 6 unless it completes."""
    options: dict[str, Any] = {"retries": retries}
    if flow_name is not None:
        options["name"] = flow_name
    if flow_run_name is not None:
        options["flow_run_name"] = flow_run_name.replace("{", "{{").replace("}", "}}")
    if timeout is not None:
        options["timeout_seconds"] = moments.parse_span(timeout).total_seconds()
    with tagged(*tags):
        state = run_command.with_options(**options)(shell_command, return_state=True)
    if state.is_completed():
        return output.ExitCode.OK
    output.note(f"The run is {state.name}: {state.message.partition(chr(10))[0]}")
    return output.ExitCode.RUN_NOT_COMPLETED


@command.command("serve")
@click.argument("shell_command", metavar="COMMAND")
@click.option("-n", "--name", required=True, metavar="NAME", help="The deployment's name.")
@click.option("--cron", metavar="EXPRESSION", help="When it runs, as cron.")
@click.option("--interval", metavar="SPAN", help="How often it runs, e.g. 90s or 1d.")
@click.option("--timezone", default="", metavar="ZONE", help="IANA time zone of the schedule.")
@click.option("--tag", "tags", multiple=True, help="A tag of the deployment; may be repeated.")
@click.option("--concurrency-limit", type=click.IntRange(1), metavar="N", help="How many runs at once.")
def serve(
    shell_command: str,
    name: str,
    cron: str | None,
    interval: str | None,
    timezone: str,
    tags: tuple[str, ...],
    concurrency_limit: int | None,
) -> None:
    """Make a COMMAND runnable, in this folder and on this machine, until Ctrl-C."""
    deployments.serve(
        run_command,
        name=name,
        entrypoint="headrace.shell.run_command",
        cron=cron,
        interval=moments.parse_span(interval) if interval is not None else None,
        timezone=timezone,
        parameters={"command": shell_command, "directory": os.getcwd()},
        description=f"Runs `{shell_command}`.",
        tags=tags,
        concurrency_limit=concurrency_limit,
    )
