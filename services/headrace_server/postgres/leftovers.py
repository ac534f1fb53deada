"""What an earlier supervisor that was killed left behind on the data of a cluster."""

from __future__ import annotations

import contextlib
import logging
import pathlib
import signal
import time

import psutil

from headrace import errors

logger = logging.getLogger(__name__)

END_SECONDS = 30.0
"""How long a Postgres may take to write everything and end, before it has to end at once."""

_POLL_SECONDS = 0.02


def end_leftovers(data: pathlib.Path, socket: pathlib.Path) -> None:
    """End the processes of an earlier Postgres on `data`, and remove its lock files.

    Postgres takes any process with the number in its lock files for itself; that may be a stranger after a
    restart of a container, and a dead one that nobody has waited for.

    Raises:
        errors.FailedPrecondition: A process does not end.
    """
    processes = _processes(data)
    for process in processes:
        logger.warning("ending process %d of an earlier Postgres on the same data", process.pid)
    for number in (signal.SIGINT, signal.SIGQUIT):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        processes = _late(processes)
        if not processes:
            break
    if processes:
        raise errors.FailedPrecondition(
            f"an earlier Postgres (process {processes[0].pid}) uses {data} and does not end", reason="DATA_IN_USE"
        )
    for left in (data / "postmaster.pid", socket, socket.with_name(socket.name + ".lock")):
        left.unlink(missing_ok=True)


def _processes(data: pathlib.Path) -> list[psutil.Process]:
    # Every process of a cluster has its data folder as working directory.
    folder = str(data.resolve())
    found = []
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error, OSError):
            if process.info["name"] == "postgres" and process.cwd() == folder:
                found.append(process)
    return found


def _late(processes: list[psutil.Process]) -> list[psutil.Process]:
    deadline = time.monotonic() + END_SECONDS
    while processes and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        processes = [process for process in processes if _is_alive(process)]
    return processes


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
