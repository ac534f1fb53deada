"""Transactions: tasks whose effects are made good together, or undone together.

    @write.on_rollback
    def undo(transaction): os.unlink(transaction.get("path"))

    with transaction() as work:
        work.set("path", path)
        write(path)
        check(path)          # if it raises, undo() is called

Within a transaction results of tasks are persisted when it is committed. Hooks are called in order on commit, and in
reverse order on rollback, for the tasks that had completed.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import headrace
from headrace import errors
from headrace.engine.committing import HookCall, Steps, drive, drive_on_loop
from headrace.locking import FileLockManager, Lock, LockManager, LockTimeout
from headrace.outcomes import LeaseLostInterrupt
from headrace.settings import get_settings

__all__ = [
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "TransactionState",
    "get_transaction",
    "transaction",
]

TransactionHook = Callable[["Transaction"], Any]

_LOCK_SLICE_SECONDS = 2.0
_ABSENT: Any = object()


class CommitMode(enum.StrEnum):
    """When a transaction is committed."""

    EAGER = "EAGER"
    """At its own end, whatever becomes of the one around it."""
    LAZY = "LAZY"
    """With the one around it; at its own end if it is the outermost."""
    OFF = "OFF"
    """With the one around it; if it is the outermost it is rolled back."""


class IsolationLevel(enum.StrEnum):
    """What a transaction sees of others with the same key."""

    READ_COMMITTED = "READ_COMMITTED"
    """What they have committed; two may compute the same at the same time."""
    SERIALIZABLE = "SERIALIZABLE"
    """One at a time: the key is locked from the beginning to the end."""


class TransactionState(enum.StrEnum):
    """Where a transaction stands."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    STAGED = "STAGED"
    COMMITTED = "COMMITTED"
    ROLLED_BACK = "ROLLED_BACK"


_DECIDED = frozenset({TransactionState.COMMITTED, TransactionState.ROLLED_BACK})

_current: contextvars.ContextVar[Transaction | None] = contextvars.ContextVar("headrace_transaction", default=None)


class Transaction:
    """A transaction; with `with` or `async with`. Arguments as of `transaction`."""

    def __init__(
        self,
        key: str | None = None,
        *,
        store: Any = None,
        commit_mode: CommitMode | str | None = None,
        isolation_level: IsolationLevel | str | None = None,
        overwrite: bool = False,
        write_on_commit: bool = True,
        lock_manager: LockManager | None = None,
        lock_timeout_seconds: float | None = None,
    ) -> None:
        self.key = key
        self.commit_mode = CommitMode(commit_mode) if commit_mode is not None else None
        self.isolation_level = IsolationLevel(isolation_level or IsolationLevel.READ_COMMITTED)
        self.overwrite = overwrite
        self.write_on_commit = write_on_commit
        self.state = TransactionState.PENDING
        self.parent: Transaction | None = None
        if self.isolation_level is IsolationLevel.SERIALIZABLE and key is None:
            raise errors.InvalidArgument.of_field("isolation_level", "SERIALIZABLE needs a key to be locked")
        self._store = store
        self._lock_manager = lock_manager
        self._lock_timeout = lock_timeout_seconds
        self._locks: dict[str, Lock] = {}
        self._children: list[Transaction] = []
        self._values: dict[str, Any] = {}
        self._on_commit: list[TransactionHook] = []
        self._on_rollback: list[TransactionHook] = []
        self._write: Callable[[], Any] | None = None
        self._undone: Callable[[], None] | None = None
        self._staged: Any = _ABSENT
        self._changed = threading.RLock()
        self._before: Transaction | None = None
        self._is_entered = False

    def __repr__(self) -> str:
        return f"<Transaction {self.key or ''} {self.state}>"

    # For the user.

    def set(self, name: str, value: Any) -> None:
        """Keep a value for the hooks of this transaction and of those within it."""
        with self._changed:
            self._values[name] = value

    def get(self, name: str, default: Any = _ABSENT) -> Any:
        """Return a value that was set here or in a transaction around this one.

        Raises:
            KeyError: There is none, and no default was given.
        """
        around: Transaction | None = self
        while around is not None:
            with around._changed:
                if name in around._values:
                    return around._values[name]
            around = around.parent
        if default is _ABSENT:
            raise KeyError(f"the transaction has no value {name!r}")
        return default

    def is_committed(self) -> bool:
        """Whether it was committed, or another one has stored the result under its key before."""
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        """Whether it was undone."""
        return self.state is TransactionState.ROLLED_BACK

    def is_staged(self) -> bool:
        """Whether it has ended and waits for the one around it."""
        return self.state is TransactionState.STAGED

    def is_active(self) -> bool:
        """Whether its block runs."""
        return self.state is TransactionState.ACTIVE

    def read(self) -> Any:
        """Return the value that was staged here, or is stored under the key.

        Raises:
            headrace.results.ResultFailure: There is none, or it cannot be read.
        """
        if self._staged is not _ABSENT:
            return self._staged
        found = self._results().find(self._needed_key())
        if found is None:
            raise headrace.results.ResultFailure(f"there is no result {self.key} of a transaction")
        return found.value

    def stage(
        self,
        value: Any,
        on_rollback: TransactionHook | None = None,
        on_commit: TransactionHook | None = None,
    ) -> None:
        """Give the value that is stored under the key when the transaction is committed.

        Args:
            value: Anything that can be persisted.
            on_rollback: Called with the transaction if it is undone.
            on_commit: Called with the transaction when it is committed.
        """
        with self._changed:
            self._staged = value
            if self.key is not None and self.write_on_commit:
                store, key = self._results(), self.key
                self._write = lambda: store.write(key, value, get_settings().results_serializer)
        if on_rollback is not None:
            self.on_rollback(on_rollback)
        if on_commit is not None:
            self.on_commit(on_commit)

    def on_rollback(self, hook: TransactionHook) -> TransactionHook:
        """Call `hook` with the transaction if it is undone; a decorator, too."""
        with self._changed:
            self._on_rollback.append(hook)
        return hook

    def on_commit(self, hook: TransactionHook) -> TransactionHook:
        """Call `hook` with the transaction when it is committed; a decorator, too."""
        with self._changed:
            self._on_commit.append(hook)
        return hook

    def __enter__(self) -> Transaction:
        self.begin(get_transaction())
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
        if isinstance(error, LeaseLostInterrupt):
            self.abandon()
        else:
            drive(self.ending(succeeded=error is None))

    async def __aenter__(self) -> Transaction:
        await asyncio.to_thread(self.begin, get_transaction())
        self.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
        if isinstance(error, LeaseLostInterrupt):
            self.abandon()
        else:
            await drive_on_loop(self.ending(succeeded=error is None))

    # For the engine.

    @property
    def ends_with_parent(self) -> bool:
        """Whether the transaction around this one decides what becomes of it."""
        return self.parent is not None and self.commit_mode is not CommitMode.EAGER

    def begin(self, parent: Transaction | None, check: Callable[[], None] | None = None) -> None:
        """Become part of `parent` and take the lock, waiting for it.

        Args:
            parent: The transaction around this one.
            check: Called every other second of the wait; raises what ends it.

        Raises:
            headrace.locking.LockTimeout: Somebody else has held the lock for too long.
            errors.FailedPrecondition: The transaction has begun already.
        """
        if self.state is not TransactionState.PENDING:
            raise errors.FailedPrecondition("a transaction can be entered only once", reason="TRANSACTION_USED")
        self.parent = parent
        if self.commit_mode is None:
            self.commit_mode = (parent.commit_mode if parent is not None else None) or CommitMode.LAZY
        self.state = TransactionState.ACTIVE
        if self.isolation_level is IsolationLevel.SERIALIZABLE:
            self._lock(self._needed_key(), check)
        if self.key is not None and self._store is not None and not self.overwrite:
            try:
                if self._results().find(self.key) is not None:
                    self.state = TransactionState.COMMITTED
            except BaseException:
                self._unlock()
                raise

    def enter(self) -> None:
        """Be what `get_transaction` returns."""
        self._before, self._is_entered = _current.get(), True
        _current.set(self)

    def leave(self) -> None:
        """Let `get_transaction` return what it returned before."""
        if self._is_entered:
            self._is_entered = False
            _current.set(self._before)

    def write_with(self, write: Callable[[], Any]) -> None:
        """Call `write` when the transaction is committed."""
        self._write = write

    def tell_when_undone(self, undone: Callable[[], None]) -> None:
        """Call `undone` when the transaction has been rolled back."""
        self._undone = undone

    def find(self) -> None:
        """Take note that the result was there already: nothing is to be written or undone."""
        self.state = TransactionState.COMMITTED

    def abandon(self) -> None:
        """End without a hook: another attempt executes the flow run and must not find its work undone."""
        with self._changed:
            if self.state not in _DECIDED:
                self.state = TransactionState.ROLLED_BACK
            children = list(self._children)
        for child in children:
            child.abandon()
        self._unlock()

    def ending(self, *, succeeded: bool) -> Steps:
        """End the transaction, or leave the end to the one around it. Raises what a hook raised on commit."""
        if self.state in _DECIDED:
            # It found its result there: nothing of it has to be written or undone.
            self._unlock()
            return
        if not succeeded:
            yield from self._rollback()
            return
        parent = self.parent
        if parent is not None and self.ends_with_parent:
            with parent._changed:
                decided = parent.state
                if decided not in _DECIDED:
                    self.state = TransactionState.STAGED
                    parent._children.append(self)
                    # Another one within the parent may have the same key, and must not wait for the parent's end.
                    parent._locks.update(self._locks)
                    self._locks = {}
                    return
            yield from self._commit() if decided is TransactionState.COMMITTED else self._rollback()
        elif self.commit_mode is CommitMode.OFF:
            yield from self._rollback()
        else:
            yield from self._commit()

    def _commit(self) -> Steps:
        with self._changed:
            if self.state in _DECIDED:
                return
            self.state = TransactionState.COMMITTED
            children = list(self._children)
        try:
            for child in children:
                yield from child._commit()
            for hook in self._on_commit:
                yield HookCall(hook, self, is_safe=False)
            if self._write is not None:
                yield self._write
        except BaseException:
            self.state = TransactionState.ACTIVE
            yield from self._rollback()
            raise
        self._unlock()

    def _rollback(self) -> Steps:
        with self._changed:
            if self.state in _DECIDED:
                return
            self.state = TransactionState.ROLLED_BACK
            children = list(self._children)
        try:
            for hook in reversed(self._on_rollback):
                yield HookCall(hook, self, is_safe=True)
            for child in reversed(children):
                yield from child._rollback()
            if self._undone is not None:
                self._undone()
        finally:
            self._unlock()

    def _lock(self, key: str, check: Callable[[], None] | None) -> None:
        manager = self._lock_manager or FileLockManager()
        identity = manager.identity(key)
        left = self._lock_timeout
        while not self._is_locked_around(identity):
            if check is not None:
                check()
            part = _LOCK_SLICE_SECONDS if left is None else min(left, _LOCK_SLICE_SECONDS)
            try:
                self._locks[identity] = manager.acquire(key, part)
            except LockTimeout:
                # One beside this one may have handed the lock to the parent in the meantime.
                left = None if left is None else left - part
                if left is not None and left <= 0:
                    raise
            else:
                return

    def _is_locked_around(self, identity: str) -> bool:
        around = self.parent
        while around is not None:
            if identity in around._locks:
                return True
            around = around.parent
        return False

    def _unlock(self) -> None:
        locks, self._locks = self._locks, {}
        for lock in locks.values():
            lock.release()

    def _results(self) -> Any:
        if self._store is None or isinstance(self._store, str):
            self._store = headrace.results.store_at(self._store or get_settings().results_url)
        return self._store

    def _needed_key(self) -> str:
        if self.key is None:
            raise errors.FailedPrecondition("the transaction has no key", reason="TRANSACTION_WITHOUT_KEY")
        return self.key


def transaction(
    key: str | None = None,
    store: Any = None,
    commit_mode: CommitMode | str | None = None,
    isolation_level: IsolationLevel | str | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    lock_manager: LockManager | None = None,
    lock_timeout_seconds: float | None = None,
) -> Transaction:
    """Return a transaction for a block, to be entered with `with` or `async with`.

    Args:
        key: Names its result in the store. With a store the block finds it committed if the result is there.
        store: Where the result is: an fsspec URL or a `headrace.results.ResultStore`; by default the settings'.
        commit_mode: By default that of the transaction around it, else LAZY.
        isolation_level: By default READ_COMMITTED. SERIALIZABLE locks the key.
        overwrite: Whether a result that is there already is replaced.
        write_on_commit: Whether what is staged is stored.
        lock_manager: Gives the lock; by default a file in `HEADRACE_HOME`.
        lock_timeout_seconds: How long to wait for the lock; None for as long as it takes.

    Raises:
        errors.InvalidArgument: SERIALIZABLE without a key.
        ValueError: There is no such mode or level.
    """
    return Transaction(
        key,
        store=store,
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        overwrite=overwrite,
        write_on_commit=write_on_commit,
        lock_manager=lock_manager,
        lock_timeout_seconds=lock_timeout_seconds,
    )


def get_transaction() -> Transaction | None:
    """Return the innermost transaction of the caller; None outside of any."""
    return _current.get()
