"""The supervisor's process: `python -m headrace_server.serve <options>`.

The command line replaces itself with it (or starts it in the background), so that what the command line
needs in memory does not stay for as long as the server runs. It loads next to nothing before it has spawned the
first server process, whose code takes longest to load: the rest of its own is loaded beside that.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Sequence
from typing import cast

from headrace_server.children import ServerProcess
from headrace_server.options import Options

INTERRUPTED = 130
"""The exit code that shells know for Ctrl-C."""


async def serve(options: Options) -> int:
    """Run a whole server until it is told to stop; return the exit code."""
    first = await ServerProcess.spawn(options.parts)
    try:
        return cast("int", await importlib.import_module("headrace_server.whole").run_whole(options, first))
    finally:
        # Only where the supervisor came to nothing is it still there.
        await first.stop(0)


def main(arguments: Sequence[str]) -> int:
    """Run with the options on the command line.

    Returns:
        The exit code.
    """
    try:
        return asyncio.run(serve(Options.from_argument(arguments[0])))
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
