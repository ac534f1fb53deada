"""Drivers of flows that are generators: they carry out the script and hand the items on as they come.

Between two items the caller's code runs, which is no part of the run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

from headrace.context import current_run
from headrace.engine.drivers import AsyncDriver, carry_out, termination
from headrace.engine.ending import deciding
from headrace.engine.flow_engine import FlowExecution
from headrace.engine.guards import Guard, current_guard
from headrace.engine.operations import Body
from headrace.engine.streams import stream_here, stream_on_loop
from headrace.states import State
from headrace.tracing import OpenSpan, open_flow_run_span, within


def stream_sync(execution: FlowExecution, *, keeps_items: bool) -> Generator[Any, Any, State[Any]]:
    """Run a flow that is a generator in this thread.

    Args:
        execution: The flow run.
        keeps_items: Whether the list of items is the result. It is, too, where results are persisted.

    Returns:
        The final state.
    """
    run = execution.run
    guard = run.guard = current_guard()
    script = execution.script()
    value: Any = None
    error: BaseException | None = None
    is_open = True
    try:
        with termination(run), open_flow_run_span(run) as span:
            while True:
                with _inside(execution, guard, span):
                    try:
                        operation = script.send(value) if error is None else script.throw(error)
                    except StopIteration as end:
                        state: State[Any] = end.value
                        return state
                    value = error = None
                    if not isinstance(operation, Body):
                        try:
                            value = carry_out(operation, execution, guard)
                        except BaseException as raised:
                            error = raised
                        continue
                kept: list[Any] | None = [] if keeps_items or run.persists else None
                try:
                    source = execution.definition.fn(*operation.args, **operation.kwargs)
                    if not is_open:
                        source.close()
                        continue
                    seconds = execution.definition.options.timeout_seconds
                    returned = yield from stream_here(run, source, seconds, execution.time_over, kept, span)
                    value = returned if kept is None or deciding(returned) else kept
                except GeneratorExit:
                    # Whoever iterates has had enough, which is no failure.
                    is_open = False
                except BaseException as raised:
                    error = raised
    finally:
        if run.stopping is not None and (execution.host is None or execution.host.stopping is None):
            guard.settle(run.stopping)


async def stream_async(execution: FlowExecution, *, keeps_items: bool) -> AsyncGenerator[Any, Any]:
    """Run a flow that is an asynchronous generator on this event loop; otherwise as `stream_sync`.

    The final state is in `execution.ended` then.
    """
    run = execution.run
    script = execution.script()
    value: Any = None
    error: BaseException | None = None
    is_open = True
    deferred: BaseException | None = None
    with termination(run), open_flow_run_span(run) as span:
        while True:
            with _inside(execution, None, span):
                task = asyncio.current_task()
                run.runs_on(asyncio.get_running_loop(), task)
                driver = AsyncDriver(execution, task)
                try:
                    operation = script.send(value) if error is None else script.throw(error)
                except StopIteration as end:
                    execution.ended = end.value
                    break
                finally:
                    deferred = driver.deferred or deferred
                value = error = None
                if not isinstance(operation, Body):
                    try:
                        value = await driver.carry_out(operation)
                    except BaseException as raised:
                        error = raised
                    deferred = driver.deferred or deferred
                    continue
            kept: list[Any] | None = [] if keeps_items or run.persists else None
            source = execution.definition.fn(*operation.args, **operation.kwargs)
            seconds = execution.definition.options.timeout_seconds
            items = stream_on_loop(run, source, seconds, execution.time_over, kept, span)
            try:
                while is_open:
                    run.runs_on(asyncio.get_running_loop(), asyncio.current_task())
                    run.check()
                    try:
                        item = await anext(items)
                    except StopAsyncIteration:
                        break
                    finally:
                        run.runs_on(asyncio.get_running_loop(), None)
                    yield item
                value = kept
            except GeneratorExit:
                await items.aclose()
                is_open = False
            except asyncio.CancelledError as raised:
                error = raised
                driver.uncancel()
            except BaseException as raised:
                error = raised
    run.runs_on(asyncio.get_running_loop(), None)
    if deferred is not None:
        raise deferred


@contextlib.contextmanager
def _inside(execution: FlowExecution, guard: Guard | None, span: OpenSpan | None) -> Iterator[None]:
    """Be the run for the block, with the caller's code left alone."""
    before = current_run.get()
    was_armed = guard.disarm() if guard is not None else False
    current_run.set(execution.run)
    try:
        with within(span):
            yield
    finally:
        current_run.set(before)
        if guard is not None and was_armed:
            guard.arm()
