"""`python -m headrace_server`: the commands of `headrace server` without the rest of the command line."""

from __future__ import annotations

import sys

import click

from headrace import errors
from headrace_server.cli import server
from headrace_server.exits import exit_code_of


def main() -> int:
    """Run the command that the arguments name; returns the exit code."""
    try:
        result = server.main(prog_name="headrace server", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except errors.HeadraceError as error:
        click.echo(f"Error: {error}", err=True)
        return exit_code_of(error)
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())
