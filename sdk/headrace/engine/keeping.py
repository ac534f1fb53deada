"""Results of task runs: found in the cache, persisted at once or when the transaction around them is committed."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import headrace
from headrace.cache_keys import key_storage_at
from headrace.caching import DEFAULT, CacheContext, CacheKeyFunction, CachePolicy
from headrace.engine.committing import Steps, drive, drive_on_loop
from headrace.engine.naming import run_name
from headrace.engine.runs import TaskRun
from headrace.outcomes import LeaseLostInterrupt
from headrace.recording.facts import COMPLETED
from headrace.settings import get_settings
from headrace.states import ResultReference
from headrace.transactions import IsolationLevel, Transaction, get_transaction

logger = logging.getLogger("headrace.task_runs")

ROLLED_BACK = "RolledBack"
"""Name of the state of a task run that had completed and was undone."""


def cache_key(run: TaskRun) -> str:
    """Return the key under which a run's result is cached; empty if it is not.

    Raises:
        headrace.errors.InvalidArgument: It cannot be computed.
    """
    context = CacheContext(
        task_key=run.facts.task_key,
        function=run.definition.fn,
        flow_run_id=run.host.id,
        flow_parameters=run.host.parameters,
        task_run=run,
    )
    return _policy(run).compute_key(context, run.parameters or {}) or ""


def find_cached(run: TaskRun) -> Any:
    """Return the stored result of a run's cache key, with its reference; None if there is none that holds.

    Raises:
        headrace.errors.HeadraceError: A storage cannot be read.
    """
    keys = _policy(run).key_storage
    if keys is None:
        return _store(run).find(_storage_key(run))
    reference = key_storage_at(keys).find(run.cache_key)
    if reference is None:
        return None
    return headrace.results.store_at(reference.storage_url).find(reference.storage_key)


def persist(run: TaskRun, value: Any) -> ResultReference:
    """Write a run's result, now or when its transaction is committed; returns where it is or will be.

    Raises:
        headrace.errors.HeadraceError: It cannot be written.
    """
    options = run.definition.options
    expires_at = None
    if options.cache_expiration is not None:
        expires_at = datetime.datetime.now(datetime.UTC) + options.cache_expiration
        run.cache_expires_ns = int(expires_at.timestamp() * 1e9)
    serializer = options.result_serializer or get_settings().results_serializer
    store, key, keys, named = _store(run), _storage_key(run), _policy(run).key_storage, run.cache_key

    def write() -> ResultReference:
        reference: ResultReference = store.write(key, value, serializer, expires_at)
        if keys is not None and named:
            key_storage_at(keys).put(named, reference)
        return reference

    transaction = run.transaction
    if transaction is None or not transaction.ends_with_parent:
        return write()
    transaction.write_with(write)
    return ResultReference(storage_key=key, storage_url=store.url, serializer=serializer, expires_at=expires_at)


def open_transaction(run: TaskRun) -> None:
    """Give a run a transaction where it is part of one, has hooks for it, or must lock its cache key.

    Raises:
        headrace.errors.HeadraceError: The key cannot be locked.
    """
    parent, policy = get_transaction(), _policy(run)
    locks = bool(run.cache_key) and policy.isolation_level == IsolationLevel.SERIALIZABLE
    if parent is None and not locks and not run.definition.is_transactional:
        return
    transaction = Transaction(
        run.cache_key or None,
        isolation_level=IsolationLevel.SERIALIZABLE if locks else None,
        lock_manager=policy.lock_manager,
    )
    transaction.begin(parent, run.host.check)
    run.transaction = transaction


def close_transaction(run: TaskRun) -> None:
    """End a run's transaction as the run has ended, in this thread."""
    try:
        drive(_ending(run))
    except Exception:
        _report(run)


async def close_transaction_on_loop(run: TaskRun) -> None:
    """End a run's transaction as the run has ended, on this event loop."""
    try:
        await drive_on_loop(_ending(run))
    except Exception:
        _report(run)


def _ending(run: TaskRun) -> Steps:
    transaction, run.transaction = run.transaction, None
    if transaction is None:
        return
    if isinstance(run.error, LeaseLostInterrupt) or run.attempt.is_lost:
        transaction.abandon()
        return
    succeeded = run.code == COMPLETED
    if succeeded and not transaction.is_committed():
        options = run.definition.options
        for hook in options.on_commit:
            transaction.on_commit(hook)
        for hook in options.on_rollback:
            transaction.on_rollback(hook)
        transaction.tell_when_undone(lambda: _say_undone(run))
    yield from transaction.ending(succeeded=succeeded)


def _say_undone(run: TaskRun) -> None:
    run.enter(COMPLETED, ROLLED_BACK, "the transaction that the task was part of was rolled back")


def _report(run: TaskRun) -> None:
    logger.exception("The transaction of task run %r could not be committed and was rolled back.", run.name)


def _policy(run: TaskRun) -> CachePolicy:
    options = run.definition.options
    if options.cache_key_fn is not None:
        return CacheKeyFunction(options.cache_key_fn)
    return options.cache_policy or DEFAULT


def _store(run: TaskRun) -> Any:
    return headrace.results.store_at(run.definition.options.result_storage or run.host.results_url)


def _storage_key(run: TaskRun) -> str:
    template = run.definition.options.result_storage_key
    if template is not None:
        values = {"flow_run": run.host, "task_run": run, "parameters": run.parameters or {}}
        return run_name(template, "result_storage_key", values, takes_parameters=False)
    if run.cache_key and _policy(run).key_storage is None:
        return run.cache_key
    return f"{run.host.id}/{run.task_run_id}"
