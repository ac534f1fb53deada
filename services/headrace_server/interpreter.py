"""How the processes of a server are started."""

from __future__ import annotations

import sys


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs a module of ours as a process.

    The folder that a server is started in is not searched for modules: what lies there is somebody's own, and a
    `queue.py` or `types.py` among it would be loaded in place of Python's.
    """
    return [sys.executable, "-P", "-m", module, *arguments]
