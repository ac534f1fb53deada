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


def run(
    work: Callable[[Options, ServerSettings], Coroutine[Any, Any, None]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> int:
    """Run the main coroutine of a process with the options on its command line.

    Args:
        work: The main coroutine.
        loop_factory: Makes the event loop; None takes the one of the standard library.

    Returns:
        The exit code; what went wrong stands on standard error.
    """
    options = Options.from_argument(sys.argv[1])
    try:
        settings = ServerSettings.load(**options.settings)
        configure_logging(settings.log_level)
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(work(options, settings))
    except errors.HeadraceError as error:
        sys.stderr.write(f"Error: {error}\n")
        return exit_code_of(error)
    return 0


def tell(text: str) -> None:
    """Show a line to whoever has started the process; a terminal that was closed, or a pipe, takes none any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
