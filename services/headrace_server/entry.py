"""The main of the processes that the command line becomes or starts."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from headrace import errors
from headrace_chassis.logs import configure_logging
from headrace_chassis.settings import ServerSettings
from headrace_server.exits import exit_code_of
from headrace_server.options import Options

Work = Callable[[Options, ServerSettings], Coroutine[Any, Any, None]]
"""The main coroutine of a process."""


async def attend(work: Work, options: Options) -> int:
    """Do the work of a process with what its command line and its environment say.

    Returns:
        The exit code; what went wrong stands on standard error.
    """
    try:
        settings = ServerSettings.load(**options.settings)
        configure_logging(settings.log_level)
        await work(options, settings)
    except errors.HeadraceError as error:
        sys.stderr.write(f"Error: {error}\n")
        return exit_code_of(error)
    return 0


def run(work: Work, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> int:
    """Run the main coroutine of a process with the options on its command line.

    Args:
        work: The main coroutine.
        loop_factory: Makes the event loop.

    Returns:
        The exit code.
    """
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(attend(work, Options.from_argument(sys.argv[1])))


def tell(text: str) -> None:
    """Show a line to whoever has started the process; a terminal that was closed, or a pipe, takes none any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
