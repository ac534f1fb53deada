"""Locks by key, which let one at a time compute a result: within a process, on a machine, or through the server.

cache_policy=INPUTS.configure(isolation_level=SERIALIZABLE, lock_manager=FileLockManager("/mnt/shared/locks"))
"""

from __future__ import annotations

import abc
import concurrent.futures
import contextlib
import fcntl
import hashlib
import os
import pathlib
import random
import threading
import time
from collections.abc import Iterator

from headrace import errors
from headrace.api.v1 import concurrency_pb2
from headrace.client import get_client
from headrace.engine.backend import Backend
from headrace.engine.connection import get_backend
from headrace.engine.guards import current_guard
from headrace.engine.slots import HeldSlots, SlotWish, wait_for_slots
from headrace.outcomes import NoSlot
from headrace.settings import get_settings

__all__ = ["FileLockManager", "Lock", "LockManager", "LockTimeout", "MemoryLockManager", "ServerLockManager"]

_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.25
_RELEASE_SECONDS = 5.0
_SHOWN_CHARACTERS = 100


class LockTimeout(errors.DeadlineExceeded, TimeoutError):
    """Somebody else has held the lock for all of the time that was to be waited."""

    default_reason = "LOCK_TIMEOUT"


class Lock(abc.ABC):
    """A lock that is held."""

    @abc.abstractmethod
    def release(self) -> None:
        """Let the next one have it. A second call does nothing."""


class LockManager(abc.ABC):
    """Gives locks by key."""

    def identity(self, key: str) -> str:
        """Return what is really locked for `key`: keys of the same identity exclude each other."""
        return f"{id(self)}:{key}"

    @abc.abstractmethod
    def acquire(self, key: str, timeout_seconds: float | None = None) -> Lock:
        """Wait for a lock.

        Args:
            key: Any text.
            timeout_seconds: How long to wait; None for as long as it takes.

        Raises:
            LockTimeout: Somebody else holds it.
        """

    @contextlib.contextmanager
    def hold(self, key: str, timeout_seconds: float | None = None) -> Iterator[Lock]:
        """Hold a lock for the block; as `acquire`."""
        lock = self.acquire(key, timeout_seconds)
        try:
            yield lock
        finally:
            lock.release()


class MemoryLockManager(LockManager):
    """Locks between the threads of this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: set[str] = set()

    def acquire(self, key: str, timeout_seconds: float | None = None) -> Lock:
        """Wait for a lock; see `LockManager`."""
        with self._changed:
            if not self._changed.wait_for(lambda: key not in self._held, timeout_seconds):
                raise _timeout(key, timeout_seconds)
            self._held.add(key)
        return _MemoryLock(self, key)

    def forget(self, key: str) -> None:
        """Let the next one have the lock."""
        with self._changed:
            self._held.discard(key)
            self._changed.notify_all()


class _MemoryLock(Lock):
    def __init__(self, manager: MemoryLockManager, key: str) -> None:
        self._manager: MemoryLockManager | None = manager
        self._key = key

    def release(self) -> None:
        manager, self._manager = self._manager, None
        if manager is not None:
            manager.forget(self._key)


class FileLockManager(LockManager):
    """Locks between all processes that see a folder, which may be on a file system shared between machines.

    The operating system releases the locks of a process that dies.

    Args:
        folder: Where the lock files are; by default `locks` in `HEADRACE_HOME`.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self._folder = pathlib.Path(folder) if folder is not None else None

    def identity(self, key: str) -> str:
        """Return the file of `key`."""
        folder = self._folder or get_settings().home / "locks"
        return str(folder / f"{hashlib.sha256(key.encode(errors='surrogatepass')).hexdigest()[:48]}.lock")

    def acquire(self, key: str, timeout_seconds: float | None = None) -> Lock:
        """Wait for a lock; see `LockManager`.

        Raises:
            LockTimeout: Somebody else holds it.
            OSError: The folder cannot be written.
        """
        path = pathlib.Path(self.identity(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            descriptor = _locked(path)
            if descriptor is not None:
                return _FileLock(path, descriptor)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise _timeout(key, timeout_seconds)
            # Slept in pieces, so that a run that has to stop can be interrupted.
            time.sleep(min(pause * (0.5 + random.random()), left if left is not None else pause * 2))
            pause = min(_LONGEST_PAUSE_SECONDS, pause * 1.5)


class _FileLock(Lock):
    def __init__(self, path: pathlib.Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(descriptor)


class ServerLockManager(LockManager):
    """Locks between all clients of the server: slots of concurrency limits of one slot, named `lock:000` and so on.

    A key takes the limit that its hash names, so that two keys may share one and then wait for each other. The
    limits are made when they are first needed, by a caller who may edit concurrency limits. A slot is renewed while
    it is held, and is free again when the process has died and `lease_seconds` are over.

    Args:
        lease_seconds: From 1 to 86,400.
        stripes: How many limits there are at most.
    """

    def __init__(self, lease_seconds: float = 30.0, stripes: int = 256) -> None:
        if not 1 <= stripes <= 4096:
            raise errors.InvalidArgument.of_field("stripes", "must be from 1 to 4096")
        self._lease_seconds = lease_seconds
        self._stripes = stripes

    def identity(self, key: str) -> str:
        """Return the limit of `key`."""
        digest = hashlib.sha256(key.encode(errors="surrogatepass")).digest()
        return f"lock:{int.from_bytes(digest[:8], 'big') % self._stripes:03x}"

    def acquire(self, key: str, timeout_seconds: float | None = None) -> Lock:
        """Wait for a lock; see `LockManager`.

        Raises:
            LockTimeout: Somebody else holds it.
            errors.HeadraceError: The server refuses it.
        """
        name = self.identity(key)
        wish = SlotWish(
            names=(name,),
            lease_seconds=self._lease_seconds,
            holder_kind="lock",
            holder_id=key[:_SHOWN_CHARACTERS],
            is_strict=True,
            timeout_seconds=timeout_seconds,
        )
        backend, guard = get_backend(), current_guard()
        was_armed = guard.disarm()
        try:
            for _ in range(2):
                try:
                    held = wait_for_slots(backend, wish, guard, is_armed=was_armed)
                except NoSlot:
                    raise _timeout(key, timeout_seconds) from None
                except errors.NotFound:
                    request = concurrency_pb2.SetConcurrencyLimitRequest(name=name, limit=1)
                    get_client().concurrency.SetConcurrencyLimit(request)
                else:
                    return _ServerLock(backend, held)
        finally:
            if was_armed:
                guard.arm()
        raise errors.Aborted(f"the concurrency limit {name} is deleted again and again")


class _ServerLock(Lock):
    def __init__(self, backend: Backend, held: HeldSlots | None) -> None:
        self._backend = backend
        self._held = held

    def release(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            concurrent.futures.wait([self._backend.release_slots(held)], timeout=_RELEASE_SECONDS)


def _locked(path: pathlib.Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The holder before deletes the file; whoever has opened it by then has locked nothing.
        if os.fstat(descriptor).st_ino == os.stat(path).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _timeout(key: str, seconds: float | None) -> LockTimeout:
    return LockTimeout(f"the lock of {key!r} was held by somebody else for {seconds or 0:g} s")
