"""Submitted tasks in processes of this machine, for code that computes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import cloudpickle

from headrace import errors
from headrace.engine.runs import FlowRun
from headrace.logging import writes_to_console
from headrace.outcomes import Interrupted, WorkerDied
from headrace.settings import get_settings
from headrace.task_runners.base import RunnerSession, TaskRunner
from headrace.task_runners.channel import BROKEN, INTERRUPT, JOB, OUTCOME, REPORTS, SETUP, STARTED, Channel
from headrace.task_runners.jobs import NotSendable, Outcome, Report, facts_of_flow, read_reports, unpack_outcome
from headrace.task_runners.remote import RemoteSession, Try

EXIT_SECONDS = 5.0
"""How long a process may take to end once there is nothing left to do."""


class ProcessPoolTaskRunner(TaskRunner):
    """Runs submitted tasks in processes of this machine, each in a fresh interpreter that is used again.

    Arguments and results have to be picklable. Functions and classes of the script itself are sent by value, so that
    no `if __name__ == "__main__"` is needed.

    Args:
        max_workers: How many processes; by default one for each processor.
        initializer: Called in each process before its first task.
        initargs: Its arguments.

    Raises:
        errors.InvalidArgument: `max_workers` is below 1.
    """

    def __init__(
        self,
        max_workers: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Sequence[Any] = (),
    ) -> None:
        if max_workers is not None and max_workers < 1:
            raise errors.InvalidArgument.of_field("max_workers", "must be at least 1")
        self.max_workers = max_workers
        self.initializer = initializer
        self.initargs = tuple(initargs)

    def __repr__(self) -> str:
        return f"ProcessPoolTaskRunner(max_workers={self.max_workers})"

    def start(self) -> RunnerSession:
        """Return a session; processes are started as tasks come."""
        try:
            initializer = cloudpickle.dumps((self.initializer, self.initargs))
        except Exception as error:
            raise NotSendable(f"the initializer cannot be sent to another process: {error}") from error
        workers = self.max_workers or os.cpu_count() or 1
        return RemoteSession(workers, lambda _: _Pool(initializer), _facts)


def _facts(run: FlowRun) -> bytes:
    return facts_of_flow(run, get_settings(), to_console=writes_to_console(), same_machine=True)


class _Pool:
    """Processes that wait for jobs. There are never more than threads that hand jobs over."""

    def __init__(self, initializer: bytes) -> None:
        self._initializer = initializer
        self._idle: list[_Worker] = []
        self._lock = threading.Lock()

    def launch(self, job_id: str, job: bytes, take: Callable[[Sequence[Report]], None]) -> Try:
        """Hand a job to a process."""
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                worker = _Worker(self._initializer)
                break
            if worker.is_alive():
                break
            worker.end()
        return _PoolTry(self, worker, job_id, job, take)

    def take_back(self, worker: _Worker) -> None:
        """Keep a process for the next job."""
        with self._lock:
            self._idle.append(worker)

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            workers, self._idle = self._idle, []
        for worker in workers:
            worker.channel.end()
        for worker in workers:
            worker.end()


class _Worker:
    def __init__(self, initializer: bytes) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # A new interpreter, so that nothing of this process's connections is inherited.
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headrace.task_runners.process_child", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
            )
        self.channel = Channel(ours)
        with contextlib.suppress(OSError):  # it is gone already, which whoever receives will learn
            self.channel.send(SETUP, cloudpickle.dumps((sys.path, initializer)))

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def end(self) -> None:
        self.channel.end()
        try:
            self.process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.channel.close()


class _PoolTry:
    def __init__(
        self, pool: _Pool, worker: _Worker, job_id: str, job: bytes, take: Callable[[Sequence[Report]], None]
    ) -> None:
        self._pool = pool
        self._worker = worker
        self._job_id = job_id
        self._take = take
        self._ended: Outcome | None = None
        self._expired = threading.Event()
        self._over = threading.Event()
        try:
            worker.channel.send(JOB, job)
        except OSError:
            self._ended = self._died()

    def begin(self) -> None:
        """Wait until it starts."""
        self._ended = self._ended or self._receive(until_started=True)

    def outcome(self, timeout: float | None) -> Outcome | None:
        """Wait for its end."""
        timer = None
        if timeout is not None and self._ended is None:
            timer = threading.Timer(timeout, self._expire)
            timer.daemon = True
            timer.start()
        try:
            found = self._ended or self._receive(until_started=False)
        finally:
            if timer is not None:
                timer.cancel()
            self._over.set()
        return None if found is None or (found.kind == "died" and self._expired.is_set()) else found

    def interrupt(self, kind: type[Interrupted]) -> None:
        """Ask its code to end."""
        with contextlib.suppress(OSError):
            self._worker.channel.send(INTERRUPT, cloudpickle.dumps((self._job_id, kind, "")))

    def abandon(self) -> None:
        """End its process."""
        if not self._over.is_set():
            self._worker.process.kill()

    def _expire(self) -> None:
        self._expired.set()
        self.abandon()

    def _receive(self, *, until_started: bool) -> Outcome | None:
        while True:
            message = self._worker.channel.receive()
            if message is None:
                return self._died()
            kind, content = message
            if kind == REPORTS:
                self._take(read_reports(content))
            elif kind == STARTED and until_started:
                return None
            elif kind == OUTCOME:
                self._pool.take_back(self._worker)
                return unpack_outcome(content)
            elif kind == BROKEN:
                self._worker.end()
                reason = f"a process of the pool could not be used: {content.decode(errors='replace')}"
                return Outcome(kind="error", value=WorkerDied(reason))

    def _died(self) -> Outcome:
        self._worker.end()
        code = self._worker.process.returncode
        how = f"by {_signal_name(-code)}" if code < 0 else f"with exit code {code}"
        return Outcome(kind="died", value=f"the process that executed the task ended {how}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
