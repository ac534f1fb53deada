"""States of runs, as user code sees and makes them.

A state has a type, which the rules know, and a name, which people read. A flow or task may return one to say
how it ended: `return Completed(name="Skipped")`.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar, cast

import headrace
from headrace.outcomes import CancelledRun, CrashedRun, FailedRun, MissingResult, UnfinishedRun

R = TypeVar("R")


class StateType(enum.StrEnum):
    """Where a run stands; what the rules know of a state."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"

    @property
    def is_final(self) -> bool:
        """Whether no state follows by itself."""
        return self in _FINAL


_FINAL = frozenset({StateType.CANCELLED, StateType.COMPLETED, StateType.FAILED, StateType.CRASHED})


@dataclasses.dataclass(slots=True, kw_only=True)
class StateDetails:
    """What belongs to a state beside its type; fields that do not apply are None or empty."""

    scheduled_at: datetime.datetime | None = None
    """When a SCHEDULED run is due."""
    child_flow_run_id: str = ""
    """The flow run that a task run stands for."""
    cache_key: str = ""
    cache_expires_at: datetime.datetime | None = None
    refresh_cache: bool = False
    retriable: bool | None = None
    """False if a failed run must not be retried."""
    reason: str = ""
    """Stable word for programs, for example `TIMED_OUT`."""
    error_type: str = ""
    traceback: str = ""
    pause_key: str = ""
    """Names the pause; a run pauses at most once for each key."""
    pause_seconds: float | None = None
    """How long a PAUSED run waits to be resumed before it fails; the server counts."""
    pause_expires_at: datetime.datetime | None = None
    """When a PAUSED run that was not resumed fails."""
    pause_reschedule: bool = False
    """True if the process ends while the run is paused: the run is suspended."""
    run_input_keyset: Mapping[str, str] | None = None
    """Names of run inputs that the pause is about, by role."""


@dataclasses.dataclass(slots=True, kw_only=True, frozen=True)
class ResultReference:
    """Where a persisted result lies and how it was written."""

    storage_key: str
    storage_url: str
    serializer: str
    size_bytes: int = 0
    expires_at: datetime.datetime | None = None


_NO_DATA: Any = object()


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class State(Generic[R]):
    """A state of a run, with the run's result where it is at hand.

    Args:
        type: What the rules know.
        name: What people read; by default the type's usual name.
        message: A sentence for people, for example the error.
        occurred_at: When the run entered it (UTC).
        details: What else belongs to it.
        data: The value that the run returned, or the exception that ended it.
        reference: Where the result is persisted.
    """

    type: StateType
    name: str = ""
    message: str = ""
    occurred_at: datetime.datetime = dataclasses.field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    details: StateDetails | None = None
    data: Any = _NO_DATA
    reference: ResultReference | None = None

    def __post_init__(self) -> None:
        self.type = StateType(self.type)
        if not self.name:
            self.name = self.type.value.capitalize()

    def __repr__(self) -> str:
        said = f"message={self.message!r}, " if self.message else ""
        return f"{self.name}({said}type={self.type.value})"

    def __str__(self) -> str:
        return f"{self.name}({self.message!r})" if self.message else f"{self.name}()"

    @property
    def has_data(self) -> bool:
        """Whether the value or the exception is at hand."""
        return self.data is not _NO_DATA

    def is_scheduled(self) -> bool:
        """Whether the run will start at a known time."""
        return self.type is StateType.SCHEDULED

    def is_pending(self) -> bool:
        """Whether the run is about to start."""
        return self.type is StateType.PENDING

    def is_running(self) -> bool:
        """Whether user code runs."""
        return self.type is StateType.RUNNING

    def is_paused(self) -> bool:
        """Whether the run waits to be resumed."""
        return self.type is StateType.PAUSED

    def is_cancelling(self) -> bool:
        """Whether the run was asked to stop."""
        return self.type is StateType.CANCELLING

    def is_cancelled(self) -> bool:
        """Whether the run stopped on request."""
        return self.type is StateType.CANCELLED

    def is_completed(self) -> bool:
        """Whether the run ended well."""
        return self.type is StateType.COMPLETED

    def is_failed(self) -> bool:
        """Whether the run ended with an error of user code."""
        return self.type is StateType.FAILED

    def is_crashed(self) -> bool:
        """Whether the run was ended by its infrastructure."""
        return self.type is StateType.CRASHED

    def is_final(self) -> bool:
        """Whether no state follows by itself."""
        return self.type in _FINAL

    def result(self, *, raise_on_failure: bool = True) -> R:
        """Return what the run returned.

        Args:
            raise_on_failure: False returns the exception of a run that did not complete, in place of raising it.

        Raises:
            headrace.outcomes.UnfinishedRun: The run is not final.
            headrace.results.ResultFailure: The value is persisted and cannot be read.
            headrace.outcomes.MissingResult: The run completed and its value is neither at hand nor persisted.
            Exception: What ended the run.
        """
        if self.type is StateType.COMPLETED:
            if self.data is _NO_DATA and self.reference is not None:
                return cast(R, headrace.results.read_result(self.reference))
            if self.data is _NO_DATA:
                raise MissingResult(
                    "the run completed, and its value was not kept. Use persist_result=True on the flow or task."
                )
            return cast(R, self.data)
        if self.type not in _FINAL:
            raise UnfinishedRun(f"the run is {self.name} and has no result yet")
        error = self.exception()
        if raise_on_failure:
            raise error
        return cast(R, error)

    def exception(self) -> BaseException:
        """Return what ended a run that did not complete."""
        if isinstance(self.data, BaseException):
            return self.data
        message = self.message or f"the run ended {self.name}"
        if self.type is StateType.CANCELLED:
            return CancelledRun(message)
        return CrashedRun(message) if self.type is StateType.CRASHED else FailedRun(message)


def Completed(*, message: str = "", name: str = "", data: Any = None) -> State[Any]:
    """Return a state that says that the run ended well, with `data` as its result."""
    return State(type=StateType.COMPLETED, name=name, message=message, data=data)


def Failed(*, message: str = "", name: str = "", data: Any = None, retriable: bool = True) -> State[Any]:
    """Return a state that says that the run failed; `data` may be the exception.

    A flow that returns it is tried again if it has retries left, unless `retriable` is False.
    """
    state: State[Any] = State(type=StateType.FAILED, name=name, message=message)
    if not retriable:
        state.details = StateDetails(retriable=False)
    if data is not None:
        state.data = data
    return state


def Cancelled(*, message: str = "", name: str = "") -> State[Any]:
    """Return a state that says that the run stopped on request."""
    return State(type=StateType.CANCELLED, name=name, message=message)


def Crashed(*, message: str = "", name: str = "") -> State[Any]:
    """Return a state that says that the run was ended by its infrastructure."""
    return State(type=StateType.CRASHED, name=name, message=message)


def Pending(*, message: str = "", name: str = "") -> State[Any]:
    """Return a state that says that the run is about to start."""
    return State(type=StateType.PENDING, name=name, message=message)


def Running(*, message: str = "", name: str = "") -> State[Any]:
    """Return a state that says that user code runs."""
    return State(type=StateType.RUNNING, name=name, message=message)


def Scheduled(*, scheduled_time: datetime.datetime | None = None, message: str = "", name: str = "") -> State[Any]:
    """Return a state that says that the run will start at `scheduled_time` (by default now)."""
    due = scheduled_time or datetime.datetime.now(datetime.UTC)
    details = StateDetails(scheduled_at=due)
    return State(type=StateType.SCHEDULED, name=name, message=message, details=details)


def aggregate_states(states: Iterable[State[Any]]) -> State[Any]:
    """Return the state of a run that returned several states: completed if all of them are, else the worst.

    The result is the list of the states.
    """
    collected = list(states)
    total = len(collected)
    for kind in (StateType.CRASHED, StateType.CANCELLED, StateType.FAILED):
        count = sum(state.type is kind for state in collected)
        if count:
            message = f"{count}/{total} states {kind.value.lower()}."
            # A cancelled child does not mean that somebody asked to cancel its parent.
            of_type = StateType.FAILED if kind is StateType.CRASHED else kind
            return State(type=of_type, message=message, data=collected)
    unfinished = sum(not state.is_final() for state in collected)
    if unfinished:
        return State(type=StateType.FAILED, message=f"{unfinished}/{total} states are not final.", data=collected)
    return State(type=StateType.COMPLETED, message=f"All {total} states completed." if total else "", data=collected)
