"""One assignment, from its arrival to the result that the server stores."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from headrace import errors, tracing
from headrace.api.v1 import log_pb2, worker_pb2
from headrace.worker import output
from headrace.worker.entering import Proposer, enter_running
from headrace.worker.job import API_KEY, Job
from headrace.worker.launcher import Launcher, RunProcess

logger = logging.getLogger("headrace.worker")

DEFAULT_GRACE_SECONDS = 30.0
"""How long a process may take to stop by itself when the server does not say."""

_ENDING_SECONDS = 300.0
"""How long the process of a run that has ended may go on, for its hooks."""

_HOOKS_SECONDS = 600.0
"""How long hooks may take that are called for a process that was killed."""

_SPOKEN = frozenset({0, 1, 3, 128 + signal.SIGTERM})
"""Exit codes of processes that came to their end by themselves, with their hooks called."""

_calling: set[asyncio.Task[None]] = set()

_OUTPUT_SECONDS = 5.0
"""How long to wait for the rest of the output after the process has ended: what it started may hold the pipe."""


class RunLog(Protocol):
    """Where lines about and of a run go."""

    def write(self, flow_run_id: str, level: int, message: str, source: log_pb2.LogSource.ValueType) -> None:
        """Keep one line; never blocks and never raises."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How executions reach what they need; the same for all runs of a worker."""

    launcher: Launcher
    propose: Proposer
    log: RunLog
    job: Callable[[worker_pb2.Assignment], Job]
    credential: Callable[[worker_pb2.Assignment], Awaitable[str]] | None = None
    """Returns what the run proves itself with; None where the server asks nobody who they are."""

    async def prepare(self, assignment: worker_pb2.Assignment, traceparent: str = "") -> Job:
        """Return the job of an assignment, with what its process proves itself with.

        Args:
            assignment: The assignment.
            traceparent: The trace context that its process begins in.

        Raises:
            errors.HeadraceError: The server gives it nothing to prove itself with.
        """
        job = self.job(assignment)
        credential = await self.credential(assignment) if self.credential is not None else ""
        told = {name: value for name, value in ((API_KEY, credential), (tracing.VARIABLE, traceparent)) if value}
        if not told:
            return job
        # What the pool or the deployment says goes before.
        return dataclasses.replace(job, environment={**told, **job.environment})


@dataclass(eq=False)
class RunExecution:
    """Sees one assignment through."""

    assignment: worker_pb2.Assignment
    with_: Execution
    adopted: RunProcess | None = None
    """What executes the run already, started by a worker before this one."""
    process: RunProcess | None = None
    has_ended: bool = False
    """Whether the server has said that the run is over; its process may go on for a while, with hooks."""
    _grace_seconds: float = DEFAULT_GRACE_SECONDS
    _delay_seconds: float = 0.0
    _stream_output: bool = False
    _cancelled: bool = False
    _lost: bool = False
    _stopping: asyncio.Task[None] | None = None
    _stop_early: asyncio.Event = field(default_factory=asyncio.Event)
    _traceparent: str = ""

    @property
    def flow_run_id(self) -> str:
        """The flow run."""
        return self.assignment.flow_run.flow_run_id

    def cancel(self, grace_seconds: float) -> None:
        """Stop the run because somebody asked for it: politely first, after the grace by force."""
        self._cancelled = True
        self._stop(grace_seconds)

    def lose(self, *, has_ended: bool = False) -> None:
        """Stop the process because the run is no longer this worker's; nothing is reported.

        Args:
            has_ended: Whether the run was brought to its end. Then its process is about to end too, after hooks and
                the last of its output, and has some minutes for that.
        """
        self._lost = True
        self.has_ended = has_ended
        self._stop(DEFAULT_GRACE_SECONDS, delay_seconds=_ENDING_SECONDS if has_ended else 0.0)

    def give_way(self, seconds: float) -> None:
        """Let the process end because the next attempt of its run waits for that; nothing is reported.

        Args:
            seconds: How long it may take to end by itself before it is stopped.
        """
        self._lost = True
        self._stop(DEFAULT_GRACE_SECONDS, delay_seconds=seconds)

    def stop(self, grace_seconds: float) -> None:
        """Stop the process because the worker leaves."""
        self._stop(grace_seconds)

    async def run(self) -> worker_pb2.WorkerResult | None:
        """Execute; returns what to report, None if the run is no longer this worker's."""
        with tracing.assignment_span(self.assignment) as self._traceparent:
            return await self._run()

    async def _run(self) -> worker_pb2.WorkerResult | None:
        outcome: worker_pb2.WorkerOutcome.ValueType
        exit_code: int | None = None
        message = ""
        try:
            if self.adopted is not None:
                exit_code = await self._follow(self.adopted)
            else:
                try:
                    may_begin = await self._may_begin()
                except (errors.Unavailable, errors.DeadlineExceeded) as error:
                    # Nothing of it was started: it goes back to its queue, which counts as no failure.
                    logger.warning("The run %s is not executed now: %s", self.flow_run_id, error)
                    return None if self._lost else self._result(worker_pb2.WORKER_OUTCOME_RETURNED, None, str(error))
                if not may_begin:
                    return None if self._lost else self._result(worker_pb2.WORKER_OUTCOME_ENDED, None, "")
                exit_code = await self._execute()
            outcome, message = self._judge(exit_code)
        except errors.HeadraceError as error:
            outcome, message = worker_pb2.WORKER_OUTCOME_NOT_STARTED, str(error)
        except Exception as error:
            # Whatever it was, the run must not hang because of it.
            logger.exception("The run %s could not be executed.", self.flow_run_id)
            outcome, message = worker_pb2.WORKER_OUTCOME_NOT_STARTED, f"{type(error).__name__}: {error}"
        finally:
            if self._stopping is not None:
                self._stopping.cancel()
        if self._lost:
            return None
        if self._was_killed(exit_code):
            self._call_hooks_later()
        if message:
            told = self.process is not None and self.process.failure == message
            source = log_pb2.LOG_SOURCE_INFRASTRUCTURE if told else log_pb2.LOG_SOURCE_WORKER
            self.with_.log.write(self.flow_run_id, logging.ERROR, message, source)
        return self._result(outcome, exit_code, message)

    async def _may_begin(self) -> bool:
        """Return whether the run is to be executed; it is RUNNING then, unless its container sees to that."""
        if not self.with_.launcher.enters_running:
            return not self._stop_early.is_set()
        return await enter_running(self.with_.propose, self.assignment, self._stop_early)

    async def _execute(self) -> int:
        job = await self.with_.prepare(self.assignment, self._traceparent)
        async with _scratch_folder(job, is_wanted=bool(self.assignment.content.pull_steps)) as job:
            return await self._launch(job)

    async def _launch(self, job: Job) -> int:
        process = await self.with_.launcher.launch(job)
        self._stream_output = job.stream_output
        return await self._follow(process)

    async def _follow(self, process: RunProcess) -> int:
        """Take the output of a process until it has ended, and return its exit code."""
        self.process = process
        if self._stop_early.is_set():
            self._stopping = asyncio.create_task(self._terminate(process), name=f"stop-{self.flow_run_id}")
        outputs = [
            asyncio.create_task(output.forward_lines(process.stdout, log_pb2.LOG_SOURCE_STDOUT, self._keep_line)),
            asyncio.create_task(output.forward_lines(process.stderr, log_pb2.LOG_SOURCE_STDERR, self._keep_line)),
        ]
        try:
            exit_code = await process.wait()
            _done, late = await asyncio.wait(outputs, timeout=_OUTPUT_SECONDS)
            if late:
                logger.warning("What the run %s started still holds its output; it is left.", self.flow_run_id)
            return exit_code
        finally:
            for task in outputs:
                task.cancel()
            await asyncio.gather(*outputs, return_exceptions=True)

    def _was_killed(self, exit_code: int | None) -> bool:
        """Return whether the process ended without a word, so that it cannot have called its hooks."""
        return self.with_.launcher.enters_running and exit_code is not None and exit_code not in _SPOKEN

    def _call_hooks_later(self) -> None:
        """Let another process call the hooks as soon as the server has the end of the run."""
        task = asyncio.create_task(self._call_hooks(), name=f"hooks-{self.flow_run_id}")
        _calling.add(task)
        task.add_done_callback(_calling.discard)

    async def _call_hooks(self) -> None:
        self.process, self._stopping = None, None
        self._stop_early.clear()
        try:
            job = dataclasses.replace(await self.with_.prepare(self.assignment, self._traceparent), calls_hooks=True)
            async with _scratch_folder(job, is_wanted=bool(self.assignment.content.pull_steps)) as job:
                await asyncio.wait_for(self._launch(job), _HOOKS_SECONDS)
        except TimeoutError:
            logger.warning("The hooks of the run %s took too long and are killed.", self.flow_run_id)
            if self.process is not None:
                self.process.signal(signal.SIGKILL)
        except Exception:
            logger.exception("The hooks of the run %s could not be called.", self.flow_run_id)

    def _keep_line(self, line: str, source: log_pb2.LogSource.ValueType) -> None:
        level = logging.INFO if source == log_pb2.LOG_SOURCE_STDOUT else logging.WARNING
        self.with_.log.write(self.flow_run_id, level, line, source)
        if self._stream_output:
            sys.stdout.write(f"{self.assignment.flow_run.name} | {line}\n")

    def _stop(self, grace_seconds: float, *, delay_seconds: float = 0.0) -> None:
        self._grace_seconds = grace_seconds
        self._delay_seconds = delay_seconds
        self._stop_early.set()
        # A process that is only being started is stopped as soon as it exists.
        if self.process is not None and self._stopping is None:
            self._stopping = asyncio.create_task(self._terminate(self.process), name=f"stop-{self.flow_run_id}")

    async def _terminate(self, process: RunProcess) -> None:
        await asyncio.sleep(self._delay_seconds)
        if not self._lost:
            said = f"The worker asks the process to end, and kills it if it goes on for {self._grace_seconds:.0f} s."
            self.with_.log.write(self.flow_run_id, logging.INFO, said, log_pb2.LOG_SOURCE_WORKER)
        process.signal(signal.SIGTERM)
        await asyncio.sleep(self._grace_seconds)
        logger.warning("The run %s did not stop in %.0f s and is killed.", self.flow_run_id, self._grace_seconds)
        if not self._lost:
            said = f"The process did not stop in {self._grace_seconds:.0f} s and is killed."
            self.with_.log.write(self.flow_run_id, logging.WARNING, said, log_pb2.LOG_SOURCE_WORKER)
        process.signal(signal.SIGKILL)

    def _judge(self, exit_code: int) -> tuple[worker_pb2.WorkerOutcome.ValueType, str]:
        if self._cancelled:
            return worker_pb2.WORKER_OUTCOME_CANCELLED, ""
        if self.process is not None and self.process.failure:
            return worker_pb2.WORKER_OUTCOME_CRASHED, self.process.failure
        if exit_code == 0:
            return worker_pb2.WORKER_OUTCOME_ENDED, ""
        if exit_code < 0:
            with contextlib.suppress(ValueError):
                name = signal.Signals(-exit_code).name
                hint = " It may have run out of memory." if -exit_code == signal.SIGKILL else ""
                return worker_pb2.WORKER_OUTCOME_CRASHED, f"The process was ended by {name}.{hint}"
        return worker_pb2.WORKER_OUTCOME_CRASHED, f"The process ended with exit code {exit_code}."

    def _result(
        self, outcome: worker_pb2.WorkerOutcome.ValueType, exit_code: int | None, message: str
    ) -> worker_pb2.WorkerResult:
        return worker_pb2.WorkerResult(
            flow_run_id=self.flow_run_id,
            attempt_token=self.assignment.attempt.token,
            outcome=outcome,
            exit_code=exit_code,
            message=message,
        )


@contextlib.asynccontextmanager
async def _scratch_folder(job: Job, *, is_wanted: bool) -> AsyncIterator[Job]:
    """Give a run that brings its code along a folder of its own, unless it was told where to start."""
    if not is_wanted or job.working_directory is not None:
        yield job
        return
    # In threads: what a large repository leaves behind takes long to remove, and other runs must not wait for it.
    folder = await asyncio.to_thread(tempfile.mkdtemp, prefix="headrace-run-")
    try:
        yield dataclasses.replace(job, working_directory=folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
