"""Tasks: functions whose calls within a flow are runs of their own.

@task(retries=3, retry_delay_seconds=[1, 10, 60])
def load(path: str) -> Table: ...

load("a.csv")                   # runs here and returns the table
load.submit("a.csv")            # runs elsewhere and returns a Future[Table]
load.map(["a.csv", "b.csv"])    # one run for each, returns a FutureList[Table]
"""

from __future__ import annotations

import datetime
import functools
import types
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Literal, ParamSpec, Self, TypeVar, Unpack, overload

import headrace
from headrace import drawing, errors
from headrace.annotations import Annotated, unmapped
from headrace.engine.asset_keys import keys_of
from headrace.engine.connection import get_backend
from headrace.engine.definitions import (
    TaskDefinition,
    TaskOptions,
    changed_options,
    check_tags,
    describe,
    key_of,
    with_hooks,
)
from headrace.engine.keywords import TaskKeywords
from headrace.engine.pickling import find_named, named, sendable_function
from headrace.engine.signature import CallSignature
from headrace.engine.submission import SubmittedTask
from headrace.engine.task_engine import TaskCall
from headrace.futures import Future, FutureList
from headrace.logging import capture_prints
from headrace.outcomes import MissingContext
from headrace.states import State

if TYPE_CHECKING:
    from headrace.background import BackgroundFuture

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
T = TypeVar("T")

_NOTHING: tuple[Any, ...] = ()


class Task(TaskDefinition, Generic[P, R]):
    """A task. Made by `@task`.

    Args:
        fn: The function.
        options: All that it was told.
        key: What identifies it; by default the function's module and name.
        bound: The object whose method it is.
    """

    def __init__(
        self,
        fn: Callable[P, R] | classmethod[Any, P, R] | staticmethod[P, R],
        options: TaskOptions,
        *,
        key: str | None = None,
        bound: object | None = None,
    ) -> None:
        options.check()
        self._plain: Any = fn
        self._bound = bound
        self._method_signature: CallSignature | None = None
        function: Any = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        if bound is not None:
            function = types.MethodType(function, bound)
        self._define(function)
        functools.update_wrapper(self, function)
        own_name: str = getattr(function, "__name__", type(function).__name__)
        self.name = options.name or own_name
        self.description = describe(function, options.description)
        self.options = options
        self.needs_parameters = options.task_run_name is not None or options.result_storage_key is not None
        self._settle(key or key_of(function))
        if options.log_prints:
            capture_prints()

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        place = named(self, self.fn) if self._bound is None else None
        if place is not None:
            return find_named, place
        return _rebuilt, (sendable_function(self._plain), self.options, self.facts.task_key, self._bound)

    @overload
    def __get__(self: Task[Concatenate[type[Any], Q], T], instance: None, owner: type) -> Task[Q, T]: ...

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self: Task[Concatenate[Any, Q], T], instance: object, owner: type) -> Task[Q, T]: ...

    def __get__(self, instance: object | None, owner: type) -> Any:
        if isinstance(self._plain, staticmethod):
            return self
        target = owner if isinstance(self._plain, classmethod) else instance
        if target is None:
            return self
        # A method is looked up at each call, so only what differs is made anew.
        bound = object.__new__(type(self))
        vars(bound).update(vars(self))
        function = self._plain.__func__ if isinstance(self._plain, classmethod) else self._plain
        if self._method_signature is None:
            self._method_signature = CallSignature(function, skip_first=True)
        bound._bound, bound.fn, bound.signature = target, types.MethodType(function, target), self._method_signature
        return bound

    @overload
    def __call__(  # the run's final state
        self: Task[P, Coroutine[Any, Any, T]],
        *args: Any,
        return_state: Literal[True],
        wait_for: Iterable[Any] = ...,
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...

    @overload
    def __call__(
        self: Task[P, Generator[T, Any, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[list[T]]: ...

    @overload
    def __call__(
        self: Task[P, Iterator[T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[list[T]]: ...

    @overload
    def __call__(
        self: Task[P, AsyncGenerator[T, Any]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State[list[T]]]: ...

    @overload
    def __call__(
        self: Task[P, AsyncIterator[T]], *args: Any, return_state: Literal[True], **kwargs: Any
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
        """Run the task here.

        Args:
            *args: The function's arguments. Futures and states among them are replaced by their results.
            **kwargs: As `args`, and two more: `return_state=True` returns the run's final state and does not raise
                what ended it; `wait_for` names futures to wait for first, whose results are not wanted.

        Returns:
            What the function returns; in asynchronous code something to be awaited that does.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.outcomes.UpstreamFailed: A future among the arguments did not complete.
            Exception: What the function raised at its last try.

        The run of a generator lasts until it is exhausted or closed. Its result is the list of its items, which is
        kept where results are persisted or `return_state` asks for it.
        """
        return_state = kwargs.pop("return_state", False) if kwargs else False
        wait_for = kwargs.pop("wait_for", _NOTHING) if kwargs else _NOTHING
        if drawing.is_drawing():
            return drawing.drawn_call(self, (*args, *wait_for), kwargs)
        call = TaskCall(self, args, kwargs, wait_for, get_backend)
        if self.kind == "sync":
            return _with_state(call) if return_state else call.run_here()
        if self.kind == "async":
            return _with_state_on_loop(call) if return_state else call.run_on_loop()
        if return_state:
            return _with_state(call) if self.kind == "generator" else _with_state_on_loop(call)
        return call.iterate() if self.kind == "generator" else call.iterate_on_loop()

    @overload
    def submit(self: Task[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...

    @overload
    def submit(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> Future[T]: ...

    @overload
    def submit(self: Task[P, Generator[T, Any, Any]], *args: Any, **kwargs: Any) -> Future[list[T]]: ...

    @overload
    def submit(self: Task[P, Iterator[T]], *args: Any, **kwargs: Any) -> Future[list[T]]: ...

    @overload
    def submit(self: Task[P, AsyncGenerator[T, Any]], *args: Any, **kwargs: Any) -> Future[list[T]]: ...

    @overload
    def submit(self: Task[P, AsyncIterator[T]], *args: Any, **kwargs: Any) -> Future[list[T]]: ...

    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...

    @overload
    def submit(self, *args: Any, **kwargs: Any) -> Future[R]: ...

    def submit(self, *args: Any, wait_for: Iterable[Any] = _NOTHING, **kwargs: Any) -> Any:
        """Run the task by the flow's task runner, once everything is done that it waits for.

        The result of a generator is the list of its items.

        Args:
            *args: The function's arguments. Futures and states among them are replaced by their results.
            wait_for: Further futures to wait for.
            **kwargs: As `args`.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.outcomes.MissingContext: There is no flow run here.
        """
        if drawing.is_drawing():
            return drawing.drawn_submission(self, (*args, *wait_for), kwargs)
        call = TaskCall(self, args, kwargs, wait_for, _no_backend)
        job = SubmittedTask(call, call.run.host.start_session())
        job.submit()
        return job.future

    @overload
    def map(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> FutureList[T]: ...

    @overload
    def map(self: Task[P, Generator[T, Any, Any]], *args: Any, **kwargs: Any) -> FutureList[list[T]]: ...

    @overload
    def map(self: Task[P, Iterator[T]], *args: Any, **kwargs: Any) -> FutureList[list[T]]: ...

    @overload
    def map(self: Task[P, AsyncGenerator[T, Any]], *args: Any, **kwargs: Any) -> FutureList[list[T]]: ...

    @overload
    def map(self: Task[P, AsyncIterator[T]], *args: Any, **kwargs: Any) -> FutureList[list[T]]: ...

    @overload
    def map(self, *args: Any, **kwargs: Any) -> FutureList[R]: ...

    def map(self, *args: Any, wait_for: Iterable[Any] = _NOTHING, **kwargs: Any) -> FutureList[Any]:
        """Submit the task once for each member of its arguments.

        Args:
            *args: Iterables of the same length, or futures of such. Texts, bytes, dicts, `unmapped(...)` and what
                cannot be iterated are the same for every call.
            wait_for: Further futures that every call waits for.
            **kwargs: As `args`.

        Raises:
            headrace.errors.InvalidArgument: The lengths differ, or nothing can be iterated.
        """
        if drawing.is_drawing():
            return drawing.drawn_map(self, (*args, *wait_for), kwargs)
        return FutureList(
            self.submit(*each_args, wait_for=wait_for, **each_kwargs)
            for each_args, each_kwargs in _spread(args, kwargs)
        )

    @overload
    def delay(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> BackgroundFuture[T]: ...

    @overload
    def delay(self, *args: P.args, **kwargs: P.kwargs) -> BackgroundFuture[R]: ...

    @overload
    def delay(self, *args: Any, **kwargs: Any) -> BackgroundFuture[R]: ...

    def delay(self, *args: Any, **kwargs: Any) -> Any:
        """Queue a call, to be executed by whoever serves the task; returns at once with its future.

        Args:
            *args: The function's arguments. Futures among them are waited for and replaced by their results.
            **kwargs: As `args`.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.errors.HeadraceError: They cannot be sent, or there is no server.
        """
        return headrace.background.enqueue(self, args, kwargs)

    def apply_async(
        self,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        wait_for: Iterable[Future[Any] | str] = (),
        dependencies: Mapping[str, Iterable[Future[Any] | str]] | None = None,
        scheduled_at: datetime.datetime | None = None,
    ) -> BackgroundFuture[Any]:
        """Queue a call as `delay` does, with more to say about it.

        Args:
            args: Positional arguments.
            kwargs: Keyword arguments.
            wait_for: Futures or ids of task runs that have to complete before it starts.
            dependencies: For parameters the task runs that their values came from; they are waited for, too.
            scheduled_at: It does not start before this time, which has a time zone.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.errors.HeadraceError: They cannot be sent, or there is no server.
        """
        return headrace.background.enqueue(
            self,
            tuple(args),
            dict(kwargs or {}),
            wait_for=wait_for,
            dependencies=dependencies,
            scheduled_at=scheduled_at,
        )

    def serve(self, *, limit: int = 10) -> None:
        """Execute calls that were queued, until Ctrl-C or SIGTERM; see `headrace.background.serve_tasks`.

        Args:
            limit: How many at once.
        """
        headrace.background.serve_tasks(self, limit=limit)

    def with_options(self, **changes: Unpack[TaskKeywords]) -> Task[P, R]:
        """Return the same task with other options; keywords as for `@task`.

        Raises:
            TypeError: There is no such option.
        """
        return type(self)(self._plain, changed_options(self.options, _normalised(changes)), bound=self._bound)


class FixedTask(Task[P, R]):
    """A task made of a classmethod or staticmethod: the same whichever object or class it is looked up at.

    mypy does not see that a task was made of a staticmethod and misses its first argument; a plain function is as good.
    """

    def __get__(self, instance: object | None, owner: type) -> Task[P, R]:  # type: ignore[override]
        look_up: Any = super().__get__
        found: Task[P, R] = look_up(instance, owner)
        return found


def _rebuilt(fn: Callable[..., Any], options: TaskOptions, key: str, bound: object | None) -> Task[..., Any]:
    return Task(fn, options, key=key, bound=bound)


class _TaskDecorator:
    """What `task(...)` returns: makes a task of a function, keeping its types."""

    def __init__(self, options: TaskOptions) -> None:
        self._options = options

    @overload
    def __call__(self, fn: classmethod[Any, P, R], /) -> FixedTask[P, R]: ...

    @overload
    def __call__(self, fn: staticmethod[P, R], /) -> FixedTask[P, R]: ...

    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...

    def __call__(self, fn: Any, /) -> Any:
        return _make(fn, self._options)


@overload
def task(fn: classmethod[Any, P, R], /) -> FixedTask[P, R]: ...


@overload
def task(fn: staticmethod[P, R], /) -> FixedTask[P, R]: ...


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(**options: Unpack[TaskKeywords]) -> _TaskDecorator: ...


def task(fn: Any = None, /, **options: Any) -> Any:
    """Make a task of a function: `@task` or `@task(...)`.

    Args:
        fn: The function: plain, a coroutine function or a generator of either kind; also a method, classmethod or
            staticmethod.
        **options: All by keyword, see `headrace.engine.keywords.TaskKeywords`: name, description, tags, version;
            retries, retry_delay_seconds, retry_jitter_factor, retry_condition_fn, timeout_seconds; cache_policy or
            cache_key_fn, cache_expiration, refresh_cache; persist_result, result_storage, result_serializer,
            result_storage_key, cache_result_in_memory; task_run_name, log_prints, asset_deps, viz_return_value; and the
            hooks on_running, on_completion, on_failure, on_rollback and on_commit.

    Raises:
        headrace.errors.InvalidArgument: An option is wrong.
        TypeError: There is no such option.
    """
    made = TaskOptions(**_normalised(options))
    return _TaskDecorator(made) if fn is None else _make(fn, made)


def _make(fn: Any, options: TaskOptions) -> Task[..., Any]:
    return (FixedTask if isinstance(fn, staticmethod | classmethod) else Task)(fn, options)


def _normalised(options: Mapping[str, Any]) -> dict[str, Any]:
    changed = with_hooks(TaskOptions, options)
    if "tags" in changed:
        changed["tags"] = check_tags(changed["tags"])
    if "asset_deps" in changed:
        changed["asset_deps"] = keys_of(changed["asset_deps"])
    return changed


def _no_backend() -> Any:
    raise MissingContext("tasks can be submitted from within a flow only; call the task instead")


def _with_state(call: TaskCall) -> State[Any]:
    try:
        call.run_here()
    except Exception:
        if not call.run.state().is_final():
            raise
    return call.run.state()


async def _with_state_on_loop(call: TaskCall) -> State[Any]:
    try:
        await call.run_on_loop()
    except Exception:
        if not call.run.state().is_final():
            raise
    return call.run.state()


def _spread(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    named: dict[int | str, Any] = dict(enumerate(args))
    named.update(kwargs)
    members: dict[int | str, list[Any]] = {}
    same: dict[int | str, Any] = {}
    for key, value in named.items():
        if isinstance(value, unmapped):
            same[key] = value.value
            continue
        outer: type[Annotated[Any]] | None = type(value) if isinstance(value, Annotated) else None
        inner = value.value if isinstance(value, Annotated) else value
        if isinstance(inner, Future):
            inner = inner.result()
        if isinstance(inner, str | bytes | dict) or not isinstance(inner, Iterable):
            same[key] = value
            continue
        members[key] = [outer(item) if outer is not None else item for item in inner]
    if not members:
        raise errors.InvalidArgument("map() needs an argument that can be iterated; use submit() for a single run")
    lengths = {str(key): len(items) for key, items in members.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise errors.InvalidArgument(
            f"map() needs iterables of the same length: {said}. Use unmapped(...) for the rest."
        )
    for index in range(next(iter(lengths.values()))):
        values = {**same, **{key: items[index] for key, items in members.items()}}
        yield tuple(values[place] for place in range(len(args))), {key: values[key] for key in kwargs}
