"""The supervisor's process: `python -m headrace_server.serve <options>`.

The command line replaces itself with it (or starts it in the background), so that what the command line
needs in memory does not stay for as long as the server runs.
"""

from __future__ import annotations

import sys

from headrace_chassis.settings import ServerSettings
from headrace_server.entry import run, tell
from headrace_server.home import Home
from headrace_server.options import Options
from headrace_server.supervisor import Supervisor


async def serve(chosen: Options, settings: ServerSettings) -> None:
    """Run a whole server until it is told to stop."""
    supervisor = Supervisor(
        Home.of_environment(),
        settings,
        chosen.database,
        chosen.parts,
        tell=tell,
        log_file=chosen.log_file,
    )
    await supervisor.run()


if __name__ == "__main__":
    sys.exit(run(serve))
