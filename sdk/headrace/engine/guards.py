"""Ending user code from outside: cancelled runs, time-outs, a process that has to go.

An exception is raised in the thread that runs user code, and only while user code runs there: never within
the engine itself. The main thread is reached by a signal, which also ends a blocking system call such as
`time.sleep`. Other threads can be reached between two bytecodes only: a call into C that blocks is not ended
before it returns.
"""

from __future__ import annotations

import ctypes
import heapq
import itertools
import os
import signal
import threading
import time
from types import FrameType
from typing import Protocol

from headrace.outcomes import Interrupted, TimeoutInterrupt

_SIGNAL = getattr(signal, "SIGURG", None)  # ignored by default, so that a late one does no harm
_ABSORB_ROUNDS = 10_000


class Guard(Protocol):
    """Says when user code runs in a thread, and ends it on demand."""

    def arm(self) -> None:
        """Begin user code.

        Raises:
            Interrupted: Somebody asked to end it already.
        """

    def disarm(self) -> bool:
        """End user code: nothing is raised in this thread from here on. Returns whether user code ran."""

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask from any thread to end user code, now or as soon as it begins."""

    def settle(self, kind: type[Interrupted]) -> None:
        """Forget a request to end user code by `kind`: it was followed, or nobody needs it any more."""


class _MainGuard:
    """The guard of the main thread, where signals are handled."""

    __slots__ = ("_armed", "_pending")

    def __init__(self) -> None:
        self._armed = False
        self._pending: list[type[Interrupted]] = []

    def arm(self) -> None:
        self._armed = True
        if self._pending:
            self._armed = False
            raise self._pending.pop(0)

    def disarm(self) -> bool:
        was, self._armed = self._armed, False
        return was

    def interrupt(self, kind: type[Interrupted]) -> None:
        self._pending.append(kind)
        if _SIGNAL is not None:
            signal.pthread_kill(threading.main_thread().ident or 0, _SIGNAL)

    def settle(self, kind: type[Interrupted]) -> None:
        if kind in self._pending:
            self._pending.remove(kind)

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self._armed and self._pending:
            raise self._pending.pop(0)


class ThreadGuard:
    """The guard of a thread that is not the main one; made in that thread."""

    __slots__ = ("_armed", "_ident", "_lock", "_pending", "_sent")

    def __init__(self) -> None:
        self._ident = threading.get_ident()
        self._lock = threading.Lock()
        self._armed = False
        self._sent = False
        self._pending: list[type[Interrupted]] = []

    def arm(self) -> None:
        """Begin user code; see `Guard`."""
        with self._lock:
            self._sent = False
            if not self._pending:
                self._armed = True
                return
            kind = self._pending.pop(0)
        raise kind

    def disarm(self) -> bool:
        """End user code; see `Guard`."""
        with self._lock:
            was, self._armed = self._armed, False
            sent, self._sent = self._sent, False
        if sent:
            self._absorb()
        return was

    def interrupt(self, kind: type[Interrupted]) -> None:
        """End user code; see `Guard`."""
        with self._lock:
            if self._armed and not self._sent:
                self._sent = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._ident), ctypes.py_object(kind))
            else:
                self._pending.append(kind)

    def settle(self, kind: type[Interrupted]) -> None:
        """Forget a request; see `Guard`."""
        with self._lock:
            if kind in self._pending:
                self._pending.remove(kind)

    def _absorb(self) -> None:
        # An exception that was sent and not raised yet comes within a few bytecodes. One that user code
        # caught does not come at all, so this ends by itself.
        try:
            for _ in range(_ABSORB_ROUNDS):
                pass
        except Interrupted:
            pass


_main = _MainGuard()
_local = threading.local()
_installed = False


def current_guard() -> Guard:
    """Return the guard of this thread."""
    global _installed
    if threading.current_thread() is threading.main_thread():
        if not _installed and _SIGNAL is not None:
            signal.signal(_SIGNAL, _main.handle)
            _installed = True
        return _main
    guard: ThreadGuard | None = getattr(_local, "guard", None)
    if guard is None:
        guard = _local.guard = ThreadGuard()
    return guard


class _Watchdog:
    """One thread that interrupts guards when their time is over."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        with self._changed:
            heapq.heappush(self._heap, (deadline.at, next(self._numbers), deadline))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="headrace-timeouts", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is deadline:
                self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._heap:
                    self._changed.wait()
                wait = self._heap[0][0] - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                    continue
                deadline = heapq.heappop(self._heap)[2]
            deadline.expire()


class Deadline:
    """A time-out of synchronous user code.

    Args:
        guard: Of the thread that runs it.
        seconds: How long it may run.
    """

    __slots__ = ("_guard", "_is_open", "_lock", "at", "expired")

    def __init__(self, guard: Guard, seconds: float) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._is_open = True
        self.expired = False
        self.at = time.monotonic() + seconds
        _watchdog.watch(self)

    def expire(self) -> None:
        """End the code if it still runs."""
        with self._lock:
            if not self._is_open:
                return
            self.expired = True
        self._guard.interrupt(TimeoutInterrupt)

    def close(self) -> None:
        """Let the code be: it has ended."""
        with self._lock:
            self._is_open = False
        if self.expired:
            self._guard.settle(TimeoutInterrupt)


_watchdog = _Watchdog()


def _forget_after_fork() -> None:
    global _main, _local, _watchdog, _installed
    _main, _local, _watchdog, _installed = _MainGuard(), threading.local(), _Watchdog(), False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
