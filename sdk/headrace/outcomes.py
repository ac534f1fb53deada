"""What calling a flow or task, or asking for its result, can raise beside the user's own exceptions.

    HeadraceError
    ├── ParameterError      the parameters do not fit the flow; also a TypeError
    ├── FailedRun           the run failed, and the exception itself is not at hand
    ├── CrashedRun          the run was ended by its infrastructure
    │   └── WorkerDied      the process that executed the task has gone
    ├── CancelledRun        the run stopped on request
    ├── TimedOut            the run took longer than its timeout_seconds; also a TimeoutError
    ├── NotRetriable        raised by user code whose failure another try would not change
    ├── UpstreamFailed      the run did not start because one that it waits for did not complete
    ├── UnfinishedRun       the run has no result yet
    ├── MissingResult       the run's value was not kept
    ├── PauseTimedOut       the run was not resumed in time; also a TimeoutError
    ├── WaitTimedOut        what the run waited for did not come in time; also a TimeoutError
    ├── MissingContext      there is no flow run or task run here
    ├── NoSlot              a concurrency limit had no slot in time; also a TimeoutError
    ├── SlotsRefused        a concurrency limit gives no slots at all
    └── SlotsLost           slots of a concurrency limit were taken away; also a LeaseLost

`Interrupted` and its kinds are not errors of the program: they end user code from outside, so they are not
`Exception`s and `except Exception` lets them pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace import errors

if TYPE_CHECKING:
    from headrace.states import State


class ParameterError(errors.InvalidArgument, TypeError):
    """The parameters do not fit the flow; `violations` name them."""

    default_reason = "PARAMETERS_INVALID"


class FailedRun(errors.HeadraceError):
    """The run failed; what it raised is not at hand any more."""

    default_reason = "RUN_FAILED"


class CrashedRun(errors.HeadraceError):
    """The run was ended by its infrastructure."""

    default_reason = "RUN_CRASHED"


class WorkerDied(CrashedRun):
    """The process that executed the task has gone; the run's other tries are made by another."""

    default_reason = "WORKER_DIED"


class CancelledRun(errors.HeadraceError):
    """The run stopped on request."""

    default_reason = "RUN_CANCELLED"


class TimedOut(errors.HeadraceError, TimeoutError):
    """The run took longer than its `timeout_seconds`."""

    default_reason = "TIMED_OUT"


class NotRetriable(errors.HeadraceError):
    """Raised by user code whose failure another try would not change: retries that are left are not made."""

    default_reason = "NOT_RETRIABLE"


class UpstreamFailed(errors.HeadraceError):
    """The run did not start because one that it needs did not complete."""

    default_reason = "UPSTREAM_FAILED"


class UnfinishedRun(errors.HeadraceError):
    """The run is not final and has no result yet."""

    default_reason = "RUN_UNFINISHED"


class MissingResult(errors.HeadraceError):
    """The run completed and its value was not kept."""

    default_reason = "RESULT_MISSING"


class PauseTimedOut(errors.HeadraceError, TimeoutError):
    """The run was paused and not resumed in time."""

    default_reason = "PAUSE_EXPIRED"


class WaitTimedOut(errors.HeadraceError, TimeoutError):
    """What the run waited for (an input, an event) did not come in time."""

    default_reason = "WAIT_TIMED_OUT"


class MissingContext(errors.HeadraceError, RuntimeError):
    """There is no run here: the call belongs inside a flow or task."""

    default_reason = "NO_RUN_CONTEXT"


class NoSlot(errors.HeadraceError, TimeoutError):
    """A concurrency limit had no slot in time."""

    default_reason = "NO_SLOT"


class SlotsRefused(errors.HeadraceError):
    """A concurrency limit gives no slots, however long one waits."""

    default_reason = "SLOTS_REFUSED"


class SlotsLost(errors.LeaseLost):
    """Slots of a concurrency limit were taken away from their holder, or could not be renewed in time."""

    default_reason = "SLOTS_LOST"


class Interrupted(BaseException):
    """User code is ended from outside."""


class CancelInterrupt(Interrupted):
    """The run was asked to stop."""


class LeaseLostInterrupt(Interrupted):
    """The run was given to another attempt; this one may write nothing any more."""


class SlotsLostInterrupt(Interrupted):
    """The slots that the code runs under are lost."""


class TimeoutInterrupt(Interrupted):
    """The run's time is over."""


class TerminateInterrupt(Interrupted):
    """The process was asked to end (SIGTERM)."""


class SuspendInterrupt(Interrupted):
    """The run gives its process up until it is resumed.

    Args:
        reason: A sentence for people.
        state: The state that the run is to enter; None if it is in it already.
    """

    def __init__(self, reason: str = "", state: State[Any] | None = None) -> None:
        super().__init__(reason)
        self.state = state
