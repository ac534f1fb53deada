"""The command line: `headrace`.

Each group of commands is a module that is imported when it is called, so that `headrace --version` and `--help`
stay fast. Commands of an extra (`headrace server`) come from entry points of the group `headrace.commands`.
"""

from __future__ import annotations

import sys

from headrace import __version__


def main() -> None:
    """Run the command that the arguments name."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(__version__)
        return
    try:
        from headrace.cli.root import run

        run()
    except KeyboardInterrupt:
        # While it still loads its code.
        sys.exit(130)
