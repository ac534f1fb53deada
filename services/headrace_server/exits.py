"""What a server process ends with; the same numbers as all commands of Headrace."""

from __future__ import annotations

import enum

from headrace import errors


class Exit(enum.IntEnum):
    """Exit codes."""

    OK = 0
    FAILED = 1
    """It could not be done."""
    USAGE = 2
    """The arguments or settings are wrong."""
    NOT_RUNNING = 3
    """There is no server to ask."""
    UNREACHABLE = 4
    """The database or the server does not answer."""
    REFUSED = 5
    """The state of things does not allow it."""


def exit_code_of(error: errors.HeadraceError) -> Exit:
    """Return the exit code that an error ends a process with."""
    match error:
        case errors.InvalidArgument():
            return Exit.USAGE
        case errors.NotFound():
            return Exit.NOT_RUNNING
        case errors.Unavailable() | errors.DeadlineExceeded():
            return Exit.UNREACHABLE
        case errors.FailedPrecondition() | errors.AlreadyExists() | errors.PermissionDenied():
            return Exit.REFUSED
        case _:
            return Exit.FAILED
