"""Flows: functions whose calls are runs that the server keeps.

@flow(retries=2, log_prints=True)
def etl(day: datetime.date, limit: int = 100) -> int: ...

etl("2024-05-01")       # runs here; the text becomes a date
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, TypeVar, overload

import headrace
from headrace.engine.connection import get_backend
from headrace.engine.definitions import (
    FlowDefinition,
    FlowOptions,
    Hook,
    changed_options,
    describe,
    hooks_of,
    key_of,
)
from headrace.engine.drivers import outcome_of, run_async, run_sync
from headrace.engine.flow_engine import Assignment, FlowExecution
from headrace.engine.naming import RunName
from headrace.engine.retries import RetryDelays, resolve_delays
from headrace.engine.stand_ins import stand_in_for
from headrace.logging import capture_prints
from headrace.settings import get_settings
from headrace.states import State
from headrace.task_runners import TaskRunner, ThreadTaskRunner

if TYPE_CHECKING:
    from headrace.deployments import DeploymentDefinition

P = ParamSpec("P")
R = TypeVar("R")

_NOTHING: tuple[Any, ...] = ()
_HOOKS = ("on_running", "on_completion", "on_failure", "on_cancellation", "on_crashed")


class Flow(FlowDefinition, Generic[P, R]):
    """A flow. Made by `@flow`.

    Args:
        fn: The function.
        options: All that it was told.
        bound: The object whose method it is.
    """

    def __init__(self, fn: Callable[P, R], options: FlowOptions, *, bound: object | None = None) -> None:
        options.check()
        self._plain: Any = fn
        self._bound = bound
        function: Any = fn.__func__ if isinstance(fn, staticmethod | classmethod) else fn
        if bound is not None:
            function = types.MethodType(function, bound)
        self._define(function)
        if self.kind not in ("sync", "async"):
            raise TypeError("a flow cannot be a generator; let it call a task that is one")
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

    @property
    def version(self) -> str | None:
        """The version, as the user names it."""
        return self.options.version

    def __get__(self, instance: object | None, owner: type) -> Flow[..., R]:
        if isinstance(self._plain, staticmethod):
            return self
        target = owner if isinstance(self._plain, classmethod) else instance
        return self if target is None else Flow(self._plain, self.options, bound=target)

    @overload
    def __call__(
        self, *args: Any, return_state: Literal[True], wait_for: Iterable[Any] = ..., **kwargs: Any
    ) -> State[Any]: ...

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
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", _NOTHING)
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
        if execution.run.log_prints:
            capture_prints()
        return run_async(execution) if self.kind == "async" else run_sync(execution)

    def with_options(self, **changes: Any) -> Flow[P, R]:
        """Return the same flow with other options; keywords as for `@flow`.

        Raises:
            TypeError: There is no such option.
        """
        return Flow(self._plain, changed_options(self.options, _normalised(changes)), bound=self._bound)

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
        if self.kind == "async":
            return self._finish(execution, return_state)
        return outcome_of(execution, self.execute(execution), return_state)

    async def _finish(self, execution: FlowExecution, return_state: bool) -> Any:
        return outcome_of(execution, await self.execute(execution), return_state)


class _FlowDecorator:
    """What `flow(...)` returns: makes a flow of a function, keeping its types."""

    def __init__(self, options: FlowOptions) -> None:
        self._options = options

    def __call__(self, fn: Callable[P, R], /) -> Flow[P, R]:
        return Flow(fn, self._options)


@overload
def flow(fn: Callable[P, R], /) -> Flow[P, R]: ...


@overload
def flow(
    *,
    name: str | None = None,
    description: str | None = None,
    version: str | None = None,
    flow_run_name: RunName | None = None,
    retries: int = 0,
    retry_delay_seconds: RetryDelays | None = None,
    task_runner: TaskRunner | None = None,
    timeout_seconds: float | None = None,
    validate_parameters: bool = True,
    persist_result: bool | None = None,
    result_storage: str | None = None,
    result_serializer: str | None = None,
    log_prints: bool | None = None,
    on_running: Iterable[Hook] | Hook | None = None,
    on_completion: Iterable[Hook] | Hook | None = None,
    on_failure: Iterable[Hook] | Hook | None = None,
    on_cancellation: Iterable[Hook] | Hook | None = None,
    on_crashed: Iterable[Hook] | Hook | None = None,
) -> _FlowDecorator: ...


def flow(fn: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a flow of a function: `@flow` or `@flow(...)`.

    Args:
        fn: The function: plain or a coroutine function; also a method.
        **options: All by keyword:

            name: Of the flow; by default the function's, with "-" for "_".
            description: What it does; by default the docstring.
            version: As you name it.
            flow_run_name: Template or function that names its runs.
            retries: How often a failed run is tried again.
            retry_delay_seconds: Wait before each retry: one for all, a list, or `exponential_backoff(...)`.
            task_runner: Where submitted tasks run.
            timeout_seconds: How long a try may take.
            validate_parameters: False hands arguments on as they are.
            persist_result: Whether results of the flow, and of its tasks that say nothing, are written to storage.
            result_storage: fsspec URL of the storage.
            result_serializer: "pickle", "json", "compressed/pickle" or "compressed/json".
            log_prints: Whether print() becomes log records.
            on_running: Hooks, called with the flow, the run and its state.
            on_completion: As on_running.
            on_failure: As on_running.
            on_cancellation: As on_running.
            on_crashed: As on_running.

    Raises:
        headrace.errors.InvalidArgument: An option is wrong.
        TypeError: There is no such option, or the function cannot be a flow.
    """
    made = FlowOptions(**_normalised(options))
    return _FlowDecorator(made) if fn is None else Flow(fn, made)


def _normalised(options: dict[str, Any]) -> dict[str, Any]:
    return {name: hooks_of(value) if name in _HOOKS else value for name, value in options.items()}
