"""A server for one script: its database is in memory, its ports are free ones, and it ends with the script.

It also ends when the script is killed: it holds the other end of a pipe, which the kernel closes.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

from headrace import errors
from headrace_server.extra import what_is_missing
from headrace_server.home import HOME_VARIABLE, Home
from headrace_server.interpreter import command
from headrace_server.options import Options
from headrace_server.parts import ALL_PARTS

START_SECONDS = 60.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02
_ERROR_LINES = 15


@contextlib.contextmanager
def start() -> Iterator[str]:
    """Lend the HTTP URL of a throw-away server.

    Raises:
        errors.Unavailable: It does not start; the message has the end of its output, or what to install.
    """
    if missing := what_is_missing():
        raise errors.Unavailable(missing, reason="SERVER_NOT_INSTALLED")
    root = pathlib.Path(tempfile.mkdtemp(prefix="headrace-ephemeral-"))
    home = Home(root)
    settings = {
        "host": "127.0.0.1",
        "port": 0,
        "grpc_port": 0,
        "processes": 1,
        "log_level": "WARNING",
        "drain_seconds": 2.0,
    }
    options = Options("memory", ALL_PARTS, settings, is_ephemeral=True)
    try:
        with home.log_file.open("ab") as log:
            process = subprocess.Popen(
                command("headrace_server.serve", options.to_argument()),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, HOME_VARIABLE: str(root)},
                # Ctrl-C is for the script, which still has to tell the server how its runs ended.
                start_new_session=True,
            )
        try:
            yield _url_once_ready(home, process)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _url_once_ready(home: Home, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        status = home.read_status()
        if status is not None and status.state == "ready":
            return status.http_url
        if process.poll() is not None:
            raise errors.Unavailable(f"it ended with code {process.returncode}: {_end_of_log(home)}")
        if time.monotonic() > deadline:
            raise errors.Unavailable(f"it is not ready after {START_SECONDS:g} s: {_end_of_log(home)}")
        time.sleep(_POLL_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # Its own children end with it.
        process.kill()
        process.wait()


def _end_of_log(home: Home) -> str:
    lines = home.log_file.read_text(errors="replace").strip().splitlines()
    return "\n".join(lines[-_ERROR_LINES:])
