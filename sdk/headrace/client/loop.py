"""The one thread of a process in which Headrace's asyncio code runs: calls, recording, heartbeats, logs.

User code runs elsewhere, so nothing that it does blocks a heartbeat (as long as it lets go of the interpreter
lock). One event loop is all that gRPC's asyncio part does well in a process.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """An event loop in a daemon thread.

    Args:
        name: Of the thread, as debuggers show it.
    """

    def __init__(self, name: str = "headrace-io") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop. From other threads only `call_soon_threadsafe` may be used."""
        return self._loop

    @property
    def is_current(self) -> bool:
        """Whether the caller runs in this thread."""
        return threading.current_thread() is self._thread

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the loop and return its future.

        Raises:
            RuntimeError: The thread has been stopped.
        """
        if self._loop.is_closed():
            coroutine.close()
            raise RuntimeError("the connection to the server is closed")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for what it returns.

        Raises:
            RuntimeError: Called from the loop's own thread, where waiting would never end.
        """
        if self.is_current:
            coroutine.close()
            raise RuntimeError("a synchronous call from the event loop of Headrace itself would never return")
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            # KeyboardInterrupt and the like: nobody waits for the answer any more.
            future.cancel()
            raise

    def stop(self, timeout: float = 5.0) -> None:
        """End the thread: what still runs on the loop is cancelled and waited for, up to `timeout` seconds."""
        if self._loop.is_closed() or self.is_current:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


_shared: LoopThread | None = None
_lock = threading.Lock()


def shared_loop() -> LoopThread:
    """Return the process's loop thread, started at the first call."""
    global _shared
    with _lock:
        if _shared is None or _shared.loop.is_closed():
            _shared = LoopThread()
        return _shared


def _forget_after_fork() -> None:
    global _shared, _lock
    # The child has the memory of the thread but not the thread.
    _shared = None
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
