"""Flows: functions whose calls are runs that the server keeps.

@flow(retries=2, log_prints=True)
def etl(day: datetime.date, limit: int = 100) -> int: ...

etl("2024-05-01")       # runs here; the text becomes a date
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeVar, Unpack, overload

import headrace
from headrace import drawing
from headrace.engine.connection import get_backend
from headrace.engine.definitions import (
    FlowDefinition,
    FlowOptions,
    changed_options,
    describe,
    key_of,
    with_hooks,
)
from headrace.engine.drivers import outcome_of, run_async, run_sync
from headrace.engine.flow_engine import Assignment, FlowExecution
from headrace.engine.keywords import FlowKeywords
from headrace.engine.pickling import find_named, named, sendable_function
from headrace.engine.retries import resolve_delays
from headrace.engine.stand_ins import stand_in_for
from headrace.engine.stream_drivers import stream_async, stream_sync
from headrace.logging import capture_prints
from headrace.settings import get_settings
from headrace.states import State
from headrace.task_runners import TaskRunner, ThreadTaskRunner

if TYPE_CHECKING:
    import os

    from headrace.deployments import DeploymentDefinition
    from headrace.deployments.sources import Origin, Source

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
T = TypeVar("T")

_NOTHING: tuple[Any, ...] = ()


class Flow(FlowDefinition, Generic[P, R]):
    """A flow. Made by `@flow`.

    Args:
        fn: The function.
        options: All that it was told.
        bound: The object whose method it is.
    """

    origin: Origin | None = None
    """Where its code was fetched from, if `flow.from_source` did."""

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        options: FlowOptions,
        *,
        bound: object | None = None,
    ) -> None:
        options.check()
        self._plain: Any = fn
        self._bound = bound
        function: Any = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        if bound is not None:
            function = types.MethodType(function, bound)
        self._define(function)
        if options.task_runner is None:
            options.task_runner = ThreadTaskRunner()
        elif not isinstance(options.task_runner, TaskRunner):
            raise TypeError(
                f"task_runner must be a TaskRunner, for example ThreadTaskRunner(), not {options.task_runner!r}"
            )
        functools.update_wrapper(self, function)
        self.name = options.name or getattr(function, "__name__", type(function).__name__).replace("_", "-")
        self.description = describe(function, options.description)
        self.options = options
        self.retry_delays = resolve_delays(options.retries, options.retry_delay_seconds)
        self.key = key_of(function)
        self.stand_in = stand_in_for(self)

    def __repr__(self) -> str:
        return f"<Flow {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        place = named(self, self.fn) if self._bound is None else None
        if place is not None:
            return find_named, place
        return _rebuilt, (sendable_function(self._plain), self.options, self.key, self._bound)

    @property
    def version(self) -> str | None:
        """The version, as the user names it."""
        return self.options.version

    @overload
    def __get__(self: Flow[Concatenate[type[Any], Q], T], instance: None, owner: type) -> Flow[Q, T]: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self: Flow[Concatenate[Any, Q], T], instance: object, owner: type) -> Flow[Q, T]: ...

    def __get__(self, instance: object | None, owner: type) -> Any:
        if isinstance(self._plain, staticmethod):
            return self
        target = owner if isinstance(self._plain, classmethod) else instance
        return self if target is None else Flow(self._plain, self.options, bound=target)

    @overload
    def __call__(
        self: Flow[P, Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] = ...,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...

    @overload
    def __call__(
        self: Flow[P, Generator[T, Any, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[list[T]]: ...

    @overload
    def __call__(
        self: Flow[P, Iterator[T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[list[T]]: ...

    @overload
    def __call__(
        self: Flow[P, AsyncGenerator[T, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State[list[T]]]: ...

    @overload
    def __call__(
        self: Flow[P, AsyncIterator[T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State[list[T]]]: ...

    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] = ..., **kwargs: Any
    ) -> State[R]: ...

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    @overload
    def __call__(
        self, *args: Any, wait_for: Iterable[Any], return_state: Literal[False] = False, **kwargs: Any
    ) -> R: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow here; within another flow as a subflow of it.

        Args:
            *args: The function's arguments, which are checked and coerced by their annotations.
            **kwargs: As `args`, and two more: `return_state=True` returns the run's final state and does not raise
                what ended it; `wait_for` names futures to wait for first, whose results are not wanted.

        Returns:
            What the function returns; for a coroutine function something to be awaited that does.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.outcomes.ParameterError: An argument does not fit its annotation.
            Exception: What the function raised at its last try.

        The run of a generator lasts until it is exhausted or closed; if it is tried again its items come again. Its
        result is the list of its items, which is kept where results are persisted or `return_state` asks for it.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", _NOTHING)
        if drawing.is_drawing():
            return drawing.drawn_call(self, (*args, *wait_for), kwargs, is_flow=True)
        execution = FlowExecution(self, args, kwargs, get_backend(), get_settings(), wait_for=wait_for)
        return self._start(execution, return_state)

    def assigned(self, parameters: dict[str, Any], assignment: Assignment) -> FlowExecution:
        """Return the execution of a flow run that exists already and was given to this process; see `execute`.

        Args:
            parameters: Its parameters by name, as JSON values.
            assignment: The run.

        Raises:
            TypeError: The parameters are not those of the function.
        """
        args, kwargs = self.signature.unbind(parameters)
        kwargs.update({name: value for name, value in parameters.items() if name not in self.signature.parameters})
        return FlowExecution(self, args, kwargs, get_backend(), get_settings(), assignment=assignment)

    def execute(self, execution: FlowExecution) -> Any:
        """Carry an execution out.

        Returns:
            The state that the run is in at the end, whatever that is; for a coroutine function something to be
            awaited that does.
        """
        return self._carried_out(execution, keeps_items=False)

    def with_options(self, **changes: Unpack[FlowKeywords]) -> Flow[P, R]:
        """Return the same flow with other options; keywords as for `@flow`.

        Raises:
            TypeError: There is no such option.
        """
        options = changed_options(self.options, with_hooks(FlowOptions, changes))
        changed = type(self)(self._plain, options, bound=self._bound)
        changed.origin = self.origin
        return changed

    def visualize(self, *args: P.args, **kwargs: P.kwargs) -> drawing.Drawing:
        """Return a drawing of the calls in this flow: print it, or `save("flow.svg")` it; see `headrace.drawing`.

        The flow's own code runs, its tasks and subflows do not: an option `viz_return_value` of a task gives what a
        call of it returns.

        Args:
            *args: Arguments of the flow.
            **kwargs: As `args`.
        """
        return drawing.draw(self, args, kwargs)

    def serve(self, name: str | None = None, **options: Any) -> None:
        """Make this flow runnable and run it in this process until Ctrl-C; as `headrace.deployments.serve`.

        Args:
            name: The deployment's name; the script's if not given.
            **options: As of `headrace.deployments.serve` and `to_deployment`: cron, interval, parameters, limit, ...
        """
        headrace.deployments.serve(self, name=name, **options)

    def deploy(self, name: str, work_pool_name: str, **options: Any) -> str:
        """Make this flow runnable by the workers of a work pool; as `headrace.deployments.deploy`.

        Args:
            name: The deployment's name.
            work_pool_name: The pool.
            **options: As of `headrace.deployments.to_deployment`: cron, interval, parameters, tags, ...

        Returns:
            The deployment's id.
        """
        return headrace.deployments.deploy(self, name, work_pool_name, **options)

    def to_deployment(self, name: str, **options: Any) -> DeploymentDefinition:
        """Return what a deployment of this flow is to be; as `headrace.deployments.to_deployment`.

        Args:
            name: The deployment's name.
            **options: cron, interval, parameters, tags, ...
        """
        return headrace.deployments.to_deployment(self, name, **options)

    def _start(self, execution: FlowExecution, return_state: bool) -> Any:
        if self.is_generator and not return_state:
            return self._iterate_on_loop(execution) if self.is_async else self._iterate(execution)
        if self.is_async:
            return self._finish(execution, return_state)
        return outcome_of(execution, self._carried_out(execution, keeps_items=return_state), return_state)

    async def _finish(self, execution: FlowExecution, return_state: bool) -> Any:
        state = await self._carried_out(execution, keeps_items=return_state)
        return outcome_of(execution, state, return_state)

    def _carried_out(self, execution: FlowExecution, *, keeps_items: bool) -> Any:
        self._prepare(execution)
        match self.kind:
            case "sync":
                return run_sync(execution)
            case "async":
                return run_async(execution)
            case "generator":
                return _exhausted(stream_sync(execution, keeps_items=keeps_items))
        return _exhausted_on_loop(execution, stream_async(execution, keeps_items=keeps_items))

    def _iterate(self, execution: FlowExecution) -> Generator[Any, Any, Any]:
        self._prepare(execution)
        state = yield from stream_sync(execution, keeps_items=False)
        return outcome_of(execution, state, False)

    async def _iterate_on_loop(self, execution: FlowExecution) -> AsyncGenerator[Any, Any]:
        self._prepare(execution)
        async with contextlib.aclosing(stream_async(execution, keeps_items=False)) as items:
            async for item in items:
                yield item
        if execution.ended is not None:
            outcome_of(execution, execution.ended, False)

    def _prepare(self, execution: FlowExecution) -> None:
        if execution.run.log_prints:
            capture_prints()


class FixedFlow(Flow[P, R]):
    """A flow made of a classmethod or staticmethod: the same whichever object or class it is looked up at.

    mypy does not see that a flow was made of a staticmethod and misses its first argument; a plain function is as good.
    """

    def __get__(self, instance: object | None, owner: type) -> Flow[P, R]:  # type: ignore[override]
        look_up: Any = super().__get__
        found: Flow[P, R] = look_up(instance, owner)
        return found


def _rebuilt(fn: Callable[..., Any], options: FlowOptions, key: str, bound: object | None) -> Flow[..., Any]:
    made: Flow[..., Any] = Flow(fn, options, bound=bound)
    made.key = key
    made.stand_in = stand_in_for(made)
    return made


class _FlowDecorator:
    """What `flow(...)` returns: makes a flow of a function, keeping its types."""

    def __init__(self, options: FlowOptions) -> None:
        self._options = options

    @overload
    def __call__(self, fn: classmethod[Any, P, R], /) -> FixedFlow[P, R]: ...

    @overload
    def __call__(self, fn: staticmethod[P, R], /) -> FixedFlow[P, R]: ...

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...

    def __call__(self, fn: Any, /) -> Any:
        return _make(fn, self._options)


class _FlowMaker:
    """What `flow` is: a decorator, and the way to flows whose code is elsewhere."""

    @overload
    def __call__(self, fn: classmethod[Any, P, R], /) -> FixedFlow[P, R]: ...

    @overload
    def __call__(self, fn: staticmethod[P, R], /) -> FixedFlow[P, R]: ...

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]: ...

    @overload
    def __call__(self, /, **options: Unpack[FlowKeywords]) -> _FlowDecorator: ...

    def __call__(self, fn: Any = None, /, **options: Any) -> Any:
        """Make a flow of a function: `@flow` or `@flow(...)`.

        Args:
            fn: The function: plain, a coroutine function or a generator of either kind; also a method, classmethod or
                staticmethod.
            **options: All by keyword, see `headrace.engine.keywords.FlowKeywords`: name, description, version,
                flow_run_name; retries, retry_delay_seconds, timeout_seconds; task_runner, validate_parameters;
                persist_result, result_storage, result_serializer, cache_result_in_memory; log_prints; and the hooks
                on_running, on_completion, on_failure, on_cancellation and on_crashed.

        Raises:
            headrace.errors.InvalidArgument: An option is wrong.
            TypeError: There is no such option, or the function cannot be a flow.
        """
        made = FlowOptions(**with_hooks(FlowOptions, options))
        return _FlowDecorator(made) if fn is None else _make(fn, made)

    def from_source(self, source: Source | str | os.PathLike[str], entrypoint: str) -> Flow[..., Any]:
        """Fetch code and return a flow of it, to be deployed or served: its runs fetch the code for themselves.

        Args:
            source: A URL of a git repository, an fsspec URL of a folder, a path, or one of the sources of
                `headrace.deployments`: `GitRepository`, `RemoteFolder`, `LocalFolder`.
            entrypoint: The flow in it: file.py:function, package.module:function or package.module.function.

        Raises:
            headrace.errors.HeadraceError: The code cannot be fetched, or there is no such flow in it.
        """
        return headrace.deployments.load_from(source, entrypoint)


flow = _FlowMaker()
"""Makes flows of functions: `@flow` or `@flow(...)`; and of code elsewhere: `flow.from_source(...)`."""


def _make(fn: Any, options: FlowOptions) -> Flow[..., Any]:
    return (FixedFlow if isinstance(fn, staticmethod | classmethod) else Flow)(fn, options)


def _exhausted(items: Generator[Any, Any, State[Any]]) -> State[Any]:
    while True:
        try:
            next(items)
        except StopIteration as end:
            state: State[Any] = end.value
            return state


async def _exhausted_on_loop(execution: FlowExecution, items: AsyncGenerator[Any, Any]) -> State[Any]:
    async for _ in items:
        pass
    if execution.ended is None:
        raise RuntimeError("a flow run has ended without a state")
    return execution.ended
