"""`headrace completion`: commands and options by the TAB key."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_HEADRACE_COMPLETE"
_USES = {
    "bash": 'eval "$(headrace completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(headrace completion zsh)" in ~/.zshrc',
    "fish": "headrace completion fish > ~/.config/fish/completions/headrace.fish",
}


@click.command("completion", epilog="\b\n" + "\n".join(f"{shell:5} {use}" for shell, use in _USES.items()))
@click.argument("shell", type=click.Choice(list(_USES)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print what lets a shell complete commands and options.

    This goes into a file that the shell reads when it starts:
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is nothing for {shell}.")
    click.echo(kind(context.find_root().command, {}, "headrace", _VARIABLE).source())
