"""A machine with Prefect's own client, which knows nothing of Headrace but the address of a server."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping
from typing import Any

from headrace_harness.machine import Done, Machine, Program

_ROOT = pathlib.Path(__file__).parents[2]
PYTHON = pathlib.Path(os.environ.get("PREFECT_PYTHON") or _ROOT / ".venv-prefect" / "bin" / "python")
"""The interpreter that has the client: the one that `make prefect` builds, or `PREFECT_PYTHON`."""
OLDEST_PYTHON = pathlib.Path(
    os.environ.get("OLDEST_PREFECT_PYTHON") or _ROOT / ".venv-prefect-oldest" / "bin" / "python"
)
"""The interpreter that has the oldest client that is served; else `OLDEST_PREFECT_PYTHON`."""
NEWEST_PYTHON = pathlib.Path(
    os.environ.get("NEWEST_PREFECT_PYTHON") or _ROOT / ".venv-prefect-newest" / "bin" / "python"
)
"""The interpreter that has the newest client that is served; else `NEWEST_PREFECT_PYTHON`."""
RUN_SECONDS = 180.0
"""A process of the client takes seconds to begin, on a busy machine many."""


def is_built() -> bool:
    """Return whether the client is there."""
    return PYTHON.exists()


class PrefectMachine(Machine):
    """A machine with the client.

    Args:
        folder: The current folder of all programs; holds the homes, too.
        http_url: Where the server is.
        variables: Further variables.
    """

    def __init__(self, folder: pathlib.Path, http_url: str, variables: Mapping[str, str] | None = None) -> None:
        super().__init__(
            folder,
            http_url,
            {
                "PREFECT_API_URL": f"{http_url}/api",
                "PREFECT_HOME": str(folder / "prefect"),
                "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
                "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
                "PREFECT_CLI_COLORS": "false",
                "DO_NOT_TRACK": "1",
                **(variables or {}),
            },
        )

    async def prefect_python(self, *arguments: str, **options: Any) -> Done:
        """Run a script with the client to its end; arguments as of `run`."""
        return await self.run(str(PYTHON), *arguments, **{"seconds": RUN_SECONDS, **options})

    async def prefect(self, *arguments: str, **options: Any) -> Done:
        """Run a `prefect` command to its end; arguments as of `run`."""
        return await self.prefect_python("-m", "prefect", *arguments, **options)

    def start_prefect_python(self, *arguments: str, **variables: str) -> Program:
        """Start a script with the client; see `start`."""
        return self.start(str(PYTHON), *arguments, **variables)

    def start_prefect(self, *arguments: str, **variables: str) -> Program:
        """Start a `prefect` command; see `start`."""
        return self.start(str(PYTHON), "-m", "prefect", *arguments, **variables)
