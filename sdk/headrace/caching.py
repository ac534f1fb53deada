"""Cache policies: what a task's result depends on, and so when it need not be computed again.

    @task(cache_policy=INPUTS + TASK_SOURCE)
    @task(cache_policy=INPUTS - "connection")

Cached results are results that were persisted under a key that the policy computes.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import cloudpickle
import orjson

from headrace import errors

if TYPE_CHECKING:
    from headrace.cache_keys import KeyStorage
    from headrace.locking import LockManager


@dataclasses.dataclass(frozen=True, slots=True)
class CacheContext:
    """What a policy may look at.

    Args:
        task_key: What identifies the task in the user's code.
        function: The user's function.
        flow_run_id: The flow run; empty outside of one.
        flow_parameters: The flow run's parameters.
        task_run: The run that is about to start.
    """

    task_key: str
    function: Callable[..., Any]
    flow_run_id: str
    flow_parameters: Mapping[str, Any]
    task_run: Any


class CachePolicy:
    """Computes the key under which a task's result is cached."""

    key_storage: KeyStorage | str | None = None
    """Where keys are looked up, if not in the storage of results."""
    isolation_level: str | None = None
    """`SERIALIZABLE` lets one run at a time compute the result of a key."""
    lock_manager: LockManager | None = None
    """Gives the locks for that."""

    def configure(
        self,
        key_storage: KeyStorage | str | None = None,
        isolation_level: str | None = None,
        lock_manager: LockManager | None = None,
    ) -> Self:
        """Return the same policy with other ways of keeping and locking keys; None leaves one as it is.

        Args:
            key_storage: `headrace.cache_keys.ServerKeyStorage()`, or an fsspec URL such as `s3://bucket/keys`:
                machines that share it share what is cached, as far as they reach the results. By default a key is
                the name of the result in the storage of results.
            isolation_level: `READ_COMMITTED` or `SERIALIZABLE`, see `headrace.transactions.IsolationLevel`.
            lock_manager: Gives the locks of SERIALIZABLE; by default files in `HEADRACE_HOME`.

        Raises:
            errors.InvalidArgument: There is no such isolation level.
        """
        if isolation_level not in (None, "READ_COMMITTED", "SERIALIZABLE"):
            raise errors.InvalidArgument.of_field("isolation_level", "must be READ_COMMITTED or SERIALIZABLE")
        made = copy.copy(self)
        changes = {"key_storage": key_storage, "isolation_level": isolation_level, "lock_manager": lock_manager}
        vars(made).update({name: value for name, value in changes.items() if value is not None})
        return made

    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        """Return the key for a call with the given parameters; None if it is not cached.

        Raises:
            errors.InvalidArgument: The parameters cannot be hashed; the message says what to do.
        """
        raise TypeError(f"{type(self).__name__} computes no key")

    def __add__(self, other: CachePolicy) -> CachePolicy:
        """Return a policy by which a result depends on what either says."""
        if not isinstance(other, CachePolicy):
            return NotImplemented
        return _inherit(_Compound((*_members(self), *_members(other))), self, other)

    def __sub__(self, name: str) -> CachePolicy:
        """Return a policy by which a result does not depend on the parameter `name`."""
        if not isinstance(name, str):
            return NotImplemented
        if isinstance(self, _Compound):
            return _inherit(_Compound(self.members, self.left_out | {name}), self)
        return _inherit(_Compound((self,), frozenset({name})), self)


@dataclasses.dataclass(frozen=True)
class _Compound(CachePolicy):
    members: tuple[CachePolicy, ...]
    left_out: frozenset[str] = frozenset()

    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        seen = {name: value for name, value in inputs.items() if name not in self.left_out}
        keys = [key for member in self.members if (key := member.compute_key(context, seen)) is not None]
        return hash_text(*keys) if keys else None


class _Inputs(CachePolicy):
    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        return hash_values(context.task_key, inputs)


class _TaskSource(CachePolicy):
    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        try:
            source = inspect.getsource(context.function)
        except (OSError, TypeError):
            code = getattr(context.function, "__code__", None)
            source = repr((code.co_code, code.co_consts)) if code is not None else context.task_key
        return hash_text("source", context.task_key, source)


class _FlowParameters(CachePolicy):
    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        return hash_values("flow parameters", context.flow_parameters)


class _RunId(CachePolicy):
    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        return hash_text("run", context.flow_run_id or context.task_run.id)


class _NoCache(CachePolicy):
    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        return None


@dataclasses.dataclass(frozen=True)
class CacheKeyFunction(CachePolicy):
    """A policy of the user's own.

    Args:
        function: Called with a `CacheContext` and the parameters; returns the key, or None for no caching.
    """

    function: Callable[[CacheContext, dict[str, Any]], str | None]

    def compute_key(self, context: CacheContext, inputs: Mapping[str, Any]) -> str | None:
        """Return what the function says."""
        key = self.function(context, dict(inputs))
        if key is not None and not isinstance(key, str):
            raise errors.InvalidArgument.of_field("cache_key_fn", f"returned {key!r}, which is neither text nor None")
        return key


def _members(policy: CachePolicy) -> tuple[CachePolicy, ...]:
    if isinstance(policy, _Compound) and not policy.left_out:
        return policy.members
    return (policy,)


def _inherit(made: CachePolicy, *sources: CachePolicy) -> CachePolicy:
    for name in ("key_storage", "isolation_level", "lock_manager"):
        values = [value for source in sources if (value := getattr(source, name)) is not None]
        if any(value != values[0] for value in values):
            raise errors.InvalidArgument.of_field(name, "is configured differently in policies that are joined")
        if values:
            vars(made)[name] = values[0]
    return made


INPUTS: CachePolicy = _Inputs()
"""The result depends on the task and its parameters."""
TASK_SOURCE: CachePolicy = _TaskSource()
"""The result depends on the text of the task's function."""
FLOW_PARAMETERS: CachePolicy = _FlowParameters()
"""The result depends on the flow run's parameters."""
RUN_ID: CachePolicy = _RunId()
"""The result holds within one flow run, reruns included."""
NO_CACHE: CachePolicy = _NoCache()
"""The result is never taken from the cache."""
DEFAULT: CachePolicy = INPUTS + TASK_SOURCE + RUN_ID
"""What holds where results are persisted and the task says nothing."""


def hash_text(*parts: str) -> str:
    """Return a key for texts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode(errors="surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:48]


def hash_values(label: str, values: Mapping[str, Any]) -> str:
    """Return a key for parameters: the same for equal JSON values, else by what cloudpickle makes of them.

    Raises:
        errors.InvalidArgument: A value can be neither written as JSON nor pickled.
    """
    digest = hashlib.sha256(label.encode())
    for name in sorted(values):
        digest.update(b"\0" + name.encode() + b"\0")
        digest.update(_canonical(name, values[name]))
    return digest.hexdigest()[:48]


def _canonical(name: str, value: Any) -> bytes:
    try:
        return b"json" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS)
    except TypeError:
        pass
    try:
        data: bytes = cloudpickle.dumps(value)
    except Exception as error:
        raise errors.InvalidArgument.of_field(
            name,
            f"a value of type {type(value).__name__} cannot be hashed for the cache ({error}). Leave the parameter out "
            f"with cache_policy=... - {name!r}, or use cache_policy=NO_CACHE.",
            reason="CACHE_KEY_FAILED",
        ) from error
    return b"pickle" + data
