"""The keywords of `@flow` and `@task`, and of their `with_options`, as type checkers know them."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from typing import Any, TypedDict

from headrace.caching import CachePolicy
from headrace.engine.asset_keys import Keyed
from headrace.engine.definitions import Hook
from headrace.engine.naming import RunName
from headrace.engine.retries import RetryDelays
from headrace.result_storage import ResultStorage
from headrace.task_runners import TaskRunner

Hooks = Iterable[Hook] | Hook | None
"""One hook, several or none."""


class CommonKeywords(TypedDict, total=False):
    """What flows and tasks can both be told."""

    name: str | None
    """By default the function's; of a flow with "-" for "_"."""
    description: str | None
    """What it does; by default the docstring."""
    version: str | None
    """As you name it."""
    retries: int
    """How often a failed run is tried again."""
    retry_delay_seconds: RetryDelays | None
    """Wait before each retry: one for all, a list, or `exponential_backoff(...)`."""
    timeout_seconds: float | None
    """How long a try may take. Code that blocks in C outside of the main thread is ended when it comes back."""
    persist_result: bool | None
    """Whether results are written to storage; None is what the calling flow, else the settings say."""
    result_storage: ResultStorage | None
    """fsspec URL of the storage, a folder, or a saved block of files."""
    result_serializer: str | None
    """ "pickle", "json", "compressed/pickle" or "compressed/json"."""
    cache_result_in_memory: bool
    """False lets a persisted result go once it is written; who asks for it later gets it from storage."""
    log_prints: bool | None
    """Whether print() becomes log records; None is what the calling flow, else the settings say."""
    on_running: Hooks
    """Hooks, called with the flow or task, the run and its state."""
    on_completion: Hooks
    on_failure: Hooks


class FlowKeywords(CommonKeywords, total=False):
    """What `@flow` can be told."""

    flow_run_name: RunName | None
    """Template or function that names the runs."""
    task_runner: TaskRunner | None
    """Where submitted tasks run."""
    validate_parameters: bool
    """False hands arguments on as they are."""
    on_cancellation: Hooks
    on_crashed: Hooks


class TaskKeywords(CommonKeywords, total=False):
    """What `@task` can be told."""

    tags: Iterable[str]
    """Words to find its runs by."""
    task_run_name: RunName | None
    """Template or function that names the runs."""
    retry_jitter_factor: float
    """Each wait is stretched by a random part of up to this factor."""
    retry_condition_fn: Callable[..., Any] | None
    """Called with the task, the run and the failed state; False ends the retries."""
    cache_policy: CachePolicy | None
    """What the result depends on; holds where results are persisted."""
    cache_key_fn: Callable[..., str | None] | None
    """A function of a `headrace.caching.CacheContext` and the parameters, in place of a policy."""
    cache_expiration: datetime.timedelta | None
    """How long a cached result holds."""
    refresh_cache: bool
    """True runs the task even if there is a cached result, and replaces that."""
    result_storage_key: str | None
    """Template of the result's name in the storage, e.g. "{flow_run.name}/{parameters[day]}"."""
    asset_deps: Iterable[Keyed | str]
    """Assets that it takes from, or their keys: what is made from its result is made from these."""
    viz_return_value: Any
    """What a call returns while `flow.visualize()` draws the flow."""
    on_rollback: Hooks
    """Called with the transaction that is undone after the task completed."""
    on_commit: Hooks
    """Called with the transaction that is made good."""
