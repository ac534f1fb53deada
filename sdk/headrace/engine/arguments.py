"""Futures and states among the arguments of a task: found, waited for, put in place of by their results."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headrace.annotations import Annotated, allow_failure, quote
from headrace.api.v1 import task_run_pb2
from headrace.engine.signature import CallSignature
from headrace.engine.tracking import SCALARS, ResultTracker
from headrace.futures import Future
from headrace.outcomes import UpstreamFailed
from headrace.recording.facts import Input
from headrace.states import State

_COLLECTIONS: frozenset[type] = frozenset({list, tuple, set, frozenset})

MAX_INPUTS = 1000
"""Sources of one call that are told to the server."""

MAX_DEPTH = 30
"""How deep collections are searched for futures."""

TASK_RUN = task_run_pb2.TASK_INPUT_KIND_TASK_RUN
WAIT_FOR = task_run_pb2.TASK_INPUT_KIND_WAIT_FOR


def is_plain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether all arguments are scalars, as most are: then there is nothing to do about them."""
    for value in args:
        if type(value) not in SCALARS:
            return False
    return not kwargs or all(type(value) in SCALARS for value in kwargs.values())


class Upstream:
    """What a call of a task waits for, and what it got its arguments from.

    Args:
        signature: Of the task.
        tracker: Knows which values task runs returned.
        args: Positional arguments of the call.
        kwargs: Keyword arguments.
        wait_for: Further futures, whose results are not wanted.
    """

    __slots__ = ("_tracker", "futures", "inputs", "may_fail", "needs_results")

    def __init__(
        self,
        signature: CallSignature,
        tracker: ResultTracker,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        wait_for: Iterable[Any] = (),
    ) -> None:
        self._tracker = tracker
        self.futures: list[Future[Any]] = []
        self.may_fail: set[Future[Any]] = set()
        self.inputs: list[Input] = []
        self.needs_results = False
        for position, value in enumerate(args):
            if type(value) not in SCALARS:
                self._find(signature.name_of(position), TASK_RUN, value)
        for name, value in kwargs.items():
            if type(value) not in SCALARS:
                self._find(name, TASK_RUN, value)
        for value in wait_for:
            self._find("", WAIT_FOR, value)

    @property
    def is_pending(self) -> bool:
        """Whether something has to be waited for."""
        return any(not future.done() for future in self.futures)

    def check(self) -> None:
        """Check that everything that was waited for completed.

        Raises:
            UpstreamFailed: Something did not, and may not fail.
        """
        for future in self.futures:
            state = future.state
            if not state.is_completed() and future not in self.may_fail:
                raise UpstreamFailed(f"{future.name} ended {state}")

    def _find(
        self,
        name: str,
        kind: task_run_pb2.TaskInputKind.ValueType,
        value: Any,
        may_fail: bool = False,
        depth: int = 0,
    ) -> None:
        if isinstance(value, Future):
            self.futures.append(value)
            self.needs_results = self.needs_results or kind is TASK_RUN
            if may_fail:
                self.may_fail.add(value)
            self._add_input(name, kind, value.task_run_id)
        elif isinstance(value, Annotated):
            self.needs_results = True
            if not isinstance(value, quote):
                self._find(name, kind, value.value, may_fail or isinstance(value, allow_failure), depth + 1)
        elif isinstance(value, State):
            self.needs_results = True
        else:
            source = self._tracker.source_of(value)
            if source is not None:
                self._add_input(name, kind, source)
            if depth < MAX_DEPTH and isinstance(value, list | tuple | set | frozenset | dict):
                for item in value.values() if isinstance(value, dict) else value:
                    if type(item) not in SCALARS:
                        self._find(name, kind, item, may_fail, depth + 1)

    def _add_input(self, name: str, kind: task_run_pb2.TaskInputKind.ValueType, source: str) -> None:
        if len(self.inputs) < MAX_INPUTS:
            self.inputs.append((name, kind, source))


def resolve(value: Any) -> Any:
    """Return `value` with futures and states in it replaced by their results, annotations taken off.

    What may fail is replaced by its exception. All futures must be done.
    """
    kind = type(value)
    if kind in SCALARS:
        return value
    if isinstance(value, Future):
        return value.result(raise_on_failure=False)
    if isinstance(value, State):
        return value.result(raise_on_failure=False)
    if kind is dict:
        return _rebuilt(
            value, [resolve(item) for item in value.values()], lambda new: dict(zip(value, new, strict=True))
        )
    if kind in _COLLECTIONS:
        return _rebuilt(value, [resolve(item) for item in value], kind)
    if isinstance(value, list) and any(isinstance(item, Future) for item in value):
        return [resolve(item) for item in value]
    if isinstance(value, Annotated):
        return value.value if isinstance(value, quote) else resolve(value.value)
    return value


def _rebuilt(old: Any, new: list[Any], build: Callable[[list[Any]], Any]) -> Any:
    # The very object is handed on if nothing in it was replaced, as a plain call would.
    members = old.values() if isinstance(old, dict) else old
    return old if all(before is after for before, after in zip(members, new, strict=True)) else build(new)
