"""What runs here: the flow run or task run of the current thread or asyncio task.

with tags("nightly"):
    load.submit(...)
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace import errors
from headrace.outcomes import MissingContext

if TYPE_CHECKING:
    from headrace.engine.runs import FlowRun, TaskRun

current_run: contextvars.ContextVar[FlowRun | TaskRun | None] = contextvars.ContextVar("headrace_run", default=None)
"""The innermost run: a task run within a flow run, else the flow run, else None."""

current_tags: contextvars.ContextVar[frozenset[str]] = contextvars.ContextVar("headrace_tags", default=frozenset())
"""Tags that runs made here get beside their own."""


@contextlib.contextmanager
def tags(*words: str) -> Iterator[frozenset[str]]:
    """Give tags to all runs that are made within the block, beside those that they have themselves.

    Raises:
        errors.InvalidArgument: One is not a word.
    """
    if not all(type(word) is str and word for word in words):
        raise errors.InvalidArgument.of_field("tags", "must be texts that are not empty")
    token = current_tags.set(current_tags.get() | frozenset(words))
    try:
        yield current_tags.get()
    finally:
        current_tags.reset(token)


def get_flow_run() -> FlowRun:
    """Return the flow run that the caller is part of.

    Raises:
        MissingContext: There is none.
    """
    run = current_run.get()
    flow_run = run.flow_run if run is not None else None
    if flow_run is None:
        raise MissingContext("there is no flow run here: call this from within a flow or task")
    return flow_run


def get_task_run() -> TaskRun:
    """Return the task run that the caller is part of.

    Raises:
        MissingContext: There is none.
    """
    run = current_run.get()
    task_run = run.task_run if run is not None else None
    if task_run is None:
        raise MissingContext("there is no task run here: call this from within a task")
    return task_run


def get_run_context() -> FlowRun | TaskRun:
    """Return the run that the caller is part of: the innermost one.

    Raises:
        MissingContext: There is none.
    """
    run = current_run.get()
    if run is None:
        raise MissingContext("there is no run here: call this from within a flow or task")
    return run
