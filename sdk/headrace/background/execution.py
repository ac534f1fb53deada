"""Executing one queued call: a task run without a flow run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from headrace.api.v1 import task_run_pb2
from headrace.context import current_run
from headrace.engine.backend import Backend
from headrace.engine.connection import use_backend
from headrace.engine.definitions import TaskDefinition
from headrace.engine.guards import current_guard
from headrace.engine.judging import FINAL_CODES, fail
from headrace.engine.runs import FlowRun, TaskRun
from headrace.engine.task_engine import TaskCall
from headrace.errors import FailedPrecondition, HeadraceError
from headrace.outcomes import Interrupted
from headrace.settings import Settings, use_settings

logger = logging.getLogger("headrace.background")


class BackgroundRun:
    """One delivery of a background task.

    Args:
        task: What is called.
        run: The task run, with the state that it is in.
        attempt: The right to record it.
        parameters: Reads the arguments, keyword arguments and what is waited for.
        backend: Where it is recorded.
        settings: What holds where the task says nothing.
    """

    def __init__(
        self,
        task: TaskDefinition,
        run: task_run_pb2.TaskRun,
        attempt: task_run_pb2.RecordAttempt,
        parameters: Callable[[], Any],
        backend: Backend,
        settings: Settings,
    ) -> None:
        self.task_run_id = run.task_run_id
        self.attempt = attempt
        self._task = task
        self._told = run
        self._parameters = parameters
        self._backend = backend
        self._settings = settings
        # Stands where a flow run would, under the name of the task run. Its result is kept, as who asks for it is
        # another process.
        self._host = FlowRun(
            None,
            backend,
            flow_run_id=run.task_run_id,
            parameters={},
            tags=(),
            persists=True,
            log_prints=settings.log_prints,
            results_url=settings.results_url,
        )
        self._host.attempt.token = attempt.token
        backend.attach(self._host.attempt)

    def stop(self, kind: type[Interrupted], reason: str) -> None:
        """End its code; from any thread."""
        self._host.stop(kind, reason)

    def discard(self) -> None:
        """Let it be, without having begun."""
        self._backend.detach(self._host.attempt)

    def execute(self) -> None:
        """Run to the end in this thread, and return when the server knows how it ended."""
        try:
            with use_settings(self._settings), use_backend(self._backend):
                self._execute()
            self._backend.flush().result()
        except HeadraceError as error:
            # The lease runs out, and another server gets the call.
            logger.error("Background task %r could not be recorded: %s", self._told.name, error)
        finally:
            self._backend.detach(self._host.attempt)

    def _execute(self) -> None:
        host = self._host
        token = current_run.set(host)
        try:
            try:
                args, kwargs, wait_for = self._parameters()
                call = TaskCall(self._task, args, kwargs, wait_for, lambda: self._backend)
            except Exception as error:
                self._fail(error)
                return
            self._take_over(call.run)
            try:
                if self._task.is_async:
                    asyncio.run(self._on_loop(call))
                else:
                    host.guard = current_guard()
                    call.run_here()
            except BaseException as error:
                self._seen(call.run, error)
            finally:
                host.guard = None
        finally:
            current_run.reset(token)

    async def _on_loop(self, call: TaskCall) -> None:
        self._host.runs_on(asyncio.get_running_loop(), asyncio.current_task())
        self._host.check()
        await call.run_on_loop()

    def _take_over(self, run: TaskRun) -> None:
        """Go on with the run as the server has it."""
        told = self._told
        run.task_run_id, run.name, run.dynamic_key = told.task_run_id, told.name, told.dynamic_key
        run.tags, run.version, run.run_count = tuple(told.tags), told.state.version, told.run_count
        # Described when it was queued.
        run.spec_is_told = True

    def _seen(self, run: TaskRun, error: BaseException) -> None:
        if run.code in FINAL_CODES or run.attempt.is_lost or isinstance(error, Interrupted | asyncio.CancelledError):
            return
        # Not the user's code, whose errors are judged: the engine itself.
        logger.error("Background task %r could not be executed", run.name, exc_info=error)
        fail(run, error if isinstance(error, Exception) else RuntimeError(repr(error)))

    def _fail(self, error: Exception) -> None:
        run = TaskRun(self._task, self._host, None)
        self._take_over(run)
        failure = FailedPrecondition(f"the call cannot be made here: {type(error).__name__}: {error}")
        failure.__cause__ = error
        fail(run, failure)
