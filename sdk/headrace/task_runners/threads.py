"""The default task runner: threads of the flow's process."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterator

from headrace import errors
from headrace.engine.submission import SubmittedTask
from headrace.futures import thread_role
from headrace.outcomes import Interrupted
from headrace.settings import get_settings
from headrace.task_runners.base import MAX_UNFINISHED, RunnerSession, TaskRunner


class ThreadTaskRunner(TaskRunner):
    """Runs submitted tasks in threads of the flow's process, asynchronous ones on an event loop of their own.

    Args:
        max_workers: How many run at once; by default the setting `HEADRACE_TASK_RUNNER_MAX_WORKERS`. A task that
            waits for the future of another does not count while it waits.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and max_workers < 1:
            raise errors.InvalidArgument.of_field("max_workers", "must be at least 1")
        self.max_workers = max_workers

    def __repr__(self) -> str:
        return f"ThreadTaskRunner(max_workers={self.max_workers})"

    def start(self) -> RunnerSession:
        """Return a session; threads are made as jobs come."""
        return ThreadSession(self.max_workers or get_settings().task_runner_max_workers)


class ThreadSession:
    """Runs jobs in threads that are made as jobs come.

    Args:
        max_workers: How many jobs run at once.
    """

    def __init__(self, max_workers: int) -> None:
        self._jobs: queue.SimpleQueue[SubmittedTask | None] = queue.SimpleQueue()
        self._max_threads = max_workers
        self._max_workers = max_workers
        self._lock = threading.Lock()
        self._unfinished: set[SubmittedTask] = set()
        self._changed = threading.Condition(self._lock)
        self._waiters = 0
        self._idle = 0
        self._threads: list[threading.Thread] = []
        self._running: dict[threading.Thread, SubmittedTask] = {}
        self._loop: _TaskLoop | None = None
        self._closed = False

    def add(self, job: SubmittedTask) -> None:
        """Count a job; waits while there are too many."""
        # A worker must not wait for others to finish: they may be waiting for it.
        may_wait = thread_role.blocking is None and not thread_role.event_loop_reason
        with self._lock:
            while may_wait and len(self._unfinished) >= MAX_UNFINISHED:
                self._wait()
            self._unfinished.add(job)

    def enqueue(self, job: SubmittedTask) -> None:
        """Run a job as soon as there is room."""
        if job.is_async:
            self._task_loop().start(job)
            return
        self._put(job)

    def _put(self, job: SubmittedTask) -> None:
        self._jobs.put(job)
        if self._jobs.qsize() > self._idle and len(self._threads) < self._max_threads:
            self._start_thread()

    def finished(self, job: SubmittedTask) -> None:
        """Learn that a job is over."""
        with self._lock:
            self._unfinished.discard(job)
            if self._waiters and (not self._unfinished or len(self._unfinished) == MAX_UNFINISHED - 1):
                self._changed.notify_all()

    def cancel_pending(self, reason: str) -> None:
        """End all jobs that have not started."""
        with self._lock:
            jobs = list(self._unfinished)
        for job in jobs:
            job.cancel(reason)

    def interrupt(self, kind: type[Interrupted]) -> None:
        """End all jobs: those that wait, and those that run."""
        self.cancel_pending("the flow run was stopped")
        for job in list(self._running.values()):
            if job.guard is not None:
                job.guard.interrupt(kind)
        if self._loop is not None:
            self._loop.cancel()

    def join(self) -> None:
        """Wait until no job is left."""
        with self._lock:
            while self._unfinished:
                self._wait()

    def close(self) -> None:
        """Let the threads go. No job is left."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        if self._loop is not None:
            self._loop.stop()

    @contextlib.contextmanager
    def release(self) -> Iterator[None]:
        """Let another thread stand in for this one while it waits for a future."""
        with self._lock:
            self._max_threads += 1
        if not self._jobs.empty():
            self._start_thread()
        try:
            yield
        finally:
            with self._lock:
                self._max_threads -= 1

    def _wait(self) -> None:
        self._waiters += 1
        try:
            self._changed.wait()
        finally:
            self._waiters -= 1

    def _task_loop(self) -> _TaskLoop:
        with self._lock:
            if self._loop is None:
                self._loop = _TaskLoop(self._max_workers)
            return self._loop

    def _start_thread(self) -> None:
        with self._lock:
            if self._closed or len(self._threads) >= self._max_threads:
                return
            thread = threading.Thread(target=self._work, name=f"headrace-task-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        thread_role.blocking = self
        thread = threading.current_thread()
        jobs, running = self._jobs, self._running
        while True:
            try:
                job = jobs.get_nowait()
            except queue.Empty:
                if not self._stay(thread):
                    return
                job = jobs.get()
                with self._lock:
                    self._idle -= 1
            if job is None:
                return
            running[thread] = job
            try:
                self._execute(job)
            except Interrupted:
                # Came when the job was over already.
                pass
            finally:
                running.pop(thread, None)
            del job

    def _execute(self, job: SubmittedTask) -> None:
        job.execute()

    def _stay(self, thread: threading.Thread) -> bool:
        with self._lock:
            # Threads that stood in for others which waited are let go.
            if len(self._threads) > self._max_threads:
                self._threads.remove(thread)
                return False
            self._idle += 1
            return True


class _TaskLoop:
    """An event loop in a thread for submitted coroutine functions, so many at once."""

    def __init__(self, max_workers: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._room = asyncio.Semaphore(max_workers)
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._serve, name="headrace-async-tasks", daemon=True)
        self._thread.start()

    def start(self, job: SubmittedTask) -> None:
        self._loop.call_soon_threadsafe(self._start, job)

    def cancel(self) -> None:
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _start(self, job: SubmittedTask) -> None:
        context = job.context
        if context is None:
            return
        task = self._loop.create_task(self._run(job), context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, job: SubmittedTask) -> None:
        try:
            await self._room.acquire()
        except asyncio.CancelledError:
            job.cancel("the flow run was stopped")
            raise
        try:
            await job.execute_on_loop()
        finally:
            self._room.release()

    def _serve(self) -> None:
        thread_role.event_loop_reason = "asynchronous tasks share one event loop, which waiting would stop"
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
