"""What an earlier supervisor that was killed left behind on the data of a cluster."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import signal

import psutil

from headrace import errors

logger = logging.getLogger(__name__)

END_SECONDS = 30.0
"""How long a Postgres may take to write everything and end, before it has to end at once."""


def end_leftovers(data: pathlib.Path) -> None:
    """End the processes of an earlier Postgres on `data`, and remove its lock file.

    Postgres takes any living process with the number in its lock file for itself; after a restart of a
    container that may be a stranger.

    Raises:
        errors.FailedPrecondition: One does not end.
    """
    processes = _processes(data)
    for process in processes:
        logger.warning("ending process %d of an earlier Postgres on the same data", process.pid)
    for number in (signal.SIGINT, signal.SIGQUIT):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, processes = psutil.wait_procs(processes, timeout=END_SECONDS)
        if not processes:
            break
    if processes:
        raise errors.FailedPrecondition(
            f"an earlier Postgres (process {processes[0].pid}) uses {data} and does not end", reason="DATA_IN_USE"
        )
    (data / "postmaster.pid").unlink(missing_ok=True)


def _processes(data: pathlib.Path) -> list[psutil.Process]:
    # Every process of a cluster has its data folder as working directory.
    folder = str(data.resolve())
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres" and process.cwd() == folder:
                found.append(process)
    return found
