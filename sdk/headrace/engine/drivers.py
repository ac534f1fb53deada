"""Drivers: carry out the script of a flow run, in synchronous and in asynchronous code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Coroutine, Iterator
from types import FrameType
from typing import Any

from headrace import errors
from headrace.context import current_run
from headrace.engine.flow_engine import FlowExecution
from headrace.engine.guards import Deadline, Guard, current_guard
from headrace.engine.hooks import await_hooks, call_hooks
from headrace.engine.operations import Arrive, Blocking, Body, CallHooks, Operation, Pause, Wait
from headrace.engine.runs import FlowRun
from headrace.futures import arrival
from headrace.outcomes import CancelledRun, Interrupted, LeaseLostInterrupt, TerminateInterrupt
from headrace.states import State
from headrace.tracing import flow_run_span

TERMINATED_EXIT_CODE = 128 + signal.SIGTERM


def run_sync(execution: FlowExecution) -> State[Any]:
    """Run a flow in this thread; returns the final state."""
    run = execution.run
    guard = run.guard = current_guard()
    was_armed = guard.disarm()
    token = current_run.set(run)
    try:
        with termination(run), flow_run_span(run):
            script = execution.script()
            value: Any = None
            error: BaseException | None = None
            while True:
                try:
                    operation = script.send(value) if error is None else script.throw(error)
                except StopIteration as end:
                    state: State[Any] = end.value
                    return state
                value = error = None
                try:
                    value = carry_out(operation, execution, guard)
                except BaseException as raised:
                    error = raised
    finally:
        current_run.reset(token)
        # A request to stop this run that found no user code to end must not end that of somebody else.
        if run.stopping is not None and (execution.host is None or execution.host.stopping is None):
            guard.settle(run.stopping)
        if was_armed:
            guard.arm()


async def run_async(execution: FlowExecution) -> State[Any]:
    """Run a flow on this event loop; returns the final state."""
    run = execution.run
    task = asyncio.current_task()
    run.runs_on(asyncio.get_running_loop(), task)
    token = current_run.set(run)
    driver = AsyncDriver(execution, task)
    try:
        with termination(run), flow_run_span(run):
            script = execution.script()
            value: Any = None
            error: BaseException | None = None
            while True:
                try:
                    operation = script.send(value) if error is None else script.throw(error)
                except StopIteration as end:
                    state: State[Any] = end.value
                    break
                value = error = None
                try:
                    value = await driver.carry_out(operation)
                except BaseException as raised:
                    error = raised
    finally:
        current_run.reset(token)
        run.runs_on(asyncio.get_running_loop(), None)
    if driver.deferred is not None:
        raise driver.deferred
    return state


def outcome_of(execution: FlowExecution, state: State[Any], return_state: bool) -> Any:
    """Return what the caller of a flow gets: its value, or its state if asked for.

    Raises:
        BaseException: What ended the run.
    """
    error = execution.error
    host = execution.host
    if isinstance(error, Interrupted | asyncio.CancelledError):
        if host is not None and host.stopping is not None:
            raise error
        if isinstance(error, TerminateInterrupt):
            raise SystemExit(TERMINATED_EXIT_CODE)
        if isinstance(error, LeaseLostInterrupt):
            error = errors.LeaseLost(state.message)
        elif execution.run.stopping is not None:
            error = CancelledRun(state.message or f"flow run {execution.run.name!r} was cancelled")
    if error is not None and not isinstance(error, Exception):
        raise error
    if return_state:
        return state
    if error is not None:
        raise error
    return state.result() if state.is_final() else None


def carry_out(operation: Operation, execution: FlowExecution, guard: Guard) -> Any:
    """Do in this thread what the script of a flow run asks for."""
    match operation:
        case Wait():
            return operation.future.result()
        case Body():
            return _call(operation, execution, guard)
        case Arrive():
            for future in operation.futures:
                future.wait()
        case Pause():
            execution.run.stopped.wait(operation.seconds)
        case Blocking():
            return operation.function()
        case CallHooks():
            call_hooks(operation.hooks, execution.definition, execution.run, operation.state)
    return None


def _call(body: Body, execution: FlowExecution, guard: Guard) -> Any:
    seconds = execution.definition.options.timeout_seconds
    deadline = Deadline(guard, seconds) if seconds is not None else None
    try:
        guard.arm()
        return execution.definition.fn(*body.args, **body.kwargs)
    finally:
        guard.disarm()
        if deadline is not None:
            deadline.close()


class AsyncDriver:
    """Does on an event loop what the script of a flow run asks for.

    Args:
        execution: The flow run.
        task: The asyncio task that it runs in.
    """

    def __init__(self, execution: FlowExecution, task: asyncio.Task[Any] | None) -> None:
        self._execution = execution
        self._task = task
        self.deferred: BaseException | None = None
        """A cancellation that came while the engine talked to the server, to be raised at the end."""

    async def carry_out(self, operation: Operation) -> Any:
        """Do what the script asks for."""
        execution = self._execution
        match operation:
            case Wait():
                return await self._steadily(_awaited(operation))
            case Body():
                return await self._call(operation)
            case Arrive():
                for future in operation.futures:
                    await arrival(future)
            case Pause():
                await self._pause(operation.seconds)
            case Blocking():
                return await self._steadily(asyncio.to_thread(operation.function))
            case CallHooks():
                await await_hooks(operation.hooks, execution.definition, execution.run, operation.state)
        return None

    async def _call(self, body: Body) -> Any:
        execution = self._execution
        seconds = execution.definition.options.timeout_seconds
        timeout = asyncio.timeout(seconds)
        try:
            async with timeout:
                return await execution.definition.fn(*body.args, **body.kwargs)
        except TimeoutError:
            if timeout.expired():
                raise execution.time_over() from None
            raise
        except asyncio.CancelledError:
            self.uncancel()
            raise

    async def _steadily(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        # What the engine tells the server is told to the end, even while the run is being cancelled.
        inner = asyncio.ensure_future(coroutine)
        while True:
            try:
                return await asyncio.shield(inner)
            except asyncio.CancelledError as error:
                if inner.cancelled() or self.deferred is not None:
                    inner.cancel()
                    raise
                if self._execution.run.stopping is None:
                    self.deferred = error
                self.uncancel()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if self._execution.run.stopping is None:
                raise
            self.uncancel()

    def uncancel(self) -> None:
        """Take a cancellation back that the run has heard of."""
        if self._task is not None and self._task.cancelling():
            self._task.uncancel()


async def _awaited(wait: Wait) -> Any:
    return await asyncio.wrap_future(wait.future)


@contextlib.contextmanager
def termination(run: FlowRun) -> Iterator[None]:
    """Let SIGTERM end the outermost run of the main thread properly, where nobody else has a plan for it."""
    outermost = run.parent is None and threading.current_thread() is threading.main_thread()
    if not outermost or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        run.stop(TerminateInterrupt, "the process was asked to end (SIGTERM)")

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
