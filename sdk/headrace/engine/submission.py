"""Submitted tasks: calls that run elsewhere, and start when what they wait for is done."""

from __future__ import annotations

import contextvars
import logging
import threading
from typing import Any, Protocol

from headrace.engine.guards import Guard, current_guard
from headrace.engine.judging import FINAL_CODES, fail, stop
from headrace.engine.runs import TaskRun
from headrace.engine.task_engine import TaskCall
from headrace.futures import Future
from headrace.outcomes import CancelInterrupt, Interrupted
from headrace.recording.facts import PENDING

logger = logging.getLogger("headrace.engine")


class Session(Protocol):
    """Where submitted tasks run."""

    def add(self, job: SubmittedTask) -> None:
        """Count a job; waits while there are too many."""

    def enqueue(self, job: SubmittedTask) -> None:
        """Run a job as soon as there is room."""

    def finished(self, job: SubmittedTask) -> None:
        """Learn that a job is over."""


class SubmittedTask:
    """One submitted call.

    Args:
        call: The call.
        session: Runs it.
    """

    __slots__ = ("_context", "_lock", "_missing", "_session", "_settled", "call", "future")

    def __init__(self, call: TaskCall, session: Session) -> None:
        self.call = call
        self.future: Future[Any] = Future(call.run)
        self._session = session
        self._context: contextvars.Context | None = contextvars.copy_context()
        self._settled = False
        self._missing = 0
        self._lock: threading.Lock | None = None

    @property
    def run(self) -> TaskRun:
        """Its run."""
        return self.call.run

    @property
    def is_async(self) -> bool:
        """Whether it runs on an event loop."""
        return self.call.run.definition.is_async

    def submit(self) -> None:
        """Run as soon as everything is done that the call waits for, and there is room."""
        self._session.add(self)
        if not self.run.is_replayable:
            # One that is replayed goes through no states again: it has completed already.
            self.run.enter(PENDING)
        upstream = self.call.upstream
        waited = [future for future in upstream.futures if not future.done()] if upstream is not None else []
        if not waited:
            self._session.enqueue(self)
            return
        self._lock = threading.Lock()
        self._missing = len(waited)
        for future in waited:
            future.add_done_callback(self._one_arrived)

    def execute(self) -> None:
        """Run to the end in this thread; whatever happens is in the future then."""
        context = self._begin()
        if context is None:
            return
        self.run.guard = current_guard()
        try:
            context.run(self.call.run_here)
        except BaseException as error:
            self._seen(error)
        finally:
            self._end()

    async def execute_on_loop(self) -> None:
        """Run to the end on this event loop; otherwise as `execute`. Its task was made in the job's context."""
        if self._begin() is None:
            return
        self.run.guard = None
        try:
            await self.call.run_on_loop()
        except BaseException as error:
            self._seen(error)
        finally:
            self._end()

    @property
    def context(self) -> contextvars.Context | None:
        """What was the context of the caller; None once it has run."""
        return self._context

    @property
    def guard(self) -> Guard | None:
        """Of the thread that runs it."""
        return self.run.guard

    def cancel(self, reason: str) -> None:
        """End it if it has not started."""
        if self._begin() is None:
            return
        if self.run.host.stopping is not None and not issubclass(self.run.host.stopping, CancelInterrupt):
            stop(self.run, self.run.host.stopping(reason))
        else:
            stop(self.run, CancelInterrupt(reason))
        self._end()

    def _begin(self) -> contextvars.Context | None:
        # Whoever takes the context runs the job: a worker, or somebody who cancels it.
        context, self._context = self._context, None
        return context

    def _end(self) -> None:
        if self._settled:
            return
        self._settled = True
        # Arguments may be large and are not needed any more.
        self.call.args, self.call.kwargs, self.call.upstream = (), {}, None
        self.future._complete()
        self._session.finished(self)

    def _seen(self, error: BaseException) -> None:
        run = self.run
        if run.code in FINAL_CODES or run.attempt.is_lost:
            run.error = run.error or error
            return
        if isinstance(error, Interrupted):
            stop(run, error)
            return
        # Not the user's code, whose errors are judged: the engine itself.
        logger.error("Task run %r could not be executed", run.name, exc_info=error)
        fail(run, error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _one_arrived(self, _: Future[Any]) -> None:
        if self._lock is None:
            return
        with self._lock:
            self._missing -= 1
            if self._missing:
                return
        self._session.enqueue(self)
