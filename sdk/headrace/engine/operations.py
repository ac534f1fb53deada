"""What the script of a flow run can ask of its driver."""

from __future__ import annotations

import concurrent.futures
import dataclasses
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from headrace.engine.definitions import Hook
from headrace.futures import Future
from headrace.states import State


@dataclasses.dataclass(slots=True)
class Wait:
    """Wait for a `concurrent.futures.Future`; gives its result."""

    future: concurrent.futures.Future[Any]


@dataclasses.dataclass(slots=True)
class Arrive:
    """Wait until futures of tasks are done."""

    futures: list[Future[Any]]


@dataclasses.dataclass(slots=True)
class Pause:
    """Wait for some seconds, or until the run has to stop."""

    seconds: float


@dataclasses.dataclass(slots=True)
class Blocking:
    """Call a function that reads, writes or waits; gives what it returns."""

    function: Callable[[], Any]


@dataclasses.dataclass(slots=True)
class CallHooks:
    """Call hooks."""

    hooks: tuple[Hook, ...]
    state: State[Any]


@dataclasses.dataclass(slots=True)
class Body:
    """Run the user's function; gives what it returns."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


Operation = Wait | Arrive | Pause | Blocking | CallHooks | Body
Script: TypeAlias = Generator[Operation, Any, State[Any]]
"""Yields what has to be waited for, gets the result of each; returns the final state."""
