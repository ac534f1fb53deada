"""Runs in progress, as the engine keeps them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import datetime
import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.engine.backend import Backend, EarlierTaskRun
from headrace.engine.definitions import FlowDefinition, TaskDefinition
from headrace.engine.guards import Guard
from headrace.engine.tracking import ResultTracker
from headrace.outcomes import (
    CancelInterrupt,
    CancelledRun,
    Interrupted,
    LeaseLostInterrupt,
    MissingContext,
    SuspendInterrupt,
)
from headrace.recording.facts import COMPLETED, PENDING, RUNNING, SCHEDULED, TYPES, AttemptHandle, TaskRunFacts
from headrace.recording.identifiers import new_id
from headrace.states import ResultReference, State, StateDetails, StateType

if TYPE_CHECKING:
    from headrace.engine.flow_engine import Assignment
    from headrace.task_runners import RunnerSession
    from headrace.tracing import Spans
    from headrace.transactions import Transaction


_OPEN_CODES = (PENDING, RUNNING, SCHEDULED)
_NO_VALUE: Any = object()

_HOLD_SECONDS = 0.5
"""How often what waits for a paused run looks whether the run has to stop altogether."""


class CallCounters:
    """Counts the calls of each task below a run, so that the same call has the same number when it is repeated."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, itertools.count[int]] = {}

    def next(self, task_key: str) -> int:
        """Return how many calls of a task there were before this one."""
        counter = self._counts.get(task_key)
        if counter is None:
            counter = self._counts.setdefault(task_key, itertools.count())
        return next(counter)

    def counted(self) -> dict[str, int]:
        """Return how many calls of each task there were. Nobody may count at the same time."""
        found = {task_key: next(counter) for task_key, counter in self._counts.items()}
        self._counts = {task_key: itertools.count(number) for task_key, number in found.items()}
        return found

    @classmethod
    def going_on(cls, counted: Mapping[str, int]) -> CallCounters:
        """Return counters that go on from what others counted."""
        made = cls()
        made._counts = {task_key: itertools.count(number) for task_key, number in counted.items()}
        return made


class FlowRun:
    """A flow run that this process executes.

    Hooks get it, too: `id`, `name`, `parameters`, `tags`, `run_count` are meant for everybody.
    """

    def __init__(
        self,
        definition: FlowDefinition | None,
        backend: Backend,
        *,
        flow_run_id: str,
        parameters: Mapping[str, Any],
        tags: Sequence[str],
        persists: bool,
        log_prints: bool,
        results_url: str,
        parent: TaskRun | None = None,
    ) -> None:
        self.definition = definition
        self.backend = backend
        self.record = backend.record
        self.id = flow_run_id
        self.name = flow_run_id
        self.parameters = dict(parameters)
        self.tags = tuple(tags)
        self.persists = persists
        self.log_prints = log_prints
        self.results_url = results_url
        self.parent = parent
        self.run_count = 1
        self.started_at = datetime.datetime.now(datetime.UTC)
        self.assignment: Assignment | None = None
        """How the run was given to this process; None if this process made it."""
        self.state: State[Any] = State(type=StateType.RUNNING)
        self.attempt = AttemptHandle(flow_run_id, "", on_signal=self._heard, on_lost=self._lost)
        self.counters = CallCounters()
        self.tracker = ResultTracker()
        self.earlier: dict[tuple[str, str], EarlierTaskRun] = {}
        self.session: RunnerSession | None = None
        self.guard: Guard | None = None
        self.spans: Spans | None = None
        """Makes the spans of its tasks; None where nobody asks for traces."""
        self.children: set[FlowRun] = set()
        self.stopping: type[Interrupted] | None = None
        """Why the run has to stop; None while it may go on."""
        self.stop_reason = ""
        self.stopped = threading.Event()
        self.passed: frozenset[str] = frozenset()
        """Keys of the pauses that an earlier attempt went through."""
        self.paused: concurrent.futures.Future[State[Any]] | None = None
        """While the run is PAUSED and this process waits: done when it is no longer."""
        self.final: State[Any] | None = None
        """How the run ended while this process waited for the end of a pause."""
        self._lock = threading.RLock()  # a signal handler may stop the run while this thread holds it
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_task: asyncio.Task[Any] | None = None

    @classmethod
    def named(cls, backend: Backend, *, flow_run_id: str, name: str, flow_name: str) -> FlowRun:
        """Return a run of which no more is known, to say something about it."""
        definition = FlowDefinition()
        definition.name = flow_name
        run = cls(
            definition,
            backend,
            flow_run_id=flow_run_id,
            parameters={},
            tags=(),
            persists=False,
            log_prints=False,
            results_url="",
        )
        run.name = name
        return run

    @property
    def flow_run(self) -> FlowRun | None:
        """Itself; None for what stands in for a flow run around a task that is called outside of one."""
        return self if self.definition is not None else None

    @property
    def task_run(self) -> TaskRun | None:
        """None: what runs is the flow itself."""
        return None

    @property
    def flow_name(self) -> str:
        """The flow's name."""
        return self.definition.name if self.definition is not None else ""

    def start_session(self) -> RunnerSession:
        """Return what runs submitted tasks, started at the first call.

        Raises:
            MissingContext: There is no flow run.
        """
        if self.session is None:
            if self.definition is None:
                raise MissingContext("tasks can be submitted from within a flow only; call the task instead")
            with self._lock:
                if self.session is None:
                    self.session = self.definition.options.task_runner.start()
        return self.session

    def runs_on(self, loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None) -> None:
        """Be stopped by cancelling `task` from now on."""
        with self._lock:
            self._loop, self._loop_task = loop, task

    def begin_again(self) -> None:
        """Count calls from the start: the flow's function is executed another time."""
        self.counters = CallCounters()
        self.tracker = ResultTracker()
        self.passed = frozenset()

    def pause(self) -> concurrent.futures.Future[State[Any]]:
        """Start no further task while the run is PAUSED; returns what is done when it is no longer.

        May be called from any thread.
        """
        with self._lock:
            if self.paused is not None:
                return self.paused
            waiting = self.paused = self.backend.waits.while_paused(self.id)
        waiting.add_done_callback(self._go_on)
        return waiting

    def _go_on(self, waiting: concurrent.futures.Future[State[Any]]) -> None:
        if not waiting.cancelled() and waiting.exception() is None and waiting.result().is_final():
            self.final = waiting.result()
        if self.paused is waiting:
            self.paused = None

    def hold(self) -> None:
        """Wait while the run is PAUSED, or until it has to stop."""
        while self.stopping is None and (waiting := self.paused) is not None:
            if concurrent.futures.wait([waiting], _HOLD_SECONDS).done:
                return

    async def hold_on_loop(self) -> None:
        """Wait while the run is PAUSED; as `hold`, on an event loop."""
        if (waiting := self.paused) is not None:
            await asyncio.wait([asyncio.wrap_future(waiting)])

    def stop(self, kind: type[Interrupted], reason: str) -> None:
        """End the run's code from any thread. Only the first call counts."""
        with self._lock:
            if self.stopping is not None:
                return
            self.stopping, self.stop_reason = kind, reason
            loop, task, session, guard = self._loop, self._loop_task, self.session, self.guard
        self.stopped.set()
        for child in list(self.children):
            child.stop(kind, reason)
        if session is not None:
            session.interrupt(kind)
        if task is not None and loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the code with it
                loop.call_soon_threadsafe(task.cancel)
        # A subflow in the same thread has interrupted the thread already.
        if guard is not None and not any(child.guard is guard for child in self.children):
            guard.interrupt(kind)

    def check(self) -> None:
        """Go on only if the run may.

        Raises:
            Interrupted: It has to stop.
        """
        if self.stopping is not None:
            raise self.stopping(self.stop_reason)

    def _heard(self, state: State[Any]) -> None:
        if state.type in (StateType.CANCELLING, StateType.CANCELLED):
            self.stop(CancelInterrupt, state.message or "the run was asked to stop")
        elif state.is_paused():
            if state.details is not None and state.details.pause_reschedule:
                self.stop(SuspendInterrupt, state.message or "the run was suspended")
            else:
                self.pause()
        elif state.is_final():
            self.stop(LeaseLostInterrupt, f"the run was set to {state.name}")

    def _lost(self, reason: str) -> None:
        self.stop(LeaseLostInterrupt, reason)


class TaskRun(TaskRunFacts):
    """A task run that this process executes. Hooks get it, too."""

    __slots__ = (
        "arguments",
        "code",
        "counters",
        "definition",
        "details",
        "earlier",
        "error",
        "guard",
        "host",
        "message",
        "parameters",
        "parent",
        "reference",
        "run_count",
        "state_name",
        "state_ns",
        "transaction",
        "value",
    )

    def __init__(self, definition: TaskDefinition, host: FlowRun, parent: TaskRun | None) -> None:
        facts = definition.facts
        self.definition = definition
        self.host = host
        self.parent = parent
        self.facts = facts
        self.attempt = host.attempt
        self.task_run_id = new_id()
        if parent is None:
            number = host.counters.next(facts.task_key)
            self.dynamic_key = str(number)
        else:
            if parent.counters is None:
                parent.counters = CallCounters()
            number = parent.counters.next(facts.task_key)
            self.dynamic_key = f"{parent.facts.task_key}:{parent.dynamic_key}/{number}"
        self.name = f"{definition.name}-{number}"
        self.tags = definition.tags
        self.inputs = ()
        self.cache_key = ""
        self.cache_expires_ns = 0
        self.child_flow_run_id = ""
        self.flow_run_run_count = host.run_count
        self.version = 0
        self.spec_is_told = False
        self.has_started = False
        self.run_count = 0
        self.earlier = host.earlier.get((facts.task_key, self.dynamic_key)) if host.earlier else None
        if self.earlier is not None:
            # Before anything is told of it: it is the same task run as before.
            self.task_run_id, self.version = self.earlier.task_run_id, self.earlier.version
            self.run_count = self.earlier.run_count
        self.code = PENDING
        self.state_name = ""
        self.message = ""
        self.state_ns = 0
        self.details: StateDetails | None = None
        self.value = _NO_VALUE
        self.error: BaseException | None = None
        self.reference: ResultReference | None = None
        self.guard: Guard | None = None
        self.transaction: Transaction | None = None
        self.arguments: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self.parameters: Mapping[str, Any] | None = None
        self.counters: CallCounters | None = None

    @property
    def id(self) -> str:
        """The task run's id."""
        return self.task_run_id

    @property
    def flow_run(self) -> FlowRun | None:
        """The flow run that it is part of; None outside of one."""
        return self.host.flow_run

    @property
    def task_run(self) -> TaskRun:
        """Itself."""
        return self

    @property
    def log_prints(self) -> bool:
        """Whether print() in it becomes log records."""
        own = self.definition.options.log_prints
        return self.host.log_prints if own is None else own

    @property
    def persists(self) -> bool:
        """Whether its result is persisted; of a generator the list of its items."""
        own = self.definition.persists
        return self.host.persists if own is None else own

    @property
    def is_replayable(self) -> bool:
        """Whether it has not started and completed in an earlier execution, with a result that was kept."""
        earlier = self.earlier
        return earlier is not None and earlier.is_completed and earlier.reference is not None and not self.has_started

    def enter(
        self,
        code: int,
        name: str = "",
        message: str = "",
        details: StateDetails | None = None,
        reference: ResultReference | None = None,
    ) -> None:
        """Enter a state, and tell the backend."""
        if self.earlier is not None and not self.state_ns and code not in _OPEN_CODES:
            # What an earlier execution ended is open again before it ends another time.
            self.enter(PENDING)
        now = time.time_ns()
        self.code, self.state_name, self.message, self.state_ns = code, name, message, now
        self.details, self.reference = details, reference
        if code != PENDING:
            self.has_started = True
        self.host.record((self, code, name, message, now, self.run_count, details, reference))

    def enter_running(self) -> None:
        """Enter RUNNING; the hot path of `enter`."""
        self.run_count = run_count = self.run_count + 1
        name = "" if run_count == 1 else "Retrying"
        now = time.time_ns()
        self.code, self.state_name, self.message, self.state_ns = RUNNING, name, "", now
        self.has_started = True
        self.host.record((self, RUNNING, name, "", now, run_count, None, None))

    def state(self) -> State[Any]:
        """Return the state that the run is in now."""
        state: State[Any] = State(
            type=TYPES[self.code],
            name=self.state_name,
            message=self.message,
            occurred_at=datetime.datetime.fromtimestamp(self.state_ns / 1e9, datetime.UTC),
            details=self.details,
            reference=self.reference,
        )
        if self.error is not None:
            state.data = self.error
        elif self.value is not _NO_VALUE:
            state.data = self.value
        return state

    def outcome(self, raise_on_failure: bool) -> Any:
        """Return the run's value, or raise (or return) what ended it."""
        if self.error is None and self.code == COMPLETED:
            return self.value if self.value is not _NO_VALUE else self.state().result()
        error = self.error
        if error is None:
            error = self.state().exception()
        elif isinstance(error, Interrupted | asyncio.CancelledError):
            # Whoever asks for the result is not the one to be interrupted.
            error = CancelledRun(self.message or f"task run {self.name} was stopped")
        if raise_on_failure:
            raise error
        return error


def stand_in(backend: Backend) -> FlowRun:
    """Return what stands in for a flow run around a task that is called outside of one."""
    return FlowRun(
        None, backend, flow_run_id="", parameters={}, tags=(), persists=False, log_prints=False, results_url=""
    )


def attempt_of_its_own(task_run_id: str) -> AttemptHandle:
    """Return the right to record a task run outside of any flow run: nobody else can have it, so its id will do."""
    return AttemptHandle(task_run_id, task_run_id, on_signal=_ignore, on_lost=_ignore)


def _ignore(_: object) -> None:
    """The run has no lease, so there is nothing to hear of it."""
