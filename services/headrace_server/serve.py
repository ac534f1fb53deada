"""The supervisor's process: `python -m headrace_server.serve <options>`.

The command line replaces itself with it (or starts it in the background), so that what the command line
needs in memory does not stay for as long as the server runs.
"""

from __future__ import annotations

import asyncio
import shutil
import sys

from headrace_chassis.settings import ServerSettings
from headrace_server.entry import run, tell
from headrace_server.home import Home
from headrace_server.options import Options
from headrace_server.supervisor import Supervisor


async def serve(chosen: Options, settings: ServerSettings) -> None:
    """Run a whole server until it is told to stop."""
    home = Home.of_environment()
    supervisor = Supervisor(home, settings, chosen.database, chosen.parts, tell=tell, log_file=chosen.log_file)
    if not chosen.is_ephemeral:
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


if __name__ == "__main__":
    sys.exit(run(serve))
