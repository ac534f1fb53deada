"""What steps write: without the secrets that they were given."""

from __future__ import annotations

import contextlib
import contextvars
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence

from headrace import errors
from headrace.steps.templating import Secrets

_LONGEST_TAIL = 4_000

_secrets: contextvars.ContextVar[Secrets] = contextvars.ContextVar("headrace_step_secrets")


@contextlib.contextmanager
def hiding(secrets: Secrets) -> Iterator[None]:
    """Keep these secrets out of all that is written within the block."""
    token = _secrets.set(secrets)
    try:
        yield
    finally:
        _secrets.reset(token)


def hide(text: str) -> str:
    """Return a text without the secrets of the steps that run."""
    secrets = _secrets.get(None)
    return text if secrets is None else secrets.hide(text)


def keep_secret(value: object) -> None:
    """Let a value appear in no output of the steps that run."""
    secrets = _secrets.get(None)
    if secrets is not None:
        secrets.add(value)


def say(line: str) -> None:
    """Write a line of a step's output."""
    sys.stdout.write(hide(line) + "\n")
    sys.stdout.flush()


def run_program(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: str | None = None,
    standard_input: str | None = None,
    is_shown: bool = True,
) -> str:
    """Run a program and return what it wrote, on both streams together; its lines are shown as they come.

    Args:
        command: The program and its arguments, none of which may be a secret: others can see them.
        environment: All of its environment.
        folder: Where it starts; by default the current folder.
        standard_input: What it reads.
        is_shown: Whether its lines are written to the standard output.

    Raises:
        errors.FailedPrecondition: It does not exist, or ended with an exit code other than 0.
    """
    try:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE if standard_input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
        )
    except OSError as error:
        raise errors.FailedPrecondition(f"{command[0]} could not be started: {error}") from error
    with process:
        if process.stdin is not None and standard_input is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(standard_input)
                process.stdin.close()
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if is_shown:
                say(line.rstrip("\n"))
        code = process.wait()
    text = "".join(lines)
    if code != 0:
        tail = text[-_LONGEST_TAIL:].strip()
        raise errors.FailedPrecondition(
            f"{command[0]} ended with exit code {code}: {tail}" if tail else f"{command[0]} ended with exit code {code}"
        )
    return text
