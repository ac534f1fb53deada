"""Hooks: the user's functions that are called when a run enters a state."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Coroutine, Sequence
from typing import Any

from headrace.engine.definitions import Definition, Hook
from headrace.states import State

logger = logging.getLogger("headrace.engine")


def call_hooks(hooks: Sequence[Hook], definition: Definition, run: Any, state: State[Any]) -> None:
    """Call hooks one after another. One that raises is logged and ends nothing else."""
    for hook in hooks:
        try:
            answer = hook(definition, run, state)
            if inspect.iscoroutine(answer):
                run_blocking(answer)
        except Exception:
            _report(hook, run)


async def await_hooks(hooks: Sequence[Hook], definition: Definition, run: Any, state: State[Any]) -> None:
    """Call hooks as `call_hooks` does, from asynchronous code."""
    for hook in hooks:
        try:
            answer = hook(definition, run, state)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            _report(hook, run)


def run_blocking(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end from synchronous code, whether or not an event loop runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    outcome: list[Any] = []

    def work() -> None:
        try:
            outcome.extend((True, asyncio.run(coroutine)))
        except BaseException as error:
            outcome.extend((False, error))

    thread = threading.Thread(target=work, name="headrace-hook")
    thread.start()
    thread.join()
    succeeded, value = outcome
    if not succeeded:
        raise value
    return value


def _report(hook: Hook, run: Any) -> None:
    name = getattr(hook, "__name__", repr(hook))
    logger.exception("The hook %s of %s raised an error; the run's state stands.", name, run.name)
