"""The root command: finds groups without importing them, and turns errors into messages and exit codes."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from headrace import __version__, errors
from headrace.cli import output

_GROUPS = {
    "api": ("headrace.cli.api", "Call the HTTP API as it is."),
    "api-key": ("headrace.cli.api_key", "Keep API keys, one's own and those of service accounts."),
    "artifact": ("headrace.cli.artifact", "See what runs made for people to look at."),
    "asset": ("headrace.cli.asset", "See what runs made for others to use, and from what."),
    "bulk-operation": ("headrace.cli.bulk_operation", "See, follow and stop changes of many flow runs."),
    "audit": ("headrace.cli.audit", "See who changed what, and who tried to."),
    "backfill": ("headrace.cli.backfill", "Make up for the past: runs for many times or parameters."),
    "block": ("headrace.cli.block", "Keep typed configuration with secrets."),
    "calendar": ("headrace.cli.calendar", "Keep days on which schedules make no runs."),
    "channel": ("headrace.cli.channel", "Keep where people are told what happened: Slack, e-mail and others."),
    "concurrency-limit": ("headrace.cli.concurrency_limit", "Limit how many run at once."),
    "completion": ("headrace.cli.completion", "Let a shell complete commands and options."),
    "config": ("headrace.cli.config", "See and change settings."),
    "delivery": ("headrace.cli.delivery", "See what was sent to channels, send it again, acknowledge it."),
    "deploy": ("headrace.cli.deploy", "Create and change deployments as the project file says."),
    "deployment": ("headrace.cli.deployment", "See, run, pause and delete deployments."),
    "event": ("headrace.cli.event", "See and follow events."),
    "automation": ("headrace.cli.automation", "See automations and what they did."),
    "flow": ("headrace.cli.flow", "See and serve flows."),
    "flow-run": ("headrace.cli.flow_run", "See, follow, cancel, retry, tag and delete flow runs."),
    "identity-provider": ("headrace.cli.identity_provider", "Say who else vouches for people and machines."),
    "import": ("headrace.cli.import_", "Take over what stands on another orchestrator."),
    "init": ("headrace.cli.init", "Write a project file for the flows of this folder."),
    "notification-policy": ("headrace.cli.notification_policy", "Tell channels when runs enter states."),
    "log": ("headrace.cli.log", "Limit, keep and send on what runs log."),
    "login": ("headrace.cli.login", "Sign in, and keep a key of yours."),
    "logout": ("headrace.cli.logout", "Revoke the key of the active profile, and forget it."),
    "open": ("headrace.cli.pages", "Open the pages of the server in a browser."),
    "profile": ("headrace.cli.profile", "Keep settings for several servers."),
    "role": ("headrace.cli.role", "Keep roles, and who holds them where."),
    "service-account": ("headrace.cli.service_account", "Keep names under which programs call the server."),
    "shell": ("headrace.cli.shell", "Run commands of the shell as flow runs."),
    "setup": ("headrace.cli.setup", "Become the owner of a new server, or take an invitation up."),
    "task": ("headrace.cli.task", "Serve background tasks, and see who does."),
    "task-run": ("headrace.cli.task_run", "See task runs."),
    "team": ("headrace.cli.team", "Keep teams, which hold roles together."),
    "user": ("headrace.cli.user", "Keep the people of the account."),
    "variable": ("headrace.cli.variable", "Keep named values that flows read."),
    "version": ("headrace.cli.version", "Show versions of client, server and Python."),
    "webhook": ("headrace.cli.webhook", "Take calls of other systems as events."),
    "whoami": ("headrace.cli.whoami", "Show who the server takes this machine for."),
    "work-pool": ("headrace.cli.work_pool", "See and change work pools and their queues."),
    "worker": ("headrace.cli.worker", "Start and see workers."),
    "workspace": ("headrace.cli.workspace", "Keep workspaces, and choose one."),
}
_EXTRAS = {"server": ("server", "Start, stop and look after a server.")}
"""Groups that come with an extra of the distribution: name -> extra, help."""

_ENTRY_POINTS = "headrace.commands"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of all commands, of missing extras too."""
        return sorted({*_GROUPS, *_EXTRAS, *(point.name for point in _entry_points())})

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Return a command; None if there is none of that name.

        Raises:
            click.ClickException: The command comes with an extra that is not installed.
        """
        if name in _GROUPS:
            command = importlib.import_module(_GROUPS[name][0]).command
        else:
            command = _load_extra(name)
        return command if isinstance(command, click.Command) else None

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return what can follow, without importing any command."""
        helps = {name: text for name, (_place, text) in {**_GROUPS, **_EXTRAS}.items()}
        names = [name for name in self.list_commands(context) if name.startswith(incomplete)]
        options = click.Command.shell_complete(self, context, incomplete)
        return [*(CompletionItem(name, help=helps.get(name, "")) for name in names), *options]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        helps = {name: text for name, (_place, text) in {**_GROUPS, **_EXTRAS}.items()}
        rows = [(name, helps.get(name, "")) for name in self.list_commands(context)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _entry_points() -> list[importlib.metadata.EntryPoint]:
    return list(importlib.metadata.entry_points(group=_ENTRY_POINTS))


def _load_extra(name: str) -> object:
    for point in _entry_points():
        if point.name == name:
            try:
                return point.load()
            except ModuleNotFoundError as error:
                if error.name is not None and error.name.partition(".")[0].startswith("headrace"):
                    raise
                extra = _EXTRAS.get(name, (name, ""))[0]
                raise click.ClickException(
                    f"`headrace {name}` needs packages that are not installed ({error.name})."
                    f' Install them with: pip install "headrace[{extra}]"'
                ) from error
    if name in _EXTRAS:
        raise click.ClickException(
            f'`headrace {name}` is not installed. Install it with: pip install "headrace[{_EXTRAS[name][0]}]"'
        )
    return None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", message="%(version)s")
@click.option("-p", "--profile", metavar="NAME", help="Take settings from this profile.")
def root(profile: str | None) -> None:
    """Run Python workflows, on time, on any machine, and see what they do."""
    if profile is not None:
        output.choose_profile(profile)


def run(arguments: list[str] | None = None) -> Any:
    """Run the command line and exit with a meaningful code (`output.ExitCode`)."""
    for stream in (sys.stdout, sys.stderr):
        # Names may hold what a terminal's encoding does not have.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = root.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.Abort:
        output.note("Interrupted.")
        sys.exit(output.ExitCode.INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except errors.HeadraceError as error:
        output.show_error(error)
        sys.exit(output.exit_code_of(error))
    except KeyboardInterrupt:
        output.note("Interrupted.")
        sys.exit(output.ExitCode.INTERRUPTED)
    except BrokenPipeError:
        # The reader has seen enough (`| head`).
        sys.stdout = None
        sys.exit(output.ExitCode.OK)
    sys.exit(result if isinstance(result, int) else output.ExitCode.OK)
