"""What user code asks of a server and waits for, written once for synchronous and asynchronous code.

A step is a future to wait for, or a number of seconds to let pass. Either way a run that has to stop stops waiting.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

from headrace.engine.runs import FlowRun

T = TypeVar("T")

Step: TypeAlias = "concurrent.futures.Future[Any] | float"
Steps: TypeAlias = Generator[Step, Any, T]

_SLICE_SECONDS = 0.5
"""How often a thread that is not the main one looks whether its run has to stop; signals end the main one's waiting."""


def do_here(steps: Steps[T], run: FlowRun | None = None) -> T:
    """Carry steps out in this thread.

    Args:
        steps: What is to be done.
        run: The run that waits; None outside of one.

    Raises:
        headrace.outcomes.Interrupted: The run has to stop.
        RuntimeError: An event loop runs in this thread, which must not be held up.
    """
    _refuse_on_loop(steps)
    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = steps.send(value) if error is None else steps.throw(error)
        except StopIteration as end:
            found: T = end.value
            return found
        value = error = None
        try:
            value = _wait(step, run)
        except Exception as raised:
            error = raised


async def do_on_loop(steps: Steps[T]) -> T:
    """Carry steps out on the running event loop; otherwise as `do_here`."""
    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = steps.send(value) if error is None else steps.throw(error)
        except StopIteration as end:
            found: T = end.value
            return found
        value = error = None
        try:
            if isinstance(step, concurrent.futures.Future):
                value = await asyncio.wrap_future(step)
            else:
                await asyncio.sleep(step)
        except Exception as raised:
            error = raised


def _wait(step: Step, run: FlowRun | None) -> Any:
    until = time.monotonic() + step if not isinstance(step, concurrent.futures.Future) else None
    try:
        while True:
            if run is not None:
                run.check()
            if isinstance(step, concurrent.futures.Future):
                concurrent.futures.wait([step], _SLICE_SECONDS)
                if step.done():
                    return step.result()
            elif until is not None:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                if run is not None:
                    run.stopped.wait(left)
                else:
                    time.sleep(left)
    except BaseException:
        if isinstance(step, concurrent.futures.Future):
            # Nobody waits for the answer any more.
            step.cancel()
        raise


def _refuse_on_loop(steps: Steps[Any]) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    steps.close()
    raise RuntimeError(
        "this would hold up the event loop that it is called on: in asynchronous code await its twin, whose name "
        "begins with an a, for example apause_flow_run"
    )
