"""Generators of the user's: carried on item by item, as the run that they belong to only while their own code runs.

Time between two items is the consumer's, and no time-out counts it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

from headrace.context import current_run
from headrace.engine.guards import Deadline, current_guard
from headrace.engine.runs import FlowRun, TaskRun
from headrace.outcomes import TimedOut, TimeoutInterrupt
from headrace.tracing import OpenSpan, within

LEAST_SECONDS = 0.001
"""What is left of a time-out for the next item at least: it may come at once."""


def stream_here(
    run: FlowRun | TaskRun,
    source: Generator[Any, Any, Any],
    seconds: float | None,
    time_over: Callable[[], TimedOut],
    kept: list[Any] | None,
    span: OpenSpan | None = None,
) -> Generator[Any, Any, Any]:
    """Yield what a generator yields, in this thread; what is sent or thrown in reaches it.

    Args:
        run: The run that its code is part of.
        source: The generator.
        seconds: How long its own code may run in all; None for as long as it takes.
        time_over: Makes the error to raise when that is over.
        kept: Gets every item; None keeps none.
        span: Is the current one while its code runs.

    Returns:
        What the generator returns.
    """
    guard = run.guard or current_guard()
    left = seconds
    advance: Callable[[Any], Any] = source.send
    given: Any = None
    while True:
        before = current_run.get()
        was_armed = guard.disarm()
        current_run.set(run)
        started = time.monotonic()
        deadline = Deadline(guard, left) if left is not None else None
        try:
            guard.arm()
            with within(span):
                item = advance(given)
        except StopIteration as end:
            return end.value
        except TimeoutInterrupt:
            if deadline is not None and deadline.expired:
                raise time_over() from None
            raise
        finally:
            guard.disarm()
            if deadline is not None:
                deadline.close()
                left = max(LEAST_SECONDS, (left or 0.0) - (time.monotonic() - started))
            current_run.set(before)
            if was_armed:
                guard.arm()
        if kept is not None:
            kept.append(item)
        try:
            given = yield item
            advance = source.send
        except GeneratorExit:
            source.close()
            raise
        except BaseException as error:
            advance, given = source.throw, error


async def stream_on_loop(
    run: FlowRun | TaskRun,
    source: AsyncGenerator[Any, Any],
    seconds: float | None,
    time_over: Callable[[], TimedOut],
    kept: list[Any] | None,
    span: OpenSpan | None = None,
) -> AsyncGenerator[Any, Any]:
    """Yield what an asynchronous generator yields, on this event loop; otherwise as `stream_here`."""
    left = seconds
    advance: Callable[[Any], Any] = source.asend
    given: Any = None
    while True:
        before = current_run.get()
        current_run.set(run)
        started = time.monotonic()
        timeout = asyncio.timeout(left)
        try:
            async with timeout:
                with within(span):
                    item = await advance(given)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if timeout.expired():
                raise time_over() from None
            raise
        finally:
            current_run.set(before)
            if left is not None:
                left = max(LEAST_SECONDS, left - (time.monotonic() - started))
        if kept is not None:
            kept.append(item)
        try:
            given = yield item
            advance = source.asend
        except GeneratorExit:
            await source.aclose()
            raise
        except BaseException as error:
            advance, given = source.athrow, error


async def gathered(source: AsyncGenerator[Any, Any]) -> list[Any]:
    """Return all items of an asynchronous generator."""
    return [item async for item in source]
