"""What all task runners have in common."""

from __future__ import annotations

import abc
from typing import Protocol

from headrace.engine.submission import SubmittedTask
from headrace.outcomes import Interrupted

MAX_UNFINISHED = 20_000
"""Submitted tasks of a flow run that are not final; `submit` waits beyond that, so that memory stays flat."""


class RunnerSession(Protocol):
    """The submitted tasks of one flow run."""

    def add(self, job: SubmittedTask) -> None:
        """Count a job; waits while there are too many."""

    def enqueue(self, job: SubmittedTask) -> None:
        """Run a job as soon as there is room."""

    def finished(self, job: SubmittedTask) -> None:
        """Learn that a job is over."""

    def cancel_pending(self, reason: str) -> None:
        """End all jobs that have not started."""

    def interrupt(self, kind: type[Interrupted]) -> None:
        """End all jobs: those that wait, and those that run as far as they can be reached."""

    def join(self) -> None:
        """Wait until no job is left."""

    def close(self) -> None:
        """Let go of threads and the like. No job is left."""


class TaskRunner(abc.ABC):
    """Describes where submitted tasks run."""

    @abc.abstractmethod
    def start(self) -> RunnerSession:
        """Return a session for one flow run."""
