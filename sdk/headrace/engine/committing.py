"""Steps of the end of a transaction: made one after another, in synchronous and in asynchronous code."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from headrace.engine.hooks import run_blocking

logger = logging.getLogger("headrace.transactions")

Step = Callable[[], Any]
"""Something to be done for a commit or rollback; may return something to be awaited."""
Steps = Generator[Step, None, None]
"""What is to be done; is thrown what a step raises."""


class HookCall:
    """The call of a hook.

    Args:
        hook: What is called.
        transaction: With what.
        is_safe: Whether an error is logged, and the next step is made all the same.
    """

    __slots__ = ("_hook", "_is_safe", "_transaction")

    def __init__(self, hook: Callable[[Any], Any], transaction: object, *, is_safe: bool) -> None:
        self._hook = hook
        self._transaction = transaction
        self._is_safe = is_safe

    def __call__(self) -> Any:
        """Call the hook; may return something to be awaited."""
        if not self._is_safe:
            return self._hook(self._transaction)
        try:
            answer = self._hook(self._transaction)
        except Exception:
            self._report()
            return None
        return self._await(answer) if inspect.isawaitable(answer) else None

    async def _await(self, answer: Awaitable[Any]) -> None:
        try:
            await answer
        except Exception:
            self._report()

    def _report(self) -> None:
        name = getattr(self._hook, "__name__", repr(self._hook))
        logger.exception("The rollback hook %s raised an error; the others are called all the same.", name)


def drive(steps: Steps) -> None:
    """Do the steps of an end in this thread."""
    error: BaseException | None = None
    while True:
        try:
            step = next(steps) if error is None else steps.throw(error)
        except StopIteration:
            return
        error = None
        try:
            answer = step()
            if inspect.iscoroutine(answer):
                run_blocking(answer)
        except BaseException as raised:
            error = raised


async def drive_on_loop(steps: Steps) -> None:
    """Do the steps of an end on this event loop; what is written is written in a thread."""
    error: BaseException | None = None
    while True:
        try:
            step = next(steps) if error is None else steps.throw(error)
        except StopIteration:
            return
        error = None
        try:
            answer = step() if isinstance(step, HookCall) else await asyncio.to_thread(step)
            if isinstance(answer, Awaitable):
                await answer
        except BaseException as raised:
            error = raised
