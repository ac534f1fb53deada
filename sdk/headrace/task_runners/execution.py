"""Executing the function of a task in another process than its flow run's."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from headrace.context import current_run, current_tags
from headrace.engine.arguments import resolve
from headrace.engine.backend import Backend
from headrace.engine.connection import use_backend
from headrace.engine.definitions import FlowDefinition, FlowOptions, TaskDefinition
from headrace.engine.guards import Deadline, current_guard
from headrace.engine.runs import CallCounters, FlowRun, TaskRun
from headrace.logging import capture_prints, configure_logging
from headrace.outcomes import CancelInterrupt, Interrupted, TimeoutInterrupt
from headrace.settings import Settings, load_settings, use_settings
from headrace.task_runners.jobs import (
    FlowFacts,
    Job,
    Outcome,
    Report,
    UnsentError,
    pack_outcome,
    this_process,
    unpack_job,
)
from headrace.task_runners.reporting import LINGER_SECONDS, Reporter, ReportingBackend, no_server
from headrace.task_runners.threads import ThreadTaskRunner

_current: dict[str, FlowRun] = {}
_lock = threading.Lock()


def interrupt_job(job_id: str, kind: type[Interrupted] = CancelInterrupt, reason: str = "") -> bool:
    """End the code of a job that this process executes; from any thread. Returns whether it executes it."""
    with _lock:
        host = _current.get(job_id)
    if host is None:
        return False
    host.stop(kind, reason or "the run was asked to stop")
    return True


def execute_job(data: bytes, send: Callable[[Sequence[Report]], None], *, linger: float = LINGER_SECONDS) -> bytes:
    """Execute a job in this thread.

    Args:
        data: What `pack_job` wrote.
        send: Sends reports to the flow run's process, one call at a time.
        linger: Seconds for which reports are gathered.

    Returns:
        What `pack_outcome` writes. Nothing of the user's code is raised.
    """
    reporter = Reporter(send, linger)
    try:
        flow, job, task = unpack_job(data, _find_modules)
    except Exception as error:
        failure = UnsentError(
            f"the task cannot be read in the process that should execute it: {type(error).__name__}: {error}. The "
            "modules of the flow have to be there, too."
        )
        failure.__cause__ = error
        return pack_outcome(Outcome(kind="error", value=failure))
    with contextlib.ExitStack() as stack:
        _prepare_process(flow, stack)
        outcome = _execute(job, flow, task, reporter)
    reporter.flush()
    return pack_outcome(dataclasses.replace(outcome, batches=reporter.batches))


def _find_modules(flow: FlowFacts) -> None:
    """Look for modules where the flow's process does, on the same machine."""
    host, process = this_process()
    if flow.origin[0] == host and flow.origin[1] != process:
        known = set(sys.path)
        sys.path.extend(folder for folder in flow.path if folder not in known)


def _prepare_process(flow: FlowFacts, stack: contextlib.ExitStack) -> None:
    settings = _settings_for(flow)
    if flow.origin != this_process():
        stack.enter_context(use_settings(settings))
        configure_logging(settings, to_console=flow.to_console)
        if not flow.api_url:
            stack.enter_context(use_backend(no_server()))


def _settings_for(flow: FlowFacts) -> Settings:
    settings = flow.settings or dataclasses.replace(
        load_settings(), logging_level=flow.logging_level, logging_extra_loggers=flow.logging_extra_loggers
    )
    if flow.api_url:
        known = settings.api_url == flow.api_url
        settings = dataclasses.replace(
            settings, api_url=flow.api_url, grpc_address=settings.grpc_address if known else None
        )
    return dataclasses.replace(settings, ephemeral_server=False, logging_to_server=True)


def _execute(job: Job, flow: FlowFacts, task: TaskDefinition, reporter: Reporter) -> Outcome:
    host = _host(flow, cast(Backend, ReportingBackend(reporter, flow.api_url)))
    run = TaskRun(task, host, None)
    run.task_run_id, run.name, run.dynamic_key = job.task_run_id, job.name, job.dynamic_key
    run.tags, run.run_count = job.run_tags, job.run_count
    run.counters = CallCounters.going_on(job.counts)
    host.earlier = job.earlier
    if run.log_prints:
        capture_prints()
    with _known(job.job_id, host), _in_context(run, job.tags):
        outcome = _call(host, run, job)
        if host.session is not None:
            # Whoever waits for the task may count on what it started.
            host.session.join()
            host.session.close()
            if outcome.kind == "value":
                outcome.value = resolve(outcome.value)
    outcome.counts = run.counters.counted()
    return outcome


def _call(host: FlowRun, run: TaskRun, job: Job) -> Outcome:
    task = run.definition
    guard = run.guard = current_guard()
    seconds = task.options.timeout_seconds
    deadline = Deadline(guard, seconds) if seconds is not None and not task.is_async else None
    try:
        try:
            if task.is_async:
                return Outcome(kind="value", value=asyncio.run(_awaited(host, task, job)))
            host.guard = guard
            host.check()
            guard.arm()
            value = task.fn(*job.args, **job.kwargs)
            if type(value) is types.GeneratorType:
                value = list(value)
        finally:
            guard.disarm()
            if deadline is not None:
                deadline.close()
        if deadline is not None and deadline.expired:
            return Outcome(kind="timed out")
        return Outcome(kind="value", value=value)
    except _AsyncTimeout:
        return Outcome(kind="timed out")
    except TimeoutInterrupt as error:
        if deadline is not None and deadline.expired:
            return Outcome(kind="timed out")
        return Outcome(kind="interrupted", value=str(error))
    except (Interrupted, KeyboardInterrupt, asyncio.CancelledError) as error:
        if host.stopping is None and not isinstance(error, Interrupted):
            return Outcome(kind="error", value=error)
        return Outcome(kind="interrupted", value=str(error))
    except BaseException as error:
        return Outcome(kind="error", value=error)
    finally:
        host.guard = None


class _AsyncTimeout(BaseException):
    """The time of an asynchronous task is over."""


async def _awaited(host: FlowRun, task: TaskDefinition, job: Job) -> Any:
    host.runs_on(asyncio.get_running_loop(), asyncio.current_task())
    host.check()
    timeout = asyncio.timeout(task.options.timeout_seconds)
    try:
        async with timeout:
            started = task.fn(*job.args, **job.kwargs)
            if task.kind == "async generator":
                return [item async for item in started]
            return await started
    except TimeoutError:
        if timeout.expired():
            raise _AsyncTimeout from None
        raise


def _host(flow: FlowFacts, backend: Backend) -> FlowRun:
    definition = FlowDefinition()
    definition.name = flow.flow_name
    definition.options = FlowOptions(version=flow.flow_version, task_runner=ThreadTaskRunner())
    host = FlowRun(
        definition,
        backend,
        flow_run_id=flow.flow_run_id,
        parameters=flow.parameters,
        tags=flow.tags,
        persists=flow.persists,
        log_prints=flow.log_prints,
        results_url=flow.results_url,
    )
    host.name, host.run_count, host.started_at = flow.name, flow.run_count, flow.started_at
    host.assignment = flow.assignment
    return host


@contextlib.contextmanager
def _known(job_id: str, host: FlowRun) -> Iterator[None]:
    with _lock:
        _current[job_id] = host
    try:
        yield
    finally:
        with _lock:
            _current.pop(job_id, None)


@contextlib.contextmanager
def _in_context(run: TaskRun, tags: frozenset[str]) -> Iterator[None]:
    tags_token, run_token = current_tags.set(tags), current_run.set(run)
    try:
        yield
    finally:
        current_run.reset(run_token)
        current_tags.reset(tags_token)
