"""Shell commands as flow runs, for what is no Python: `headrace shell watch` and `headrace shell serve`.

headrace deploy headrace.shell:run_command --name backup --pool mill --cron "0 3 * * *" --param command="./backup.sh"
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping

from headrace import errors
from headrace.flows import flow
from headrace.logging import get_run_logger

_END_SECONDS = 10.0
_LONGEST_TAIL = 20
"""Lines of output in the message of a command that failed."""


@flow(name="shell-command", persist_result=False)
def run_command(command: str, directory: str | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a command of the shell; its output becomes the log of the run.

    Args:
        command: The command, or several lines of them; without `set -e` the last one decides.
        directory: Where it starts; by default the current folder.
        env: Variables on top of those of this process.

    Raises:
        errors.FailedPrecondition: It could not be started, or ended with another exit code than 0.
    """
    logger = get_run_logger()
    try:
        process = subprocess.Popen(  # nosec B602  # to run what the user says in the shell is all that this is for
            command,
            shell=True,
            cwd=directory,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
        )
    except OSError as error:
        raise errors.FailedPrecondition(f"the command could not be started: {error}") from error
    tail: list[str] = []
    with _ended_with_the_run(process):
        assert process.stdout is not None
        for line in process.stdout:
            text = line.rstrip("\n")
            logger.info("%s", text)
            tail = [*tail[1 - _LONGEST_TAIL :], text]
        code = process.wait()
    if code != 0:
        said = "\n".join(tail).strip()
        raise errors.FailedPrecondition(f"the command ended with exit code {code}" + (f": {said}" if said else ""))


@contextlib.contextmanager
def _ended_with_the_run(process: subprocess.Popen[str]) -> Iterator[None]:
    """End the command where the run is cancelled, or its time is over."""
    try:
        yield
    except BaseException:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    finally:
        if process.stdout is not None:
            process.stdout.close()
