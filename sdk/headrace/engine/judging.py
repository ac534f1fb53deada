"""How task runs end and whether they are tried again: decided here, recorded, remembered on the run."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import logging
import traceback
from typing import Any

import headrace
from headrace.engine import keeping
from headrace.engine.guards import Deadline
from headrace.engine.hooks import run_blocking
from headrace.engine.naming import run_name
from headrace.engine.retries import delay_of
from headrace.engine.runs import TaskRun
from headrace.errors import HeadraceError
from headrace.outcomes import (
    CancelInterrupt,
    Interrupted,
    LeaseLostInterrupt,
    NotRetriable,
    TimedOut,
    TimeoutInterrupt,
    WorkerDied,
)
from headrace.recording.facts import CANCELLED, CODES, COMPLETED, CRASHED, FAILED, SCHEDULED
from headrace.states import ResultReference, State, StateDetails, StateType
from headrace.transactions import get_transaction

logger = logging.getLogger("headrace.task_runs")

FINAL_CODES = frozenset({CANCELLED, COMPLETED, CRASHED, FAILED})


def needs_preparation(run: TaskRun) -> bool:
    """Return whether there is anything to do before a run may enter RUNNING; for most there is not."""
    return (
        run.definition.needs_parameters
        or run.definition.is_transactional
        or bool(run.host.earlier)
        or run.persists
        or get_transaction() is not None
    )


def prepare(run: TaskRun, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Name a run, and look whether its result is there already.

    May read from the storage of results. Returns True if the run has its result and must not be executed.

    Raises:
        HeadraceError: The name or the cache key cannot be computed.
    """
    definition, options = run.definition, run.definition.options
    if definition.needs_parameters or run.persists:
        run.parameters = definition.signature.bind(args, kwargs)
        if options.task_run_name is not None:
            takes = (
                callable(options.task_run_name) and "parameters" in inspect.signature(options.task_run_name).parameters
            )
            run.name = run_name(options.task_run_name, "task_run_name", run.parameters, takes_parameters=takes)
    if replay(run):
        return True
    if run.persists:
        run.cache_key = keeping.cache_key(run)
    keeping.open_transaction(run)
    is_wanted_again = run.earlier is not None and run.earlier.is_wanted_again
    return bool(run.cache_key) and not options.refresh_cache and not is_wanted_again and _is_cached(run)


def complete(run: TaskRun, value: Any, *, is_whole: bool = True) -> Any:
    """Take what the user's function returned; returns the run's value.

    May write to the storage of results, unless the value is not whole.

    Raises:
        BaseException: The function returned a state that says that it did not complete.
        HeadraceError: The result cannot be persisted; the run has failed.
    """
    if isinstance(value, State):
        return _take_state(run, value)
    reference = _persisted(run, value) if is_whole and run.persists else None
    if reference is None or run.definition.options.cache_result_in_memory:
        run.value = value
    run.error = None
    run.enter(COMPLETED, reference=reference)
    if value is not None:
        run.host.tracker.track(value, run.task_run_id)
    return value


def _persisted(run: TaskRun, value: Any) -> ResultReference:
    try:
        return keeping.persist(run, value)
    except HeadraceError as error:
        fail(run, error)
        raise


def judge_error(run: TaskRun, error: BaseException, deadline: Deadline | None = None) -> tuple[float, BaseException]:
    """Decide what follows an error of a try, and record it.

    Returns:
        Seconds until the next try, or -1 if there is none; and the error to raise then.
    """
    if isinstance(error, TimeoutInterrupt) and deadline is not None and deadline.expired:
        error = timed_out(run)
    if isinstance(error, Interrupted | asyncio.CancelledError):
        stop(run, error)
        return -1, error
    if not isinstance(error, Exception):
        run.error = error
        run.enter(CRASHED, message=f"Execution was ended by {describe_error(error)}", details=error_details(error))
        return -1, error
    if run.run_count <= run.definition.options.retries and run.host.stopping is None and _may_retry(run, error):
        return _schedule_retry(run, error), error
    fail(run, error)
    logger.error("Task run %r failed: %s", run.name, describe_error(error), exc_info=error)
    return -1, error


def fail(run: TaskRun, error: Exception, *, name: str = "", retriable: bool | None = None) -> None:
    """Record that a run failed."""
    run.error = error
    details = error_details(error)
    if retriable is not None:
        details.retriable = retriable
    if isinstance(error, TimedOut):
        name = name or "TimedOut"
    run.enter(CRASHED if isinstance(error, WorkerDied) else FAILED, name, describe_error(error), details)


def stop(run: TaskRun, error: BaseException) -> None:
    """Record that a run was ended from outside."""
    run.error = error
    if isinstance(error, LeaseLostInterrupt):
        return
    reason = run.host.stop_reason or (str(error) if isinstance(error, CancelInterrupt) else "")
    if isinstance(error, TimeoutInterrupt):
        reason = "the flow run's time was over"
    message = reason or "the task was cancelled"
    if run.is_replayable:
        # What it did in an earlier execution stands.
        run.code, run.message = CANCELLED, message
        return
    run.enter(CANCELLED, message=message)


def timed_out(run: TaskRun) -> TimedOut:
    """Return the error of a run whose time is over."""
    return TimedOut(f"{run.name} took longer than {run.definition.options.timeout_seconds:g} s")


def _schedule_retry(run: TaskRun, error: Exception) -> float:
    options = run.definition.options
    delay = delay_of(run.definition.retry_delays, run.run_count, options.retry_jitter_factor)
    details = error_details(error)
    details.scheduled_at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=delay)
    message = f"{describe_error(error)}; retry {run.run_count} of {options.retries} in {delay:.3g} s"
    run.enter(SCHEDULED, "AwaitingRetry", message, details)
    logger.warning("Task run %r failed: %s", run.name, message)
    return delay


def _may_retry(run: TaskRun, error: Exception) -> bool:
    condition = run.definition.options.retry_condition_fn
    if isinstance(error, NotRetriable):
        return False
    if condition is None:
        return True
    state: State[Any] = State(type=StateType.FAILED, message=describe_error(error), data=error)
    try:
        answer = condition(run.definition, run, state)
        return bool(run_blocking(answer) if inspect.iscoroutine(answer) else answer)
    except Exception:
        logger.exception("The retry condition of %r raised an error, so there is no retry.", run.name)
        return False


def _take_state(run: TaskRun, state: State[Any]) -> Any:
    code = CODES[state.type]
    if code not in FINAL_CODES:
        error = TypeError(f"{run.name} returned the state {state}, which is not a final one")
        fail(run, error)
        raise error
    name = "" if state.name == state.type.value.capitalize() else state.name
    if code != COMPLETED:
        run.error = state.exception()
        run.enter(code, name, state.message, state.details)
        raise run.error
    value = state.data if state.has_data else None
    reference = _persisted(run, value) if run.persists else None
    if reference is None or run.definition.options.cache_result_in_memory:
        run.value = value
    run.error = None
    run.enter(code, name, state.message, state.details, reference)
    return value


def replay(run: TaskRun) -> bool:
    """Take the persisted value of a run that completed in an earlier execution; True if there is one."""
    earlier = run.earlier
    if earlier is None or earlier.reference is None or not run.is_replayable:
        return False
    try:
        run.value = headrace.results.read_result(earlier.reference)
    except HeadraceError as error:
        logger.warning("Task run %r is executed again: %s", run.name, error)
        return False
    run.code, run.reference = COMPLETED, earlier.reference
    run.host.tracker.track(run.value, run.task_run_id)
    return True


def _is_cached(run: TaskRun) -> bool:
    try:
        found = keeping.find_cached(run)
    except HeadraceError as error:
        logger.warning("The cache cannot be used, so task run %r is executed: %s", run.name, error)
        return False
    if found is None:
        return False
    if run.transaction is not None:
        # This run does nothing that could be undone.
        run.transaction.find()
    run.value = found.value
    details = StateDetails(cache_key=run.cache_key, cache_expires_at=found.reference.expires_at)
    run.enter(COMPLETED, "Cached", details=details, reference=found.reference)
    run.host.tracker.track(run.value, run.task_run_id)
    return True


def error_details(error: BaseException) -> StateDetails:
    """Return what a state says about an error beside its message."""
    kind = type(error)
    return StateDetails(
        error_type=kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        reason=error.reason if isinstance(error, HeadraceError) else "",
        retriable=False if isinstance(error, NotRetriable) else None,
        traceback="".join(traceback.format_exception(error)),
    )


def describe_error(error: BaseException) -> str:
    """Return an error in one line, as states say it."""
    try:
        text = str(error)
    except Exception as failure:
        # The error is the user's, and so is what describes it.
        text = f"its description failed with {type(failure).__name__}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
