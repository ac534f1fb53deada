"""Running flows: one script of what happens to a flow run.

The script is a generator. It yields what has to be waited for, so that it is written once; the drivers for
synchronous and asynchronous code are in `headrace.engine.drivers`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import inspect
import logging
import time
from collections.abc import Generator, Iterable, Mapping
from typing import Any

import headrace
from headrace import errors
from headrace.context import current_run, current_tags
from headrace.engine.arguments import Upstream, resolve
from headrace.engine.backend import Backend, NewFlowRun
from headrace.engine.definitions import FlowDefinition, Hook
from headrace.engine.ending import cause_of, deciding, failed, judge_states, with_data
from headrace.engine.judging import describe_error, error_details, replay
from headrace.engine.naming import run_name
from headrace.engine.operations import Arrive, Blocking, Body, CallHooks, Operation, Pause, Script, Wait
from headrace.engine.runs import FlowRun, TaskRun
from headrace.futures import Future
from headrace.outcomes import (
    CancelInterrupt,
    CancelledRun,
    Interrupted,
    LeaseLostInterrupt,
    PauseTimedOut,
    SuspendInterrupt,
    TerminateInterrupt,
    TimedOut,
    TimeoutInterrupt,
)
from headrace.parameters import recorded, types_of
from headrace.recording.facts import CANCELLED, CODES
from headrace.recording.identifiers import new_id
from headrace.settings import Settings
from headrace.states import State, StateDetails, StateType

logger = logging.getLogger("headrace.flow_runs")

GOES_ON_ELSEWHERE = frozenset({"RETRY_RESCHEDULED", "SLEEPING", "RESUMED"})
"""Reasons of SCHEDULED states after which the run is claimed anew."""

PAUSE_EXPIRED = "PAUSE_EXPIRED"
"""Reason of the state of a run that was not resumed in time."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Assignment:
    """A flow run that exists already and was given to this process, RUNNING."""

    flow_run_id: str
    name: str
    token: str
    run_count: int
    attempt_number: int
    tags: tuple[str, ...]
    deployment: Mapping[str, Any]
    """Its deployment's id, name, version and parameters."""
    scheduled_start_at: datetime.datetime | None = None
    parent_flow_run_id: str = ""
    root_flow_run_id: str = ""
    job_variables: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    passed: frozenset[str] = frozenset()
    """Keys of pauses that earlier attempts went through."""


class FlowExecution:
    """One flow run, from its creation to its final state.

    Args:
        definition: The flow.
        args: Positional arguments of the call.
        kwargs: Keyword arguments.
        backend: Keeps the run.
        settings: What holds where the flow says nothing.
        wait_for: Futures to wait for before it starts.
        assignment: The run, if it exists already.

    Raises:
        TypeError: The arguments do not fit the flow's function.
    """

    def __init__(
        self,
        definition: FlowDefinition,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        backend: Backend,
        settings: Settings,
        *,
        wait_for: Iterable[Any] = (),
        assignment: Assignment | None = None,
    ) -> None:
        self.definition = definition
        options = definition.options
        caller = current_run.get()
        host = caller.task_run.host if caller is not None and caller.task_run is not None else caller
        # A task outside of any flow is no parent.
        self.host: FlowRun | None = host if isinstance(host, FlowRun) and host.definition is not None else None
        self.stand_in: TaskRun | None = None
        self._assignment = assignment
        self._raw = definition.signature.bind(args, kwargs)
        self._upstream: Upstream | None = None
        if self.host is not None:
            self.stand_in = TaskRun(definition.stand_in, self.host, caller.task_run if caller is not None else None)
            self._upstream = Upstream(definition.signature, self.host.tracker, args, kwargs, wait_for)
            self.stand_in.inputs = self._upstream.inputs
        own = options.persists
        by_setting = settings.results_persist or (assignment is not None and settings.results_persist_deployments)
        inherited = self.host.persists if self.host is not None else by_setting
        prints = options.log_prints
        self.run = FlowRun(
            definition,
            backend,
            flow_run_id=assignment.flow_run_id if assignment is not None else new_id(),
            parameters={},
            tags=assignment.tags if assignment is not None else sorted(current_tags.get()),
            persists=inherited if own is None else own,
            log_prints=settings.log_prints if prints is None else prints,
            results_url=options.result_storage or settings.results_url,
            parent=self.stand_in,
        )
        self._settings = settings
        self._failure: Exception | None = None
        self.error: BaseException | None = None
        """What is raised to the caller if the run did not complete."""
        self.ended: State[Any] | None = None
        """The final state, where its driver cannot return it."""

    def script(self) -> Script:
        """Yield what has to be waited for; returns the final state, with its value or exception."""
        stand_in = self.stand_in
        if stand_in is None:
            return (yield from self._live())
        if replay(stand_in):
            return State(type=StateType.COMPLETED, data=stand_in.value, reference=stand_in.reference)
        stand_in.child_flow_run_id = self.run.id
        stand_in.enter_running()
        try:
            state = yield from self._live()
        except BaseException as error:
            self.error = error
            self._mirror(State(type=StateType.CRASHED, message=describe_error(error)))
            raise
        self._mirror(state)
        return state

    def _live(self) -> Script:
        run = self.run
        if self._upstream is not None and self._upstream.futures:
            yield Arrive(self._upstream.futures)
        self._settle_parameters()
        if self._assignment is None:
            created = yield Wait(run.backend.create_flow_run(self._new_run()))
            run.name, run.attempt.token, run.run_count = created.name, created.token, created.run_count
        else:
            yield from self._take_over(self._assignment)
        run.backend.attach(run.attempt)
        if self.host is not None:
            self.host.children.add(run)
        try:
            return (yield from self._attempts())
        finally:
            run.backend.detach(run.attempt)
            if self.host is not None:
                self.host.children.discard(run)
            if run.session is not None:
                run.session.close()

    def _attempts(self) -> Script:
        run, options = self.run, self.definition.options
        while True:
            started = time.perf_counter()
            logger.info("Flow run %r of %r started", run.name, run.flow_name)
            run.state = State(type=StateType.RUNNING, name="" if run.run_count == 1 else "Retrying")
            if options.on_running:
                yield CallHooks(options.on_running, run.state)
            proposal = yield from self._execute()
            proposal = yield from self._drain(proposal)
            if run.stopping is LeaseLostInterrupt:
                state = yield from self._lose()
                if not state.is_failed():
                    return state
            elif run.stopping is SuspendInterrupt and self.host is None:
                # Suspended by somebody else: the server holds the state, and waits only for what is under way.
                yield Wait(run.backend.flush())
                state = State(type=StateType.PAUSED, name="Suspended", message=run.stop_reason)
            else:
                if not proposal.is_final():
                    yield Wait(run.backend.flush())
                state = yield from self._conclude(proposal)
            if _is_retried_here(state):
                held = yield from self._retry(state)
                if held is None:
                    continue
                state = held
            run.state = state
            self._say_end(state, time.perf_counter() - started)
            hooks = self._final_hooks(state)
            if hooks:
                yield CallHooks(hooks, state)
            return state

    def _execute(self) -> Script:
        """Run the user's function and say how it ended."""
        run = self.run
        try:
            if self._failure is not None:
                raise self._failure
            run.check()
            args, kwargs = self.definition.signature.unbind(run.parameters)
            value = yield Body(args, kwargs)
        except BaseException as error:
            return self._judge(error)
        try:
            return (yield from self._take_value(value))
        except BaseException as error:
            return self._judge(error)

    def _take_value(self, value: Any) -> Script:
        found = deciding(value)
        message = name = ""
        if found:
            yield Arrive([item for item in found if isinstance(item, Future)])
            state = judge_states(value, found)
            if not state.is_completed():
                self.error = cause_of(state, found)
                return state
            message = state.message
            if isinstance(value, State):
                name, value = state.name, value.data if value.has_data else None
            value = resolve(value)
        reference = None
        if self.run.persists:
            reference = yield Blocking(lambda: self._persist(value))
        ended: State[Any] = State(type=StateType.COMPLETED, name=name, message=message, reference=reference)
        if reference is None or self.definition.options.cache_result_in_memory:
            ended.data = value
        return ended

    def _judge(self, error: BaseException) -> State[Any]:
        run = self.run
        if isinstance(error, TimeoutInterrupt) and run.stopping is None:
            error = self.time_over()
        if isinstance(error, BaseExceptionGroup) and (suspended := error.subgroup(SuspendInterrupt)) is not None:
            # Raised in one of several coroutines that run side by side.
            error = suspended
            while isinstance(error, BaseExceptionGroup):
                error = error.exceptions[0]
        self.error = error
        if isinstance(error, SuspendInterrupt) and error.state is not None and run.stopping is None:
            return error.state
        if run.stopping is SuspendInterrupt:
            # The parent of this run was suspended, and calls it anew when it is resumed.
            return State(type=StateType.CANCELLED, message="the flow run that called it was suspended", data=error)
        if run.stopping is CancelInterrupt and isinstance(error, Interrupted | asyncio.CancelledError):
            return State(type=StateType.CANCELLED, message=run.stop_reason, data=error)
        if isinstance(error, Exception):
            return failed(error, "TimedOut" if isinstance(error, TimedOut) else "")
        reason = run.stop_reason or f"Execution was ended by {describe_error(error)}"
        return State(type=StateType.CRASHED, message=reason, data=error, details=error_details(error))

    def time_over(self) -> TimedOut:
        """Return the error of a run whose time is over."""
        seconds = self.definition.options.timeout_seconds or 0
        return TimedOut(f"flow run {self.run.name!r} took longer than {seconds:g} s")

    def _drain(self, proposal: State[Any]) -> Script:
        """Wait for submitted tasks; if the flow did not complete, those that have not started never will."""
        run, session = self.run, self.run.session
        if session is None:
            return proposal
        if isinstance(self.error, TimedOut):
            session.interrupt(TimeoutInterrupt)
        elif proposal.is_final() and not proposal.is_completed():
            session.cancel_pending("the flow run ended before the task started")
        try:
            yield Blocking(session.join)
        except BaseException as error:
            # Ctrl-C and the like, while all that was left to do was to wait.
            proposal = self._judge(error)
            session.interrupt(TerminateInterrupt)
            yield Blocking(session.join)
        if run.stopping is not None and (proposal.is_completed() or not proposal.is_final()):
            proposal = self._judge(run.stopping(run.stop_reason))
        return proposal

    def _conclude(self, proposal: State[Any]) -> Script:
        """Propose the final state until there is a verdict; returns the state that holds."""
        run = self.run
        while True:
            try:
                verdict = yield Wait(run.backend.propose(run.id, run.attempt.token, proposal))
            except errors.LeaseLost as error:
                run.stop(LeaseLostInterrupt, error.message)
                return (yield from self._lose())
            held = verdict.state
            if verdict.outcome == "accepted":
                return with_data(held or proposal, proposal)
            if verdict.outcome == "wait":
                yield Pause(verdict.delay_seconds)
            elif held is not None and held.is_cancelling() and not proposal.is_cancelled():
                run.stop_reason = held.message or "the run was asked to stop"
                self.error = self.error if isinstance(self.error, Interrupted) else CancelledRun(run.stop_reason)
                proposal = State(type=StateType.CANCELLED, message=run.stop_reason, data=self.error)
            elif held is not None and held.is_running() and not proposal.is_final():
                self.error = errors.FailedPrecondition(
                    f"flow run {run.name!r} cannot be {proposal.name}: {verdict.reason}", reason=verdict.code
                )
                proposal = failed(self.error)
            elif held is not None:
                if held.type is not proposal.type and not held.is_scheduled():
                    logger.warning("Flow run %r is %s: %s", run.name, held.name, verdict.reason)
                    self.error = None if held.is_completed() else held.exception()
                return with_data(held, proposal)
            else:
                raise errors.Aborted(f"flow run {run.name!r} cannot become {proposal.name}: {verdict.reason}")

    def _retry(self, scheduled: State[Any]) -> Generator[Operation, Any, State[Any] | None]:
        """Wait for the next try; returns None when it may start, else the state that holds."""
        run = self.run
        due = scheduled.details.scheduled_at if scheduled.details is not None else None
        delay = max(0.0, (due - scheduled.occurred_at).total_seconds()) if due is not None else 0.0
        logger.warning("Flow run %r failed and is tried again in %.3g s: %s", run.name, delay, self.error)
        while True:
            yield Pause(delay)
            if run.stopping is not None:
                return (yield from self._conclude(self._judge(run.stopping(run.stop_reason))))
            proposal = State[Any](type=StateType.RUNNING, name="Retrying")
            verdict = yield Wait(run.backend.propose(run.id, run.attempt.token, proposal))
            if verdict.outcome == "wait":
                delay = verdict.delay_seconds
                continue
            if verdict.outcome != "accepted":
                return verdict.state or proposal
            run.attempt.token = verdict.token or run.attempt.token
            run.run_count += 1
            run.begin_again()
            run.earlier = yield Wait(run.backend.earlier_task_runs(run.id))
            self.error = None
            return None

    def _take_over(self, assignment: Assignment) -> Generator[Operation, Any, None]:
        run = self.run
        run.name, run.attempt.token, run.run_count = assignment.name, assignment.token, assignment.run_count
        run.assignment = assignment
        run.passed = assignment.passed
        if assignment.run_count > 1 or assignment.attempt_number > 1:
            run.earlier = yield Wait(run.backend.earlier_task_runs(run.id))

    def _settle_parameters(self) -> None:
        """Check the parameters; what is wrong with them ends the run when it has been created."""
        run, options = self.run, self.definition.options
        try:
            values = self._raw
            if self._upstream is not None:
                self._upstream.check()
                if self._upstream.needs_results:
                    values = {name: resolve(value) for name, value in values.items()}
            run.parameters = dict(values)
            if options.validate_parameters:
                run.parameters = types_of(self.definition.fn).validate(values)
            template = options.flow_run_name
            if template is not None and self._assignment is None:
                takes = callable(template) and "parameters" in inspect.signature(template).parameters
                run.name = run_name(template, "flow_run_name", run.parameters, takes_parameters=takes)
        except Exception as error:
            self._failure = error

    def _new_run(self) -> NewFlowRun:
        run, options, stand_in = self.run, self.definition.options, self.stand_in
        return NewFlowRun(
            flow_run_id=run.id,
            flow_name=self.definition.name,
            name="" if run.name == run.id else run.name,
            parameters=recorded(run.parameters),
            tags=run.tags,
            flow_version=options.version or "",
            retries=options.retries,
            retry_delays=self.definition.retry_delays,
            parent_task_run_id=stand_in.task_run_id if stand_in is not None else "",
            parent_flow_run_id=self.host.id if self.host is not None else "",
        )

    def _persist(self, value: Any) -> Any:
        serializer = self.definition.options.result_serializer or self._settings.results_serializer
        return headrace.results.store_at(self.run.results_url).write(f"{self.run.id}/result", value, serializer)

    def _lose(self) -> Script:
        """Stop without another word to the server: the run belongs to another attempt, or is over."""
        run = self.run
        # Who waits is woken before the callback that keeps the final state, and then forgets the pause, is called.
        waiting = run.paused
        held = run.final if waiting is None else (yield Wait(waiting))
        if held is not None and held.details is not None and held.details.reason == PAUSE_EXPIRED:
            self.error = PauseTimedOut(held.message)
            return State(type=StateType.FAILED, name=held.name, message=held.message, data=self.error)
        taken = "was given to another attempt or is over"
        message = f"flow run {run.name!r} {taken}, so this process stops: {run.stop_reason}"
        logger.error("%s", message)
        self.error = errors.LeaseLost(message)
        return State(type=StateType.CRASHED, message=message, data=self.error)

    def _final_hooks(self, state: State[Any]) -> tuple[Hook, ...]:
        options = self.definition.options
        hooks = {
            StateType.COMPLETED: options.on_completion,
            StateType.FAILED: options.on_failure,
            StateType.CANCELLED: options.on_cancellation,
            StateType.CRASHED: options.on_crashed,
        }
        return hooks.get(state.type, ())

    def _say_end(self, state: State[Any], seconds: float) -> None:
        run = self.run
        if state.is_completed():
            logger.info("Flow run %r completed in %.3g s", run.name, seconds)
        elif not state.is_final():
            logger.info("Flow run %r gives its process up, and goes on in another: it is %s", run.name, state.name)
        elif state.is_failed() and isinstance(self.error, Exception):
            logger.error("Flow run %r failed: %s", run.name, state.message, exc_info=self.error)
        else:
            logger.warning("Flow run %r ended %s: %s", run.name, state.name, state.message)

    def _mirror(self, state: State[Any]) -> None:
        """Let the task run that stands for a subflow end as the subflow did."""
        stand_in = self.stand_in
        if stand_in is None or stand_in.attempt.is_lost:
            return
        details = StateDetails(child_flow_run_id=self.run.id)
        if state.is_completed():
            if state.has_data:
                stand_in.value = state.data
                stand_in.host.tracker.track(state.data, stand_in.task_run_id)
        else:
            stand_in.error = self.error
        usual = state.name == state.type.value.capitalize()
        code = CODES[state.type] if state.is_final() else CANCELLED
        stand_in.enter(code, "" if usual else state.name, state.message, details, state.reference)


def _is_retried_here(state: State[Any]) -> bool:
    """Return whether this process goes on with the run when it is due again; otherwise a worker will."""
    return state.is_scheduled() and (state.details is None or state.details.reason not in GOES_ON_ELSEWHERE)
