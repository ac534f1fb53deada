"""The group `headrace server`, whose commands are loaded when they are called."""

from __future__ import annotations

import importlib

import click

from headrace_server.extra import what_is_missing

_COMMANDS = {
    "database": ("headrace_server.cli.database", "Bring the database to a version of the schema."),
    "edge": ("headrace_server.cli.edge", "Write the files of an Envoy that stands in front."),
    "retention": ("headrace_server.cli.retention", "See and set for how long what is over is kept."),
    "rotate-keys": ("headrace_server.cli.keys", "Encrypt secrets anew, with a new key."),
    "sizes": ("headrace_server.cli.retention", "Show how much room each table takes."),
    "start": ("headrace_server.cli.start", "Start a server."),
    "status": ("headrace_server.cli.control", "Show the server of this machine."),
    "stop": ("headrace_server.cli.control", "Stop the server of this machine."),
}


class LazyGroup(click.Group):
    """Loads the module of a command when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of that name.

        Raises:
            click.ClickException: What the server needs is not installed.
        """
        if cmd_name not in _COMMANDS:
            return None
        if missing := what_is_missing():
            raise click.ClickException(missing)
        command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def server() -> None:
    """Start, stop and look after a server."""
