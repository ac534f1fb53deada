"""Executing a flow run that a worker gave to this process: everything is there already, so user code starts at once.

Importing this module opens nothing and starts nothing, so that a process that has imported it can be forked. It
loads what most flows need, for a fork to find it loaded.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import importlib
import logging
import os
import sys
import traceback
from typing import Any

from headrace import artifacts, errors, runtime, tasks, variables
from headrace.api.v1 import worker_pb2
from headrace.client.discovery import System
from headrace.context import current_run
from headrace.engine.backend import Backend
from headrace.engine.connection import close_backends, connect_backend, use_backend
from headrace.engine.ending import failed
from headrace.engine.flow_engine import Assignment
from headrace.engine.judging import describe_error
from headrace.engine.loading import load_flow
from headrace.engine.runs import FlowRun
from headrace.logging import FLOW_RUNS, configure_logging
from headrace.parameters import ParameterTypes
from headrace.recording.wire import mapping_of
from headrace.settings import load_settings, use_settings
from headrace.states import State

logger = logging.getLogger(FLOW_RUNS)

WARM = (artifacts, runtime, tasks, variables)
"""Modules that flows import."""

_STEP_FAILED = "STEP_FAILED"

EXIT_KNOWN = 0
"""The server knows how the run ended, or what is to become of it."""
EXIT_UNKNOWN = 1
"""The server could not be told."""
EXIT_LOST = 3
"""The run was given to another attempt while this process executed it."""


def execute_assignment(assignment: bytes, *, api_url: str, grpc_address: str) -> int:
    """Execute a flow run to its end, in the main thread of a process of its own.

    SIGTERM ends it: as CANCELLED if the run was asked to stop, else as CRASHED.

    Args:
        assignment: A serialized `headrace.api.v1.Assignment` whose run is RUNNING.
        api_url: The server's HTTP address.
        grpc_address: The server's gRPC address.

    Returns:
        The exit code of the process: 0 if the server knows how the run ended.
    """
    message = worker_pb2.Assignment.FromString(assignment)
    settings = dataclasses.replace(load_settings(), api_url=api_url, grpc_address=grpc_address)
    system = System(api_url=api_url, grpc_target=grpc_address, grpc_tls=api_url.startswith("https:"))
    with use_settings(settings):
        # The worker keeps what is written to the standard streams as lines of the run: each line once.
        configure_logging(settings, to_console=False)
        backend = connect_backend(settings, system)
        with use_backend(backend):
            try:
                state = _execute(message, backend)
            except errors.HeadraceError as error:
                os.write(2, f"headrace: {describe_error(error)}\n".encode(errors="replace"))
                return EXIT_UNKNOWN
            finally:
                close_backends()
    return EXIT_LOST if isinstance(state.data, errors.LeaseLost) else EXIT_KNOWN


def _execute(message: worker_pb2.Assignment, backend: Backend) -> State[Any]:
    run, content = message.flow_run, message.content
    try:
        if content.pull_steps:
            _pull(message, backend)
        elif content.path:
            os.chdir(content.path)
        flow = load_flow(content.entrypoint)
        parameters = {**mapping_of(content.parameters), **mapping_of(run.parameters)}
        execution = flow.assigned(parameters, _assignment_of(message))
    except (errors.HeadraceError, OSError, TypeError) as error:
        return _fail_early(message, backend, error)
    started = flow.execute(execution)
    state: State[Any] = asyncio.run(started) if asyncio.iscoroutine(started) else started
    return state


def _pull(message: worker_pb2.Assignment, backend: Backend) -> None:
    """Bring the code here; the steps' last folder is the current one then, and modules are found from it."""
    run = message.flow_run
    shown = FlowRun.named(backend, flow_run_id=run.flow_run_id, name=run.name, flow_name=run.flow_name)
    token = current_run.set(shown)
    try:
        # Imported where there are any: a run without steps starts sooner.
        steps = importlib.import_module("headrace.steps.running")
        steps.run_steps([steps.Step.from_proto(step) for step in message.content.pull_steps], logger=logger)
    finally:
        current_run.reset(token)
    sys.path.insert(0, os.getcwd())


def _assignment_of(message: worker_pb2.Assignment) -> Assignment:
    run = message.flow_run
    scheduled_at = run.expected_start_at.ToDatetime(datetime.UTC) if run.HasField("expected_start_at") else None
    return Assignment(
        flow_run_id=run.flow_run_id,
        name=run.name,
        token=message.attempt.token,
        run_count=max(1, run.run_count),
        attempt_number=message.attempt.number,
        tags=tuple(run.tags),
        deployment={
            "id": run.deployment_id,
            "name": run.deployment_name,
            "version": message.content.version,
            "parameters": mapping_of(message.content.parameters),
        },
        scheduled_start_at=scheduled_at,
        parent_flow_run_id=run.parent_flow_run_id,
        root_flow_run_id=run.root_flow_run_id,
        job_variables=mapping_of(run.job_variables),
        passed=frozenset(run.retry_policy.pause_keys),
    )


def _fail_early(message: worker_pb2.Assignment, backend: Backend, error: Exception) -> State[Any]:
    """Let a run fail whose user code was not reached; but for its steps, another try would fail the same way."""
    run = message.flow_run
    state = failed(error)
    if state.details is not None:
        state.details.retriable = getattr(error, "reason", "") == _STEP_FAILED
        state.details.traceback = "".join(traceback.format_exception(error))
    shown = FlowRun.named(backend, flow_run_id=run.flow_run_id, name=run.name, flow_name=run.flow_name)
    token = current_run.set(shown)
    try:
        logger.error("Flow run %r failed before its code was reached: %s", run.name, error, exc_info=error)
    finally:
        current_run.reset(token)
    backend.propose(run.flow_run_id, message.attempt.token, state).result()
    return state


def _warm_up(number: int, text: str) -> None:
    """Have parameters of which the types are looked at when this module is imported: the first ones cost 60 ms."""


ParameterTypes(_warm_up).validate({"number": 1, "text": ""})
