"""Pausing flow runs until somebody resumes them, with or without a form to fill in.

    @flow
    def publish() -> None:
        class Approval(RunInput):
            approved: bool
            comment: str = ""

        answer = pause_flow_run(wait_for_input=Approval)

A paused run keeps its process, which waits. A suspended run gives its process and its slots up; resumed, its flow
is called again by any worker, tasks that completed with persisted results are not executed again, and pauses that
were passed are passed at once. Each function has a twin for asynchronous code, with an `a` before its name.
"""

from __future__ import annotations

import concurrent.futures
import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, overload

from headrace import errors
from headrace.context import current_run, get_flow_run
from headrace.engine.backend import Verdict
from headrace.engine.connection import get_backend
from headrace.engine.patience import Steps, do_here, do_on_loop
from headrace.engine.runs import FlowRun
from headrace.inputs import InputForm, form_of
from headrace.outcomes import MissingContext, PauseTimedOut, SuspendInterrupt
from headrace.states import State, StateDetails, StateType

T = TypeVar("T")

DEFAULT_TIMEOUT_SECONDS = 3600.0

Span = float | datetime.timedelta
"""Seconds, or a span of time."""


@overload
def pause_flow_run(
    wait_for_input: type[T], *, timeout: Span | None = ..., key: str | None = ..., message: str = ...
) -> T: ...


@overload
def pause_flow_run(
    wait_for_input: None = None,
    *,
    timeout: Span | None = ...,
    key: str | None = ...,
    message: str = ...,
    flow_run_id: str | None = ...,
) -> None: ...


def pause_flow_run(
    wait_for_input: Any = None,
    *,
    timeout: Span | None = DEFAULT_TIMEOUT_SECONDS,
    key: str | None = None,
    message: str = "",
    flow_run_id: str | None = None,
) -> Any:
    """Pause a flow run until it is resumed; its process waits, and starts no further task.

    Args:
        wait_for_input: What the run asks for: a pydantic model (for example a `RunInput`) or any other type.
        timeout: Seconds after which the run fails if it was not resumed; None waits for ever.
        key: Names the pause. A run that is executed again passes a pause that was resumed; by default pauses are
            numbered in the order of the calls.
        message: For people: why the run waits.
        flow_run_id: The run, if it is not the caller's own; the call returns as soon as it is paused.

    Returns:
        What whoever resumed the run filled in.

    Raises:
        headrace.outcomes.MissingContext: There is no flow run here, or the caller is a task.
        errors.FailedPrecondition: The run cannot be paused now.
        headrace.outcomes.PauseTimedOut: The run was not resumed in time, and has failed.
    """
    if flow_run_id is not None:
        return do_here(_pause_other(flow_run_id, wait_for_input, timeout, key, message, suspends=False))
    run = _own_run("pause_flow_run")
    return do_here(_pause_flow_run(run, wait_for_input, timeout, key, message), run)


@overload
async def apause_flow_run(
    wait_for_input: type[T], *, timeout: Span | None = ..., key: str | None = ..., message: str = ...
) -> T: ...


@overload
async def apause_flow_run(
    wait_for_input: None = None,
    *,
    timeout: Span | None = ...,
    key: str | None = ...,
    message: str = ...,
    flow_run_id: str | None = ...,
) -> None: ...


async def apause_flow_run(
    wait_for_input: Any = None,
    *,
    timeout: Span | None = DEFAULT_TIMEOUT_SECONDS,
    key: str | None = None,
    message: str = "",
    flow_run_id: str | None = None,
) -> Any:
    """Pause a flow run until it is resumed; as `pause_flow_run`."""
    if flow_run_id is not None:
        return await do_on_loop(_pause_other(flow_run_id, wait_for_input, timeout, key, message, suspends=False))
    return await do_on_loop(_pause_flow_run(_own_run("pause_flow_run"), wait_for_input, timeout, key, message))


@overload
def suspend_flow_run(
    wait_for_input: type[T], *, timeout: Span | None = ..., key: str | None = ..., message: str = ...
) -> T: ...


@overload
def suspend_flow_run(
    wait_for_input: None = None,
    *,
    timeout: Span | None = ...,
    key: str | None = ...,
    message: str = ...,
    flow_run_id: str | None = ...,
) -> None: ...


def suspend_flow_run(
    wait_for_input: Any = None,
    *,
    timeout: Span | None = DEFAULT_TIMEOUT_SECONDS,
    key: str | None = None,
    message: str = "",
    flow_run_id: str | None = None,
) -> Any:
    """Suspend a flow run until it is resumed: its process ends, and another goes on with the run.

    Submitted tasks that are under way are waited for first. The run needs a deployment, and must be no subflow.

    Args:
        wait_for_input: What the run asks for, as of `pause_flow_run`.
        timeout: Seconds after which the run fails if it was not resumed; None waits for ever.
        key: Names the pause, as of `pause_flow_run`.
        message: For people: why the run waits.
        flow_run_id: The run, if it is not the caller's own. What its process is doing is ended then.

    Returns:
        What whoever resumed the run filled in: to the flow that is called again.

    Raises:
        headrace.outcomes.MissingContext: There is no flow run here, or the caller is a task.
        errors.FailedPrecondition: The run cannot be suspended: it has no deployment, or is a subflow.
    """
    if flow_run_id is not None:
        return do_here(_pause_other(flow_run_id, wait_for_input, timeout, key, message, suspends=True))
    run = _own_run("suspend_flow_run")
    return do_here(_suspend_flow_run(run, wait_for_input, timeout, key, message), run)


@overload
async def asuspend_flow_run(
    wait_for_input: type[T], *, timeout: Span | None = ..., key: str | None = ..., message: str = ...
) -> T: ...


@overload
async def asuspend_flow_run(
    wait_for_input: None = None,
    *,
    timeout: Span | None = ...,
    key: str | None = ...,
    message: str = ...,
    flow_run_id: str | None = ...,
) -> None: ...


async def asuspend_flow_run(
    wait_for_input: Any = None,
    *,
    timeout: Span | None = DEFAULT_TIMEOUT_SECONDS,
    key: str | None = None,
    message: str = "",
    flow_run_id: str | None = None,
) -> Any:
    """Suspend a flow run until it is resumed; as `suspend_flow_run`."""
    if flow_run_id is not None:
        return await do_on_loop(_pause_other(flow_run_id, wait_for_input, timeout, key, message, suspends=True))
    return await do_on_loop(_suspend_flow_run(_own_run("suspend_flow_run"), wait_for_input, timeout, key, message))


def resume_flow_run(flow_run_id: str, run_input: Any = None) -> None:
    """Resume a paused or suspended flow run.

    Args:
        flow_run_id: Which one.
        run_input: What it asks for: the fields of its form as a mapping or a model, or the value of a plain type.

    Raises:
        errors.InvalidArgument: The input does not fit; says which field and why.
        errors.FailedPrecondition: The run is not paused.
        errors.NotFound: There is no such run.
    """
    do_here(_resume_flow_run(flow_run_id, run_input))


async def aresume_flow_run(flow_run_id: str, run_input: Any = None) -> None:
    """Resume a paused or suspended flow run; as `resume_flow_run`."""
    await do_on_loop(_resume_flow_run(flow_run_id, run_input))


def _pause_flow_run(run: FlowRun, wanted: Any, timeout: Span | None, key: str | None, message: str) -> Steps[Any]:
    key = key or f"pause-{run.counters.next('headrace.pause')}"
    form = form_of(wanted, key) if wanted is not None else None
    if form is not None:
        yield from form.ask(run)
    if run.paused is not None:
        # Somebody else paused it just now; one pause after the other.
        yield run.paused
    paused = _paused("Paused", message, key, timeout, form, suspends=False)
    verdict: Verdict = yield run.backend.propose(run.id, run.attempt.token, paused)
    if verdict.outcome == "accepted":
        state: State[Any] = yield run.pause()
        run.check()
        if state.is_final():
            # The run is over; the engine, which is told as well, ends it properly.
            raise PauseTimedOut(state.message or f"the run is {state.name}")
    elif verdict.code != "PAUSED_BEFORE":
        run.check()
        raise errors.FailedPrecondition(f"the run cannot be paused: {verdict.reason}", reason=verdict.code)
    return (yield from form.answer(run)) if form is not None else None


def _suspend_flow_run(run: FlowRun, wanted: Any, timeout: Span | None, key: str | None, message: str) -> Steps[Any]:
    key = key or f"pause-{run.counters.next('headrace.pause')}"
    form = form_of(wanted, key) if wanted is not None else None
    if key in run.passed:
        return (yield from form.answer(run)) if form is not None else None
    if run.assignment is None or run.assignment.parent_flow_run_id:
        what = "a run without a deployment cannot be suspended: nobody could go on with it; use pause_flow_run"
        if run.parent is not None or run.assignment is not None:
            what = "a subflow cannot be suspended: its parent waits for it"
        raise errors.FailedPrecondition(what, reason="NOT_CLAIMABLE")
    if form is not None:
        yield from form.ask(run)
    raise SuspendInterrupt(
        message or "the run is suspended", _paused("Suspended", message, key, timeout, form, suspends=True)
    )


def _pause_other(
    flow_run_id: str, wanted: Any, timeout: Span | None, key: str | None, message: str, *, suspends: bool
) -> Steps[None]:
    if wanted is not None:
        raise errors.InvalidArgument.of_field("wait_for_input", "can be asked for by the run itself only")
    verdict: Verdict = yield get_backend().waits.pause(
        flow_run_id, suspends=suspends, key=key or "", timeout_seconds=seconds_of(timeout), reason=message
    )
    if verdict.outcome != "accepted":
        what = "suspended" if suspends else "paused"
        raise errors.FailedPrecondition(f"the run cannot be {what}: {verdict.reason}", reason=verdict.code)


def _resume_flow_run(flow_run_id: str, run_input: Any) -> Steps[None]:
    given = InputForm.fields_of(run_input)
    resumed: concurrent.futures.Future[Verdict] = get_backend().waits.resume(flow_run_id, given)
    verdict: Verdict = yield resumed
    if verdict.outcome != "accepted":
        raise errors.FailedPrecondition(f"the run cannot be resumed: {verdict.reason}", reason=verdict.code)


def _paused(
    name: str, message: str, key: str, timeout: Span | None, form: InputForm[Any] | None, *, suspends: bool
) -> State[Any]:
    keyset: Mapping[str, str] | None = form.keyset if form is not None else None
    details = StateDetails(
        pause_key=key, pause_seconds=seconds_of(timeout), pause_reschedule=suspends, run_input_keyset=keyset
    )
    return State(type=StateType.PAUSED, name=name, message=message, details=details)


def _own_run(what: str) -> FlowRun:
    here = current_run.get()
    if here is not None and here.task_run is not None:
        raise MissingContext(f"{what} belongs into a flow: a task cannot pause the run that it is part of")
    return get_flow_run()


def seconds_of(span: Span | None) -> float | None:
    """Return a span in seconds.

    Raises:
        errors.InvalidArgument: It is not above 0.
    """
    if span is None:
        return None
    seconds = span.total_seconds() if isinstance(span, datetime.timedelta) else float(span)
    if not seconds > 0:
        raise errors.InvalidArgument.of_field("timeout", f"must be above 0, not {seconds:g}")
    return seconds
