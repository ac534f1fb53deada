"""The task server: takes calls off its stream and executes them in threads."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import queue
import random
import socket
import threading
from collections.abc import AsyncIterator, Sequence
from typing import Any

import cloudpickle
import grpc.aio

from headrace import __version__, errors
from headrace.api.v1 import background_task_pb2, task_run_pb2
from headrace.background.execution import BackgroundRun
from headrace.client import Client, get_client
from headrace.engine.backend import Backend
from headrace.engine.connection import get_backend
from headrace.engine.definitions import TaskDefinition
from headrace.outcomes import CancelInterrupt, LeaseLostInterrupt
from headrace.recording.identifiers import new_id
from headrace.recording.wire import reference_from_proto
from headrace.results import read_result
from headrace.rpc import status
from headrace.settings import get_settings

logger = logging.getLogger("headrace.background")

MOST_SLOTS = 10_000
_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 3.0
_HEARTBEAT_SECONDS = 5.0

Request = background_task_pb2.ServeBackgroundTasksRequest


class TaskServer:
    """Executes queued calls of tasks.

    Args:
        tasks: What it serves.
        limit: How many calls at once.
        name: For people; by default host and process.

    Raises:
        errors.InvalidArgument: There is nothing to serve, or the limit is out of bounds.
    """

    def __init__(self, tasks: Sequence[TaskDefinition], *, limit: int = 10, name: str | None = None) -> None:
        if not 1 <= limit <= MOST_SLOTS:
            raise errors.InvalidArgument.of_field("limit", f"must be from 1 to {MOST_SLOTS}")
        self._tasks = {task.facts.task_key: task for task in checked(tasks)}
        self._limit = limit
        self._name = name or f"{socket.gethostname()}:{os.getpid()}"
        self._server_id = new_id()
        self._settings = get_settings()
        self._jobs: queue.SimpleQueue[BackgroundRun | None] = queue.SimpleQueue()
        self._running: dict[str, BackgroundRun] = {}
        self._lock = threading.Lock()
        self._received = 0
        self._outgoing: asyncio.Queue[Request] = asyncio.Queue(maxsize=1000)
        self._changed = asyncio.Event()
        self._ending = threading.Event()
        self._closing = threading.Event()
        self._over = threading.Event()
        self._client: Client | None = None
        self._backend: Backend | None = None
        self.connected = threading.Event()
        """Set while the stream stands."""

    @property
    def is_ending(self) -> bool:
        """Whether nothing new is taken."""
        return self._ending.is_set()

    def run(self) -> None:
        """Serve until `end` is called and everything that has begun is over.

        Raises:
            errors.HeadraceError: There is no server, or it refuses this one.
        """
        self._backend = get_backend(self._settings)
        self._client = client = get_client(self._settings)
        threads: list[threading.Thread] = []
        conversation = client.thread.submit(self._converse_forever())
        conversation.add_done_callback(lambda _: self._over.set())
        logger.info("Serving %s, %d calls at once", ", ".join(sorted(self._tasks)), self._limit)
        try:
            for number in range(self._limit):
                thread = threading.Thread(target=self._work, name=f"headrace-background-{number}", daemon=True)
                thread.start()
                threads.append(thread)
            while not self._over.is_set():
                # In slices, so that signal handlers run on every platform.
                self._over.wait(0.5)
                if self._ending.is_set() and not self._has_work():
                    break
        finally:
            self._ending.set()
            for _ in threads:
                self._jobs.put(None)
            if conversation.done() and not conversation.cancelled():
                conversation.result()
            self._stop_conversation(conversation)

    def end(self) -> None:
        """Take nothing new, and end when what has begun is over; from any thread and from signal handlers."""
        self._ending.set()
        self._tell()

    def abort(self) -> None:
        """End at once; what was being executed goes to another server."""
        self._ending.set()
        with self._lock:
            running, self._running = list(self._running.values()), {}
        for run in running:
            run.stop(LeaseLostInterrupt, "the task server was ended")
        self._give_back([run.attempt for run in running])
        self._over.set()

    def _has_work(self) -> bool:
        with self._lock:
            return bool(self._running)

    # In threads.

    def _work(self) -> None:
        while (run := self._jobs.get()) is not None:
            try:
                run.execute()
            except Exception:
                logger.exception("Background task %s could not be executed", run.task_run_id)
            finally:
                with self._lock:
                    self._running.pop(run.task_run_id, None)
                self._tell()
            del run

    def _tell(self) -> None:
        """Let the server know how much more is taken."""
        if self._client is not None:
            with contextlib.suppress(RuntimeError):  # the connection is closed
                self._client.thread.loop.call_soon_threadsafe(self._changed.set)

    def _give_back(self, attempts: Sequence[task_run_pb2.RecordAttempt]) -> None:
        if not attempts or self._client is None:
            return
        request = Request(give_back=background_task_pb2.TaskServerReturn(attempts=attempts))
        with contextlib.suppress(RuntimeError):
            self._client.thread.loop.call_soon_threadsafe(self._post, request)

    def _stop_conversation(self, conversation: concurrent.futures.Future[None]) -> None:
        """End the stream in order, so that the server has read what was said last."""
        if self._client is None or conversation.done():
            return
        self._closing.set()
        self._tell()
        try:
            conversation.result(_HEARTBEAT_SECONDS)
        except (TimeoutError, errors.HeadraceError):
            conversation.cancel()

    # On the client's loop.

    def _post(self, request: Request) -> None:
        try:
            self._outgoing.put_nowait(request)
            self._changed.set()
        except asyncio.QueueFull:
            logger.warning("The server takes no messages; one was dropped, and the lease does the rest.")

    async def _converse_forever(self) -> None:
        pause = _PAUSE_SECONDS
        while True:
            try:
                await self._converse()
                pause = _PAUSE_SECONDS
            except (errors.HeadraceError, grpc.aio.AioRpcError) as error:
                fault = status.from_rpc_error(error) if isinstance(error, grpc.aio.AioRpcError) else error
                if not isinstance(fault, errors.Unavailable | errors.DeadlineExceeded | errors.Aborted):
                    raise fault from error
                logger.warning("The server does not answer: %s. Trying again.", fault)
            finally:
                self.connected.clear()
            if self._closing.is_set():
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _converse(self) -> None:
        client = self._client
        if client is None:
            return
        self._received = 0
        self._changed.set()
        call = client.aio.background_tasks.ServeBackgroundTasks(self._requests())
        async for response in call:
            kind = response.WhichOneof("message")
            if kind == "welcome":
                self.connected.set()
            elif kind == "assignments":
                self._received += len(response.assignments.assignments)
                self._take(response.assignments.assignments)
            elif kind == "cancel":
                with self._lock:
                    run = self._running.get(response.cancel.task_run_id)
                if run is not None:
                    run.stop(CancelInterrupt, "it was cancelled")

    async def _requests(self) -> AsyncIterator[Request]:
        yield Request(
            hello=background_task_pb2.TaskServerHello(
                server_id=self._server_id,
                name=self._name,
                task_keys=list(self._tasks),
                slots=self._limit,
                client_version=__version__,
            )
        )
        while True:
            while not self._outgoing.empty():
                yield self._outgoing.get_nowait()
            if self._closing.is_set():
                return
            self._changed.clear()
            with self._lock:
                free = 0 if self._ending.is_set() else self._limit - len(self._running)
            yield Request(ready=background_task_pb2.TaskServerReady(free=max(0, free), received=self._received))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT_SECONDS):
                    await self._changed.wait()

    def _take(self, assignments: Sequence[background_task_pb2.BackgroundAssignment]) -> None:
        refused: list[task_run_pb2.RecordAttempt] = []
        for assignment in assignments:
            run = self._run_of(assignment)
            with self._lock:
                is_taken = (
                    run is not None
                    and not self._ending.is_set()
                    and len(self._running) < self._limit
                    and assignment.task_run.task_run_id not in self._running
                )
                if is_taken and run is not None:
                    self._running[run.task_run_id] = run
            if is_taken:
                # From now on the lease is renewed, even before a thread has begun.
                self._jobs.put(run)
            else:
                if run is not None:
                    run.discard()
                refused.append(_attempt_of(assignment))
        if refused:
            self._post(Request(give_back=background_task_pb2.TaskServerReturn(attempts=refused)))
            self._changed.set()

    def _run_of(self, assignment: background_task_pb2.BackgroundAssignment) -> BackgroundRun | None:
        task = self._tasks.get(assignment.task_run.task_key)
        if task is None or self._backend is None:
            return None
        return BackgroundRun(
            task,
            assignment.task_run,
            _attempt_of(assignment),
            lambda: _parameters_of(assignment),
            self._backend,
            self._settings,
        )


def checked(tasks: Sequence[object]) -> tuple[TaskDefinition, ...]:
    """Return tasks that can be served.

    Raises:
        errors.InvalidArgument: There are none, one is no task, or two have the same key.
    """
    if not tasks:
        raise errors.InvalidArgument("Nothing to serve: give at least one task.")
    found: dict[str, TaskDefinition] = {}
    for item in tasks:
        if not isinstance(item, TaskDefinition):
            raise errors.InvalidArgument(f"{item!r} is not a task; decorate the function with @task.")
        if found.setdefault(item.facts.task_key, item) is not item:
            raise errors.InvalidArgument(f"two tasks have the key {item.facts.task_key}; serve one of them.")
    return tuple(found.values())


def _attempt_of(assignment: background_task_pb2.BackgroundAssignment) -> task_run_pb2.RecordAttempt:
    return task_run_pb2.RecordAttempt(flow_run_id=assignment.task_run.task_run_id, token=assignment.token)


def _parameters_of(assignment: background_task_pb2.BackgroundAssignment) -> Any:
    reference = reference_from_proto(assignment.parameters_reference)
    return cloudpickle.loads(assignment.parameters) if reference is None else read_result(reference)
