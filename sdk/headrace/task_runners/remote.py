"""Sessions of task runners that execute functions outside of the flow's process.

A thread of the flow's process stands for each task that is under way, and runs its whole life as for a task of
its own; only the function is executed elsewhere.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from headrace.context import current_tags
from headrace.engine.definitions import TaskDefinition
from headrace.engine.judging import timed_out
from headrace.engine.runs import CallCounters, FlowRun, TaskRun
from headrace.engine.submission import SubmittedTask
from headrace.errors import Internal
from headrace.outcomes import CancelInterrupt, Interrupted, WorkerDied
from headrace.recording.identifiers import new_id
from headrace.task_runners.jobs import Job, Outcome, Report, earlier_below, pack_job, pack_task
from headrace.task_runners.reporting import ReportBook
from headrace.task_runners.threads import ThreadSession

logger = logging.getLogger("headrace.task_runners")

GRACE_SECONDS = 5.0
"""How long a task that has to end may take for that before its process is given up."""
REPORT_SECONDS = 30.0
"""How long the last reports of a task that has ended are waited for."""
_MAX_KNOWN_TASKS = 256


class Try(Protocol):
    """One try of a task, executed elsewhere."""

    def begin(self) -> None:
        """Wait until it starts. What goes wrong is told by `outcome`."""

    def outcome(self, timeout: float | None) -> Outcome | None:
        """Wait for its end; None if it has not ended within `timeout` seconds of its start."""

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask its code to end; from any thread."""

    def abandon(self) -> None:
        """End it whatever it does; from any thread. `outcome` returns soon."""


class Place(Protocol):
    """Where functions are executed."""

    def launch(self, job_id: str, job: bytes, take: Callable[[Sequence[Report]], None]) -> Try:
        """Hand a job over; `take` gets its reports, from any thread, until its outcome is there."""

    def close(self) -> None:
        """Let go of it. No try is under way."""


class RemoteSession(ThreadSession):
    """A session whose functions are executed in a `Place`.

    Args:
        max_workers: How many tasks are under way at once, queues of the place included.
        open_place: Called when the first task starts.
        facts: What jobs say about the flow run.
    """

    def __init__(
        self, max_workers: int, open_place: Callable[[FlowRun], Place], facts: Callable[[FlowRun], bytes]
    ) -> None:
        super().__init__(max_workers)
        self._open_place = open_place
        self._facts_of = facts
        self._facts = b""
        self._place: Place | None = None
        self._book: ReportBook | None = None
        self._place_lock = threading.Lock()
        self._packed: dict[int, tuple[TaskDefinition, bytes]] = {}
        self._tries: set[RemoteCall] = set()

    def enqueue(self, job: SubmittedTask) -> None:
        """Run a job as soon as there is room, be it asynchronous or not."""
        self._put(job)

    def interrupt(self, kind: type[Interrupted]) -> None:
        """End all jobs; those that do not end within the grace are given up."""
        self.cancel_pending("the flow run was stopped")
        with self._lock:
            calls = list(self._tries)
        if calls:
            # The caller may be the thread that renews leases, which must not wait for a cluster.
            threading.Thread(target=_stop, args=(calls, kind), name="headrace-stop-tasks", daemon=True).start()

    def close(self) -> None:
        """Let threads and processes go."""
        super().close()
        with self._place_lock:
            place, self._place = self._place, None
        if place is not None:
            place.close()

    def place(self, host: FlowRun) -> tuple[Place, ReportBook, bytes]:
        """Return the place, opened at the first call, what records reports, and what jobs say of the flow run."""
        with self._place_lock:
            if self._place is None or self._book is None:
                self._place = self._open_place(host)
                self._book = ReportBook(host)
                self._facts = self._facts_of(host)
            return self._place, self._book, self._facts

    def packed(self, definition: TaskDefinition) -> bytes:
        """Return a task as bytes."""
        known = self._packed.get(id(definition))
        if known is None or known[0] is not definition:
            known = definition, pack_task(definition)
            if len(self._packed) >= _MAX_KNOWN_TASKS:
                self._packed.pop(next(iter(self._packed)), None)
            self._packed[id(definition)] = known
        return known[1]

    def _execute(self, job: SubmittedTask) -> None:
        call = RemoteCall(self, job.run)
        job.call.elsewhere = call
        with self._lock:
            self._tries.add(call)
        try:
            job.execute()
        finally:
            call.over.set()
            with self._lock:
                self._tries.discard(call)
            # A call refers to its session, which would keep both until there is a collection of garbage.
            job.call.elsewhere = None


class RemoteCall:
    """The tries of one task run.

    Args:
        session: Has the place.
        run: The task run.
    """

    def __init__(self, session: RemoteSession, run: TaskRun) -> None:
        self._session = session
        self._run = run
        self._try: Try | None = None
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._stopping: type[Interrupted] | None = None
        self.over = threading.Event()
        """Set when the run has ended."""

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Hand a try over and wait until it starts; see `headrace.engine.task_engine.Elsewhere`."""
        self._failure = None
        try:
            place, book, facts = self._session.place(self._run.host)
            job = self._job(args, kwargs)
            started = place.launch(job.job_id, pack_job(facts, job), book.take)
            with self._lock:
                self._try = started
                stopping = self._stopping
            if stopping is not None:
                self.interrupt(stopping)
            started.begin()
        except Exception as error:
            self._failure = error

    def finish(self) -> Any:
        """Wait for the end of the try; see `headrace.engine.task_engine.Elsewhere`."""
        if self._failure is not None:
            raise self._failure
        if self._try is None:
            raise Internal("a try was finished that has not begun")
        seconds = self._run.definition.options.timeout_seconds
        outcome = self._try.outcome(None if seconds is None else seconds + GRACE_SECONDS)
        if outcome is None:
            # Its code does not let go, for example of a call into C.
            self._try.abandon()
            raise timed_out(self._run)
        with self._lock:
            self._try = None
        if outcome.counts:
            self._run.counters = CallCounters.going_on(outcome.counts)
        return self._value_of(outcome)

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask the code of this try, and of any further one, to end."""
        with self._lock:
            self._stopping = kind
            running = self._try
        if running is not None:
            try:
                running.interrupt(kind)
            except Exception:
                logger.exception("%s could not be asked to end", self._run.name)

    def abandon(self) -> None:
        """Give up what has not ended."""
        with self._lock:
            running = self._try
        if running is not None:
            logger.warning("%s did not end in %g s, so its process is given up", self._run.name, GRACE_SECONDS)
            running.abandon()

    def _value_of(self, outcome: Outcome) -> Any:
        run = self._run
        if outcome.kind == "value":
            return outcome.value
        stopping = self._stopping or run.host.stopping
        if outcome.kind == "error" and not (stopping is not None and isinstance(outcome.value, KeyboardInterrupt)):
            raise outcome.value
        if outcome.kind == "timed out":
            raise timed_out(run)
        if outcome.kind == "interrupted" or stopping is not None:
            raise (stopping or CancelInterrupt)(run.host.stop_reason or str(outcome.value))
        raise WorkerDied(f"{outcome.value}")

    def _job(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Job:
        run = self._run
        return Job(
            job_id=f"{run.task_run_id}/{new_id()}",
            task=self._session.packed(run.definition),
            args=args,
            kwargs=kwargs,
            task_run_id=run.task_run_id,
            name=run.name,
            dynamic_key=run.dynamic_key,
            run_tags=tuple(run.tags),
            run_count=run.run_count + 1,
            tags=current_tags.get(),
            counts=run.counters.counted() if run.counters is not None else {},
            earlier=earlier_below(run),
        )


class AwaitedTry:
    """A try whose start, reports and end are told by other threads: the common part of clusters."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._has_started = False
        self._batches = 0
        self._outcome: Outcome | None = None

    @property
    def has_started(self) -> bool:
        """Whether its code runs, or has run."""
        return self._has_started

    def started(self) -> None:
        """Learn that it has started."""
        with self._lock:
            self._has_started = True
            self._lock.notify_all()

    def reported(self) -> None:
        """Learn that a batch of its reports was recorded."""
        with self._lock:
            self._batches += 1
            self._lock.notify_all()

    def ended(self, outcome: Outcome) -> None:
        """Learn its outcome; only the first one counts."""
        with self._lock:
            self._outcome = self._outcome or outcome
            self._lock.notify_all()

    def begin(self) -> None:
        """Wait until it starts."""
        with self._lock:
            self._lock.wait_for(lambda: self._has_started or self._outcome is not None)

    def outcome(self, timeout: float | None) -> Outcome | None:
        """Wait for its end, and for all reports that it sent."""
        with self._lock:
            if not self._lock.wait_for(lambda: self._outcome is not None, timeout) or self._outcome is None:
                return None
            outcome = self._outcome
            if not self._lock.wait_for(lambda: self._batches >= outcome.batches, REPORT_SECONDS):
                logger.error(
                    "%d of %d batches of reports of a task in another process did not arrive",
                    outcome.batches - self._batches,
                    outcome.batches,
                )
            return outcome


def _stop(calls: Sequence[RemoteCall], kind: type[Interrupted]) -> None:
    until = time.monotonic() + GRACE_SECONDS
    for call in calls:
        call.interrupt(kind)
    for call in calls:
        call.over.wait(max(0.0, until - time.monotonic()))
    for call in calls:
        if not call.over.is_set():
            call.abandon()
