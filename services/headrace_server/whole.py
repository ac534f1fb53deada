"""A whole server from its options, for as long as it has an owner."""

from __future__ import annotations

import asyncio
import functools
import shutil
import sys

from headrace_chassis.settings import ServerSettings
from headrace_server.children import ServerProcess
from headrace_server.entry import attend, tell
from headrace_server.home import Home
from headrace_server.options import Options
from headrace_server.supervisor import Supervisor


async def run_whole(options: Options, first: ServerProcess) -> int:
    """Run a server until it is told to stop.

    Args:
        options: How.
        first: A server process that was spawned ahead.

    Returns:
        The exit code; what went wrong stands on standard error.
    """
    return await attend(functools.partial(_supervise, first), options)


async def _supervise(first: ServerProcess, options: Options, settings: ServerSettings) -> None:
    home = Home.of_environment()
    supervisor = Supervisor(
        home, settings, options.database, options.parts, tell=tell, log_file=options.log_file, first=first
    )
    if not options.is_ephemeral:
        await supervisor.run()
        return
    loop, standard_input, has_owner = asyncio.get_running_loop(), sys.stdin.fileno(), True

    def owner_has_gone() -> None:
        nonlocal has_owner
        has_owner = False
        loop.remove_reader(standard_input)
        supervisor.stop()

    loop.add_reader(standard_input, owner_has_gone)
    try:
        await supervisor.run()
    finally:
        if not has_owner:
            shutil.rmtree(home.root, ignore_errors=True)
