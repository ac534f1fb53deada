"""What the engine knows of a flow and of a task: the user's function and its options, all checked."""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import inspect
import pathlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from headrace import errors
from headrace.caching import NO_CACHE, CachePolicy
from headrace.engine.naming import RunName
from headrace.engine.retries import RetryDelays, resolve_delays
from headrace.engine.signature import CallSignature
from headrace.recording.facts import TaskFacts
from headrace.result_storage import location_of
from headrace.settings import SERIALIZER_NAMES

FunctionKind = Literal["sync", "async", "generator", "async generator"]
Hook = Callable[..., Any]
"""Called with the flow or task, the run and its state; may be a coroutine function."""

HOOK_FIELDS = (
    "on_running",
    "on_completion",
    "on_failure",
    "on_cancellation",
    "on_crashed",
    "on_rollback",
    "on_commit",
)
"""Options that are hooks."""

H = TypeVar("H", bound=Hook)

_MAX_TAGS = 500
_USUALLY = "(flow or task, run, state)"
_TAKEN_BY = {"on_rollback": "(transaction)", "on_commit": "(transaction)"}


@dataclasses.dataclass(slots=True, kw_only=True)
class CommonOptions:
    """What flows and tasks can both be told."""

    name: str | None = None
    description: str | None = None
    version: str | None = None
    retries: int = 0
    retry_delay_seconds: RetryDelays | None = None
    timeout_seconds: float | None = None
    persist_result: bool | None = None
    result_storage: str | None = None
    result_serializer: str | None = None
    cache_result_in_memory: bool = True
    log_prints: bool | None = None
    on_running: tuple[Hook, ...] = ()
    on_completion: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()

    @property
    def persists(self) -> bool | None:
        """Whether results are persisted; whoever says how or where wants them to be. None if nothing is said."""
        if self.persist_result is None and (self.result_storage is not None or self.result_serializer is not None):
            return True
        return self.persist_result

    def check(self) -> None:
        """Check all values.

        Raises:
            errors.InvalidArgument: One is wrong.
        """
        for field in HOOK_FIELDS:
            if not all(callable(hook) for hook in getattr(self, field, ())):
                raise errors.InvalidArgument.of_field(field, f"must be functions of {_TAKEN_BY.get(field, _USUALLY)}")
        if self.name is not None and (type(self.name) is not str or not self.name.strip() or len(self.name) > 255):
            raise errors.InvalidArgument.of_field("name", "must be a text of 1 to 255 characters")
        if self.version is not None and type(self.version) is not str:
            raise errors.InvalidArgument.of_field("version", f"must be a text, not {self.version!r}")
        if type(self.retries) is not int or self.retries < 0:
            raise errors.InvalidArgument.of_field("retries", "must be a whole number that is not negative")
        if self.timeout_seconds is not None and not self.timeout_seconds > 0:
            raise errors.InvalidArgument.of_field("timeout_seconds", "must be above 0")
        if self.result_storage is not None:
            # Kept as every process finds it.
            self.result_storage = location_of(self.result_storage)
        if self.result_serializer is not None and self.result_serializer not in SERIALIZER_NAMES:
            raise errors.InvalidArgument.of_field("result_serializer", f"must be one of {', '.join(SERIALIZER_NAMES)}")


@dataclasses.dataclass(slots=True, kw_only=True)
class FlowOptions(CommonOptions):
    """What a flow can be told beside its function."""

    flow_run_name: RunName | None = None
    task_runner: Any = None
    validate_parameters: bool = True
    on_cancellation: tuple[Hook, ...] = ()
    on_crashed: tuple[Hook, ...] = ()


@dataclasses.dataclass(slots=True, kw_only=True)
class TaskOptions(CommonOptions):
    """What a task can be told beside its function."""

    tags: frozenset[str] = frozenset()
    task_run_name: RunName | None = None
    retry_jitter_factor: float = 0.0
    retry_condition_fn: Callable[..., Any] | None = None
    cache_policy: CachePolicy | None = None
    cache_key_fn: Callable[..., str | None] | None = None
    cache_expiration: datetime.timedelta | None = None
    refresh_cache: bool = False
    result_storage_key: str | None = None
    asset_deps: tuple[str, ...] = ()
    """Keys."""
    viz_return_value: Any = None
    on_rollback: tuple[Hook, ...] = ()
    on_commit: tuple[Hook, ...] = ()

    @property
    def persists(self) -> bool | None:
        """Whether results are persisted; as in the base class, and who wants them to be cached does, too."""
        if self.persist_result is not None:
            return self.persist_result
        is_cached = self.cache_policy is not None and self.cache_policy is not NO_CACHE
        if is_cached or self.cache_key_fn is not None or self.result_storage_key is not None:
            return True
        return CommonOptions.persists.fget(self)  # type: ignore[attr-defined, no-any-return]

    def check(self) -> None:
        """Check all values; as in the base class."""
        CommonOptions.check(self)
        if not 0 <= self.retry_jitter_factor <= 100:
            raise errors.InvalidArgument.of_field("retry_jitter_factor", "must be from 0 to 100")
        if self.cache_key_fn is not None and self.cache_policy is not None:
            raise errors.InvalidArgument.of_field("cache_key_fn", "cannot be given together with cache_policy")
        if not isinstance(self.cache_policy, CachePolicy | None):
            raise errors.InvalidArgument.of_field(
                "cache_policy", f"must be a policy such as headrace.caching.INPUTS, not {self.cache_policy!r}"
            )
        if self.cache_expiration is not None and self.cache_expiration.total_seconds() <= 0:
            raise errors.InvalidArgument.of_field("cache_expiration", "must be above 0")
        check_tags(self.tags)


class Definition:
    """A user's function and what is known of it without calling it."""

    fn: Callable[..., Any]
    name: str
    kind: FunctionKind
    signature: CallSignature
    options: Any

    def _define(self, function: Callable[..., Any], *, skip_first: bool = False) -> None:
        if not callable(function):
            raise TypeError(f"{function!r} is not a function")
        self.fn = function
        self.kind = kind_of(function)
        self.signature = CallSignature(function, skip_first=skip_first)

    def on_running(self, hook: H) -> H:
        """Call `hook(flow or task, run, state)` when a run enters RUNNING; a decorator, as those that follow."""
        return self._add_hook("on_running", hook)

    def on_completion(self, hook: H) -> H:
        """Call `hook(flow or task, run, state)` when a run has completed."""
        return self._add_hook("on_completion", hook)

    def on_failure(self, hook: H) -> H:
        """Call `hook(flow or task, run, state)` when a run has failed and is not tried again."""
        return self._add_hook("on_failure", hook)

    def _add_hook(self, field: str, hook: H) -> H:
        # A new object, because others may have the options that this one was made with.
        self.options = changed_options(self.options, {field: (*getattr(self.options, field), hook)})
        return hook

    @property
    def is_async(self) -> bool:
        """Whether a call gives something to be awaited or iterated asynchronously."""
        return self.kind in ("async", "async generator")

    @property
    def is_generator(self) -> bool:
        """Whether a call gives something to be iterated."""
        return self.kind in ("generator", "async generator")


class FlowDefinition(Definition):
    """A flow as the engine runs it."""

    options: FlowOptions
    retry_delays: tuple[float, ...]
    key: str
    """What identifies it in the user's code."""
    stand_in: TaskDefinition
    """The task whose runs stand for its runs as a subflow."""

    def on_cancellation(self, hook: H) -> H:
        """Call `hook(flow, run, state)` when a run has stopped on request."""
        return self._add_hook("on_cancellation", hook)

    def on_crashed(self, hook: H) -> H:
        """Call `hook(flow, run, state)` when a run was ended by its infrastructure and could still notice."""
        return self._add_hook("on_crashed", hook)


class TaskDefinition(Definition):
    """A task as the engine runs it."""

    options: TaskOptions
    facts: TaskFacts
    tags: tuple[str, ...]
    retry_delays: tuple[float, ...]
    needs_parameters: bool
    """Whether the engine needs the parameters' values by name: for a name, a cache key, a condition."""
    is_transactional: bool
    """Whether it has hooks for transactions."""
    persists: bool | None
    """Whether results are persisted; None is what the flow says."""

    def on_rollback(self, hook: H) -> H:
        """Call `hook(transaction)` when a transaction is undone in which the task had completed."""
        self.is_transactional = True
        return self._add_hook("on_rollback", hook)

    def on_commit(self, hook: H) -> H:
        """Call `hook(transaction)` when the transaction that the task is part of is made good."""
        self.is_transactional = True
        return self._add_hook("on_commit", hook)

    def _settle(self, task_key: str) -> None:
        options = self.options
        self.tags = tuple(sorted(options.tags))
        self.retry_delays = resolve_delays(options.retries, options.retry_delay_seconds)
        self.is_transactional = bool(options.on_commit or options.on_rollback)
        self.persists = options.persists
        self.facts = TaskFacts(
            task_key,
            version=options.version or "",
            retries=options.retries,
            retry_delays=self.retry_delays,
            retry_jitter=options.retry_jitter_factor,
        )


def kind_of(function: Callable[..., Any]) -> FunctionKind:
    """Return how a function runs."""
    target = function if inspect.isroutine(function) else vars(type(function)).get("__call__", function)
    if inspect.isasyncgenfunction(target):
        return "async generator"
    if inspect.iscoroutinefunction(target):
        return "async"
    return "generator" if inspect.isgeneratorfunction(target) else "sync"


def key_of(function: Callable[..., Any]) -> str:
    """Return what identifies a function in the user's code: its module and qualified name.

    A script is `__main__` when it is started and has its file's name when it is imported; both give the same key.
    """
    module = getattr(function, "__module__", None) or "unknown"
    if module == "__main__":
        spec = getattr(sys.modules.get("__main__"), "__spec__", None)
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        if spec is not None and spec.name:
            module = spec.name.removesuffix(".__main__")
        elif file:
            module = pathlib.Path(file).stem
    qualified = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}.{qualified.replace('<locals>.', '')}"


def describe(function: Callable[..., Any], description: str | None) -> str | None:
    """Return what a flow or task does: as given, else the function's docstring."""
    if description is not None:
        return description
    # Not inspect.getdoc, which looks a method up in its class, where the flow or task is in its place.
    doc = getattr(function, "__doc__", None)
    return inspect.cleandoc(doc) if doc else None


def hooks_of(given: Iterable[Hook] | Hook | None) -> tuple[Hook, ...]:
    """Return hooks as a tuple, whether one, several or none were given."""
    if given is None:
        return ()
    return (given,) if callable(given) else tuple(given)


def with_hooks(kind: type[CommonOptions], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return keywords with hooks as tuples.

    Raises:
        TypeError: The kind has no such option; the message names one that is alike.
    """
    known = [field.name for field in dataclasses.fields(kind)]
    for name in options:
        if name not in known:
            alike = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {alike[0]!r}?" if alike else f"; there are {', '.join(sorted(known))}"
            raise TypeError(f"there is no option {name!r}{hint}")
    return {name: hooks_of(value) if name in HOOK_FIELDS else value for name, value in options.items()}


def check_tags(tags: Iterable[str]) -> frozenset[str]:
    """Return tags as a set.

    Raises:
        errors.InvalidArgument: One is not a word, or there are too many.
    """
    if isinstance(tags, str):
        raise errors.InvalidArgument.of_field("tags", f"must be several texts, not the one text {tags!r}")
    found = frozenset(tags)
    if not all(type(tag) is str and tag for tag in found):
        raise errors.InvalidArgument.of_field("tags", "must be texts that are not empty")
    if len(found) > _MAX_TAGS:
        raise errors.InvalidArgument.of_field("tags", f"are more than {_MAX_TAGS}")
    return found


def changed_options(options: CommonOptions, changes: Mapping[str, Any]) -> Any:
    """Return a copy of options with some of them changed and all of them checked."""
    copy = dataclasses.replace(options, **changes)
    copy.check()
    return copy
