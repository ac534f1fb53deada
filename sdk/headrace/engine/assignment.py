"""Executing a flow run that a worker gave to this process: everything is there already, so user code starts at once.

Importing this module opens nothing and starts nothing, so that a process that has imported it can be forked. It
loads what most flows need, for a fork to find it loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import importlib
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from headrace import artifacts, errors, runtime, tasks, variables
from headrace.api.v1 import flow_run_pb2, worker_pb2
from headrace.client import get_client
from headrace.client.discovery import System
from headrace.context import current_run
from headrace.engine.backend import Backend
from headrace.engine.connection import close_backends, connect_backend, use_backend
from headrace.engine.ending import failed
from headrace.engine.flow_engine import Assignment
from headrace.engine.hooks import call_hooks
from headrace.engine.judging import describe_error
from headrace.engine.loading import load_flow
from headrace.engine.runs import FlowRun
from headrace.logging import FLOW_RUNS, configure_logging
from headrace.parameters import ParameterTypes
from headrace.recording.wire import mapping_of, state_from_proto
from headrace.settings import load_settings, use_settings
from headrace.states import State, StateType

if TYPE_CHECKING:
    from headrace.flows import Flow

logger = logging.getLogger(FLOW_RUNS)

WARM = (artifacts, runtime, tasks, variables)
"""Modules that flows import: a warm process has loaded them with this one, before it knows its flow."""

_STEP_FAILED = "STEP_FAILED"

_END_SECONDS = 120.0
"""How long hooks of a killed process wait for the run's end."""
_POLL_SECONDS = 0.2

EXIT_KNOWN = 0
"""The server knows how the run ended, or what is to become of it."""
EXIT_UNKNOWN = 1
"""The server could not be told."""
EXIT_LOST = 3
"""The run was given to another attempt while this process executed it."""


def execute_assignment(assignment: bytes, *, api_url: str, grpc_address: str, grpc_tls: bool = False) -> int:
    """Execute a flow run to its end, in the main thread of a process of its own.

    SIGTERM ends it: as CANCELLED if the run was asked to stop, else as CRASHED.

    Args:
        assignment: A serialized `headrace.api.v1.Assignment` whose run is RUNNING.
        api_url: The server's HTTP address.
        grpc_address: The server's gRPC address.
        grpc_tls: Whether it is reached over TLS.

    Returns:
        The exit code of the process: 0 if the server knows how the run ended.
    """
    message = worker_pb2.Assignment.FromString(assignment)
    with connected(api_url, grpc_address, grpc_tls) as backend:
        try:
            state = _execute(message, backend)
        except errors.HeadraceError as error:
            os.write(2, f"headrace: {describe_error(error)}\n".encode(errors="replace"))
            return EXIT_UNKNOWN
    return EXIT_LOST if isinstance(state.data, errors.LeaseLost) else EXIT_KNOWN


def call_late_hooks(assignment: bytes, *, api_url: str, grpc_address: str, grpc_tls: bool = False) -> int:
    """Call the hooks of a flow run whose process was killed before it could call them: on_cancellation or on_crashed.

    Waits until the server has the run's end; a run that is tried again calls nothing. Arguments as of
    `execute_assignment`.

    Returns:
        The exit code of the process: 0 if there was nothing to call, or all was called.
    """
    message = worker_pb2.Assignment.FromString(assignment)
    run = message.flow_run
    with connected(api_url, grpc_address, grpc_tls) as backend:
        try:
            ended = _ended(run.flow_run_id)
            if ended is None:
                return EXIT_KNOWN
            flow = load(message, backend)
        except (errors.HeadraceError, OSError) as error:
            os.write(2, f"headrace: hooks were not called: {describe_error(error)}\n".encode(errors="replace"))
            return EXIT_UNKNOWN
        options = flow.options
        hooks = {StateType.CRASHED: options.on_crashed, StateType.CANCELLED: options.on_cancellation}.get(ended.type)
        if hooks:
            shown = FlowRun.named(backend, flow_run_id=run.flow_run_id, name=run.name, flow_name=run.flow_name)
            shown.parameters = {**mapping_of(message.content.parameters), **mapping_of(run.parameters)}
            shown.tags, shown.run_count, shown.state = tuple(run.tags), run.run_count, ended
            token = current_run.set(shown)
            try:
                call_hooks(hooks, flow, shown, ended)
            finally:
                current_run.reset(token)
    return EXIT_KNOWN


def _ended(flow_run_id: str) -> State[Any] | None:
    """Return the state that a run has ended in; None if it goes on elsewhere, or nobody says so in time."""
    request = flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id)
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        state = state_from_proto(get_client().flow_runs.GetFlowRun(request).flow_run.state)
        if state.is_final() or state.is_scheduled() or state.is_pending():
            return state if state.is_final() else None
        time.sleep(_POLL_SECONDS)
    return None


@contextlib.contextmanager
def connected(api_url: str, grpc_address: str, grpc_tls: bool) -> Iterator[Backend]:
    """Be connected to the server that a worker named, for the block."""
    settings = dataclasses.replace(load_settings(), api_url=api_url, grpc_address=grpc_address)
    system = System(api_url=api_url, grpc_target=grpc_address, grpc_tls=grpc_tls)
    with use_settings(settings):
        # The worker keeps what is written to the standard streams as lines of the run: each line once.
        configure_logging(settings, to_console=False)
        backend = connect_backend(settings, system)
        with use_backend(backend):
            try:
                yield backend
            finally:
                close_backends()


def load(message: worker_pb2.Assignment, backend: Backend) -> Flow[..., Any]:
    """Return the flow of an assignment; its code is brought here if need be.

    Raises:
        errors.HeadraceError: It cannot be brought or loaded.
        OSError: Its folder is not there.
    """
    content = message.content
    if content.pull_steps:
        _pull(message, backend)
    elif content.path:
        os.chdir(content.path)
    return load_flow(content.entrypoint)


def _execute(message: worker_pb2.Assignment, backend: Backend) -> State[Any]:
    run, content = message.flow_run, message.content
    try:
        flow = load(message, backend)
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
