"""Futures of task runs that another process executes: known by their ids, followed through the server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import random
import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

import grpc.aio

from headrace import errors
from headrace.api.v1 import background_task_pb2, task_run_pb2
from headrace.client import Client, get_client
from headrace.futures import Future, arrival, thread_role
from headrace.recording.wire import state_from_proto
from headrace.rpc import status
from headrace.states import State, StateType

logger = logging.getLogger("headrace.background")

R = TypeVar("R", covariant=True)

_GATHER_SECONDS = 0.01
_MOST_TOGETHER = 1000
_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0


class BackgroundFuture(Future[R]):
    """The run of a task that another process executes, and its result once there is one.

    It can be pickled, and made again from the id alone: `BackgroundFuture(task_run_id)`.

    Args:
        task_run_id: The task run.
        name: Its name, where it is known.
    """

    __slots__ = ("_arrived", "_is_followed", "_lock", "_name", "_state", "_task_run_id")

    def __init__(self, task_run_id: str, name: str = "") -> None:
        self._task_run_id = task_run_id
        self._name = name
        self._state: State[Any] = State(type=StateType.SCHEDULED)
        self._done = False
        self._callbacks = None
        self._arrived = threading.Event()
        self._lock = threading.Lock()
        self._is_followed = False

    def __repr__(self) -> str:
        return f"<BackgroundFuture of {self.name}: {self._state.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return BackgroundFuture, (self._task_run_id, self._name)

    @property
    def task_run_id(self) -> str:
        """The task run's id."""
        return self._task_run_id

    @property
    def name(self) -> str:
        """The task run's name."""
        return self._name or self._task_run_id

    @property
    def state(self) -> State[R]:
        """The state that the run is in now, as the server knows it.

        Raises:
            errors.HeadraceError: The server does not answer, or knows no such run.
        """
        if not self._done:
            request = task_run_pb2.GetTaskRunRequest(task_run_id=self._task_run_id)
            self._seen(get_client().task_runs.GetTaskRun(request).task_run)
        return cast("State[R]", self._state)

    def done(self) -> bool:
        """Whether the run is final; asks the server until it is."""
        return self._done or self.state.is_final()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the run is final, or `timeout` seconds are over."""
        if self._done:
            return
        if thread_role.event_loop_reason:
            raise RuntimeError(f"{thread_role.event_loop_reason}: use `await future` in place of waiting for it")
        self._follow()
        role = thread_role.blocking
        if role is None:
            self._arrived.wait(timeout)
            return
        with role.release():
            self._arrived.wait(timeout)

    def result(self, timeout: float | None = None, raise_on_failure: bool = True) -> R:
        """Return what the task returned; waits for it.

        Args:
            timeout: Seconds to wait; None for as long as it takes.
            raise_on_failure: False returns the exception of a run that did not complete, in place of raising it. It is
                a `headrace.outcomes.FailedRun` with what the server knows, as the exception itself stayed where it was.

        Raises:
            TimeoutError: The run is not final within `timeout`.
            headrace.outcomes.MissingResult: The run completed, and its result was not kept.
            headrace.results.ResultFailure: The result cannot be read from here.
            Exception: What ended the run.
        """
        self.wait(timeout)
        if not self._done:
            raise TimeoutError(f"task run {self.name} is not final after {timeout:g} s")
        return cast(R, self._state.result(raise_on_failure=raise_on_failure))

    def cancel(self) -> bool:
        """Ask for the run to be cancelled; returns whether it is over already.

        Raises:
            errors.HeadraceError: The server does not answer, or knows no such run.
        """
        request = background_task_pb2.CancelBackgroundTaskRequest(task_run_id=self._task_run_id)
        return get_client().background_tasks.CancelBackgroundTask(request).is_over

    def add_done_callback(self, callback: Callable[[Future[Any]], object]) -> None:
        """Call `callback` with the future when the run is final, in a thread of its own; at once if it is."""
        with self._lock:
            if not self._done:
                self._callbacks = [*(self._callbacks or ()), callback]
                waiting = True
            else:
                waiting = False
        if waiting:
            self._follow()
        else:
            callback(self)

    def __await__(self) -> Generator[Any, None, R]:
        if not self._done:
            yield from arrival(self).__await__()
        return cast(R, self._state.result())

    def _follow(self) -> None:
        with self._lock:
            if self._is_followed or self._done:
                return
            self._is_followed = True
        _follower_of(get_client()).add(self)

    def _seen(self, run: task_run_pb2.TaskRun) -> None:
        """Learn where the run stands."""
        state = state_from_proto(run.state)
        with self._lock:
            if self._done:
                return
            self._state, self._name = state, run.name or self._name
            if not state.is_final():
                return
            self._done = True
            callbacks, self._callbacks = self._callbacks, None
        self._arrived.set()
        if callbacks:
            threading.Thread(target=_call_all, args=(callbacks, self), name="headrace-future", daemon=True).start()


def _call_all(callbacks: list[Callable[[Future[Any]], object]], future: Future[Any]) -> None:
    for callback in callbacks:
        try:
            callback(future)
        except Exception:
            logger.exception("A callback of %r raised an error", future)


class _Follower:
    """Follows all futures of a process over few streams."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._new: list[BackgroundFuture[Any]] = []
        self._lock = threading.Lock()
        self._task: concurrent.futures.Future[None] | None = None

    def add(self, future: BackgroundFuture[Any]) -> None:
        """Tell a future where its run stands, until that is final."""
        with self._lock:
            self._new.append(future)
            if self._task is None:
                self._task = self._client.thread.submit(self._start())

    async def _start(self) -> None:
        await asyncio.sleep(_GATHER_SECONDS)
        with self._lock:
            futures, self._new, self._task = self._new, [], None
        for start in range(0, len(futures), _MOST_TOGETHER):
            task = asyncio.create_task(self._follow(futures[start : start + _MOST_TOGETHER]))
            _tasks.add(task)
            task.add_done_callback(_tasks.discard)

    async def _follow(self, futures: list[BackgroundFuture[Any]]) -> None:
        waiting: dict[str, list[BackgroundFuture[Any]]] = {}
        for future in futures:
            waiting.setdefault(future.task_run_id, []).append(future)
        pause = _PAUSE_SECONDS
        while waiting:
            request = background_task_pb2.FollowBackgroundTasksRequest(task_run_ids=list(waiting))
            try:
                async for response in self._client.aio.background_tasks.FollowBackgroundTasks(request):
                    pause = _PAUSE_SECONDS
                    for run in response.task_runs:
                        for future in waiting.get(run.task_run_id, ()):
                            future._seen(run)
                        if state_from_proto(run.state).is_final():
                            waiting.pop(run.task_run_id, None)
                if waiting:
                    # The server knows no such runs, or not yet: a flow's process may still be telling it.
                    logger.debug("%d task runs are not known to the server", len(waiting))
            except (errors.HeadraceError, grpc.aio.AioRpcError) as error:
                fault = status.from_rpc_error(error) if isinstance(error, grpc.aio.AioRpcError) else error
                if not isinstance(fault, errors.Unavailable | errors.DeadlineExceeded):
                    logger.error("Task runs cannot be followed, so nobody learns their results here: %s", fault)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


_followers: dict[int, tuple[Client, _Follower]] = {}
_followers_lock = threading.Lock()
_tasks: set[asyncio.Task[None]] = set()


def _follower_of(client: Client) -> _Follower:
    with _followers_lock:
        known = _followers.get(id(client))
        if known is None or known[0] is not client:
            # Only the current connection is of use.
            _followers.clear()
            known = _followers[id(client)] = client, _Follower(client)
        return known[1]
