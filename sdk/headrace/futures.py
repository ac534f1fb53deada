"""Futures of submitted tasks.

future = load.submit(path)
future.result()          # waits
await future             # in asynchronous code
for done in as_completed(futures): ...
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, cast

from headrace.states import State

if TYPE_CHECKING:
    from headrace.engine.runs import TaskRun

R = TypeVar("R", covariant=True)
T = TypeVar("T")

# One lock for all futures: it is held for a few bytecodes, and a lock for each would be most of their memory.
_lock = threading.Lock()


class Blocking(Protocol):
    """A thread of a task runner, which another may stand in for while it waits."""

    def release(self) -> contextlib.AbstractContextManager[None]:
        """Give the thread's place up for the block."""


class _ThreadRole(threading.local):
    blocking: Blocking | None = None
    """Set in threads that belong to a task runner."""
    event_loop_reason: str = ""
    """Set in threads that must never wait for a future: says why."""


thread_role = _ThreadRole()
"""What waiting means in this thread."""


class Future(Generic[R]):
    """The run of a submitted task, and its result once there is one."""

    __slots__ = ("_callbacks", "_done", "_run")

    def __init__(self, run: TaskRun) -> None:
        self._run = run
        self._done = False
        self._callbacks: list[Callable[[Future[Any]], object]] | None = None

    def __repr__(self) -> str:
        return f"<Future of {self._run.name}: {self.state.name}>"

    @property
    def task_run_id(self) -> str:
        """The task run's id."""
        return self._run.task_run_id

    @property
    def name(self) -> str:
        """The task run's name."""
        return self._run.name

    @property
    def state(self) -> State[R]:
        """The state that the run is in now."""
        return cast("State[R]", self._run.state())

    def done(self) -> bool:
        """Whether the run is final."""
        return self._done

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run is final, or `timeout` seconds are over."""
        if self._done:
            return
        if thread_role.event_loop_reason:
            raise RuntimeError(f"{thread_role.event_loop_reason}: use `await future` in place of waiting for it")
        arrived = threading.Event()
        self.add_done_callback(lambda _: arrived.set())
        if self._done:
            return
        role = thread_role.blocking
        with role.release() if role is not None else contextlib.nullcontext():
            arrived.wait(timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the task returned; waits for it.

        Args:
            timeout: Seconds to wait; None for as long as it takes.
            raise_on_failure: False returns the exception of a run that did not complete, in place of raising it.

        Raises:
            TimeoutError: The run is not final within `timeout`.
            Exception: What ended the run.
        """
        if not self._done:
            self.wait(timeout)
            if not self._done:
                raise TimeoutError(f"task run {self.name} is not final after {timeout:g} s")
        return cast(R, self._run.outcome(raise_on_failure))

    def add_done_callback(self, callback: Callable[[Future[Any]], object]) -> None:
        """Call `callback` with the future when the run is final, in the thread that ends it; at once if it is."""
        with _lock:
            if not self._done:
                if self._callbacks is None:
                    self._callbacks = []
                self._callbacks.append(callback)
                return
        callback(self)

    def __await__(self) -> Generator[Any, None, R]:
        if not self._done:
            yield from arrival(self).__await__()
        return cast(R, self._run.outcome(True))

    def _complete(self) -> None:
        with _lock:
            self._done = True
            callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback(self)


class FutureList(list[Future[R]]):
    """The futures of a mapped task, in the order of the calls."""

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all runs are final, or `timeout` seconds are over."""
        wait(self, timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> list[R]:
        """Return what the tasks returned; as `Future.result` for each, `timeout` for all together."""
        deadline = None if timeout is None else time.monotonic() + timeout
        return [
            future.result(None if deadline is None else max(0.0, deadline - time.monotonic()), raise_on_failure)
            for future in self
        ]


class DoneAndNotDone(NamedTuple, Generic[T]):
    """What `wait` returns."""

    done: set[Future[T]]
    not_done: set[Future[T]]


def wait(futures: Iterable[Future[T]], timeout: float | None = None) -> DoneAndNotDone[T]:
    """Wait until all futures are done, or `timeout` seconds are over; return which are and which are not."""
    collected = list(futures)
    deadline = None if timeout is None else time.monotonic() + timeout
    for future in collected:
        future.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
    done = {future for future in collected if future.done()}
    return DoneAndNotDone(done, set(collected) - done)


def as_completed(futures: Iterable[Future[T]], timeout: float | None = None) -> Iterator[Future[T]]:
    """Yield futures as their runs become final.

    Raises:
        TimeoutError: Some are not final within `timeout` seconds.
    """
    collected = list(futures)
    arrived: queue.SimpleQueue[Future[T]] = queue.SimpleQueue()
    for future in collected:
        future.add_done_callback(arrived.put)
    deadline = None if timeout is None else time.monotonic() + timeout
    role = thread_role.blocking
    for number in range(len(collected)):
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            if arrived.empty() and role is not None:
                with role.release():
                    found = arrived.get(timeout=left)
            else:
                found = arrived.get(timeout=left)
        except queue.Empty:
            raise TimeoutError(f"{len(collected) - number} of {len(collected)} task runs are not final") from None
        yield found


async def arrival(future: Future[Any]) -> None:
    """Wait until a future is done, from asynchronous code."""
    if future.done():
        return
    loop = asyncio.get_running_loop()
    arrived = loop.create_future()

    def set_arrived() -> None:
        if not arrived.done():
            arrived.set_result(None)

    def tell(_: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it who waits
            loop.call_soon_threadsafe(set_arrived)

    future.add_done_callback(tell)
    await arrived
