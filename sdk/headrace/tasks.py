"""Tasks: functions whose calls within a flow are runs of their own.

@task(retries=3, retry_delay_seconds=[1, 10, 60])
def load(path: str) -> Table: ...

load("a.csv")                   # runs here and returns the table
load.submit("a.csv")            # runs elsewhere and returns a Future[Table]
load.map(["a.csv", "b.csv"])    # one run for each, returns a FutureList[Table]
"""

from __future__ import annotations

import copy
import datetime
import functools
import types
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from headrace import errors
from headrace.annotations import Annotated, unmapped
from headrace.caching import CachePolicy
from headrace.engine.connection import get_backend
from headrace.engine.definitions import (
    Hook,
    TaskDefinition,
    TaskOptions,
    changed_options,
    check_tags,
    describe,
    hooks_of,
    key_of,
)
from headrace.engine.naming import RunName
from headrace.engine.retries import RetryDelays
from headrace.engine.signature import CallSignature
from headrace.engine.submission import SubmittedTask
from headrace.engine.task_engine import TaskCall
from headrace.futures import Future, FutureList
from headrace.logging import capture_prints
from headrace.outcomes import MissingContext
from headrace.states import State

P = ParamSpec("P")
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
        self, fn: Callable[P, R], options: TaskOptions, *, key: str | None = None, bound: object | None = None
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
        if self.kind in ("generator", "async generator") and (options.timeout_seconds or options.persist_result):
            raise errors.InvalidArgument.of_field(
                "timeout_seconds" if options.timeout_seconds else "persist_result", "cannot be given for a generator"
            )
        if options.log_prints:
            capture_prints()

    def __repr__(self) -> str:
        return f"<Task {self.name}>"

    def __get__(self, instance: object | None, owner: type) -> Task[..., R]:
        if isinstance(self._plain, staticmethod):
            return self
        target = owner if isinstance(self._plain, classmethod) else instance
        if target is None:
            return self
        # A method is looked up at each call, so only what differs is made anew.
        bound = copy.copy(self)
        function = self._plain.__func__ if isinstance(self._plain, classmethod) else self._plain
        if self._method_signature is None:
            self._method_signature = CallSignature(function, skip_first=True)
        bound._bound, bound.fn, bound.signature = target, types.MethodType(function, target), self._method_signature
        return bound

    @overload
    def __call__(  # the run's final state
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] = ..., **kwargs: Any
    ) -> State[Any]: ...

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
        """
        return_state = kwargs.pop("return_state", False) if kwargs else False
        wait_for = kwargs.pop("wait_for", _NOTHING) if kwargs else _NOTHING
        call = TaskCall(self, args, kwargs, wait_for, get_backend)
        if self.kind == "sync":
            return _with_state(call) if return_state else call.run_here()
        if self.kind == "async":
            return _with_state_on_loop(call) if return_state else call.run_on_loop()
        if return_state:
            raise TypeError(f"{self.name} is a generator, which has no final state before it is exhausted")
        return call.iterate() if self.kind == "generator" else call.iterate_on_loop()

    @overload
    def submit(self: Task[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...

    @overload
    def submit(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> Future[T]: ...

    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Future[R]: ...

    @overload
    def submit(self, *args: Any, **kwargs: Any) -> Future[R]: ...

    def submit(self, *args: Any, wait_for: Iterable[Any] = _NOTHING, **kwargs: Any) -> Any:
        """Run the task by the flow's task runner, once everything is done that it waits for.

        Args:
            *args: The function's arguments. Futures and states among them are replaced by their results.
            wait_for: Further futures to wait for.
            **kwargs: As `args`.

        Raises:
            TypeError: The arguments do not fit the function.
            headrace.outcomes.MissingContext: There is no flow run here.
        """
        if self.kind not in ("sync", "async"):
            raise TypeError(f"{self.name} is a generator and cannot be submitted; call it")
        call = TaskCall(self, args, kwargs, wait_for, _no_backend)
        job = SubmittedTask(call, call.run.host.start_session())
        job.submit()
        return job.future

    @overload
    def map(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> FutureList[T]: ...

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
        return FutureList(
            self.submit(*each_args, wait_for=wait_for, **each_kwargs)
            for each_args, each_kwargs in _spread(args, kwargs)
        )

    def with_options(self, **changes: Any) -> Task[P, R]:
        """Return the same task with other options; keywords as for `@task`.

        Raises:
            TypeError: There is no such option.
        """
        return Task(self._plain, changed_options(self.options, _normalised(changes)), bound=self._bound)


class _TaskDecorator:
    """What `task(...)` returns: makes a task of a function, keeping its types."""

    def __init__(self, options: TaskOptions) -> None:
        self._options = options

    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]:
        return Task(fn, self._options)


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...


@overload
def task(
    *,
    name: str | None = None,
    description: str | None = None,
    tags: Iterable[str] = (),
    version: str | None = None,
    cache_policy: CachePolicy | None = None,
    cache_key_fn: Callable[..., str | None] | None = None,
    cache_expiration: datetime.timedelta | None = None,
    refresh_cache: bool = False,
    task_run_name: RunName | None = None,
    retries: int = 0,
    retry_delay_seconds: RetryDelays | None = None,
    retry_jitter_factor: float = 0.0,
    retry_condition_fn: Callable[..., Any] | None = None,
    persist_result: bool | None = None,
    result_storage: str | None = None,
    result_serializer: str | None = None,
    result_storage_key: str | None = None,
    timeout_seconds: float | None = None,
    log_prints: bool | None = None,
    on_running: Iterable[Hook] | Hook | None = None,
    on_completion: Iterable[Hook] | Hook | None = None,
    on_failure: Iterable[Hook] | Hook | None = None,
) -> _TaskDecorator: ...


def task(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a task of a function: `@task` or `@task(...)`.

    Args:
        fn: The function: plain, a coroutine function or a generator of either kind; also a method.
        **options: All by keyword:

            name: Of the task; by default the function's.
            description: What it does; by default the docstring.
            tags: Words to find its runs by.
            version: As you name it.
            cache_policy: What its result depends on; holds where results are persisted.
            cache_key_fn: A function of a `headrace.caching.CacheContext` and the parameters, in place of a policy.
            cache_expiration: How long a cached result holds.
            refresh_cache: True runs the task even if there is a cached result, and replaces that.
            task_run_name: Template or function that names its runs.
            retries: How often a failed run is tried again.
            retry_delay_seconds: Wait before each retry: one for all, a list, or `exponential_backoff(...)`.
            retry_jitter_factor: Each wait is stretched by a random part of up to this factor.
            retry_condition_fn: Called with the task, the run and the failed state; False ends the retries.
            persist_result: Whether the result is written to storage; None is what the flow says.
            result_storage: fsspec URL of the storage.
            result_serializer: "pickle", "json", "compressed/pickle" or "compressed/json".
            result_storage_key: Template of the file's name, e.g. "{flow_run.name}/{parameters[day]}".
            timeout_seconds: How long a try may take. Code that blocks in C outside of the main thread is ended when
                it comes back.
            log_prints: Whether print() becomes log records; None is what the flow says.
            on_running: Hooks, called with the task, the run and its state.
            on_completion: As on_running.
            on_failure: As on_running.

    Raises:
        headrace.errors.InvalidArgument: An option is wrong.
        TypeError: There is no such option.
    """
    made = TaskOptions(**_normalised(options))
    return _TaskDecorator(made) if fn is None else Task(fn, made)


def _normalised(options: dict[str, Any]) -> dict[str, Any]:
    changed = dict(options)
    for name in ("on_running", "on_completion", "on_failure"):
        if name in changed:
            changed[name] = hooks_of(changed[name])
    if "tags" in changed:
        changed["tags"] = check_tags(changed["tags"])
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
