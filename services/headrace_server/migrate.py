"""Brings a database up to date: `python -m headrace_server.migrate` with the URL on standard input.

The exit code is 0 if it is up to date; else standard output has one sentence that says why it is not.
"""

from __future__ import annotations

import asyncio
import sys

from headrace import errors
from headrace_chassis.logs import configure_logging
from headrace_migrations import run


def main() -> int:
    """Migrate the database whose URL is on standard input."""
    configure_logging("WARNING")
    try:
        asyncio.run(run.upgrade(sys.stdin.read().strip()))
    except errors.HeadraceError as error:
        sys.stdout.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
