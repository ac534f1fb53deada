"""Starts runs of deployments; within a flow as subflows of it, which a task run of the flow stands for."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import time
from collections.abc import Iterable, Mapping
from typing import Any

from headrace import context, errors
from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace.client import Client, get_client
from headrace.client.finality import is_final
from headrace.deployments.plain import fill_struct
from headrace.engine.arguments import Upstream, resolve
from headrace.engine.definitions import TaskDefinition, TaskOptions
from headrace.engine.runs import FlowRun, TaskRun
from headrace.ids import uuid7
from headrace.outcomes import CancelInterrupt, CrashedRun, FailedRun, Interrupted, LeaseLostInterrupt, TimeoutInterrupt
from headrace.recording.facts import CANCELLED, CODES, COMPLETED, FAILED
from headrace.recording.wire import state_from_proto
from headrace.states import State, StateDetails

_RETRY_SECONDS = 0.5
_MOST_ATTEMPTS = 100
_STOPPED = (CancelInterrupt, TimeoutInterrupt, asyncio.CancelledError)
"""What ends the child, too. A parent that was interrupted otherwise is executed again, and finds the child."""


def run_deployment(
    name: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    scheduled_at: datetime.datetime | None = None,
    flow_run_name: str = "",
    tags: Iterable[str] = (),
    idempotency_key: str = "",
    work_queue_name: str = "",
    job_variables: Mapping[str, Any] | None = None,
    deployment_version_id: str = "",
    timeout_seconds: float | None = None,
    as_subflow: bool = True,
) -> flow_run_pb2.FlowRun:
    """Start a run of a deployment and wait until it has ended.

    Within a flow it is a subflow: a task run of the flow stands for it, it is cancelled with the flow, and a flow
    that is executed again goes on with the run that it has started before, unless that has failed.

    Args:
        name: `flow/deployment`, or the deployment's id.
        parameters: On top of the deployment's. Futures among them are waited for.
        scheduled_at: When; now if not given.
        flow_run_name: The run's name.
        tags: Words to find it by, beside the deployment's.
        idempotency_key: A second call with the same key returns the first run.
        work_queue_name: A queue other than the deployment's.
        job_variables: On top of the deployment's.
        deployment_version_id: A version other than the current one.
        timeout_seconds: How long to wait; 0 does not wait, None waits for ever.
        as_subflow: False starts a run that has nothing to do with the caller's.

    Returns:
        The flow run as it was at last; look at `state.type`.

    Raises:
        errors.NotFound: There is no such deployment.
        errors.InvalidArgument: The parameters do not fit.
    """
    call = _Call(name, parameters, tags, idempotency_key, timeout_seconds, as_subflow)
    for future in call.futures:
        future.wait()
    call.build(scheduled_at, flow_run_name, work_queue_name, job_variables, deployment_version_id)
    try:
        run = call.start()
        return call.finish(call.wait(run))
    except BaseException as error:
        call.give_up(error)
        raise


async def arun_deployment(
    name: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    scheduled_at: datetime.datetime | None = None,
    flow_run_name: str = "",
    tags: Iterable[str] = (),
    idempotency_key: str = "",
    work_queue_name: str = "",
    job_variables: Mapping[str, Any] | None = None,
    deployment_version_id: str = "",
    timeout_seconds: float | None = None,
    as_subflow: bool = True,
) -> flow_run_pb2.FlowRun:
    """Start a run of a deployment and wait until it has ended, on this event loop; as `run_deployment`."""
    call = _Call(name, parameters, tags, idempotency_key, timeout_seconds, as_subflow)
    for future in call.futures:
        with contextlib.suppress(Exception):  # what it raised is raised when it is put in place
            await future
    call.build(scheduled_at, flow_run_name, work_queue_name, job_variables, deployment_version_id)
    try:
        run = await asyncio.to_thread(call.start)
        return call.finish(await call.wait_on_loop(run))
    except BaseException as error:
        await asyncio.to_thread(call.give_up, error)
        raise


def await_run(run: flow_run_pb2.FlowRun, timeout_seconds: float | None) -> flow_run_pb2.FlowRun:
    """Wait until a flow run has ended, or time is over; returns it as it was at last.

    Args:
        run: The run.
        timeout_seconds: How long to wait; None waits for ever.

    Raises:
        errors.NotFound: There is no such run.
    """
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=run.flow_run_id, without_task_runs=True)
    while not is_final(run.state.type):
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return run
        try:
            for response in get_client().flow_runs.WatchFlowRun(request, timeout=left):
                if response.HasField("flow_run"):
                    run = response.flow_run
        except errors.DeadlineExceeded:
            continue
        except errors.Unavailable:
            # The server restarts; the run goes on without it, and so does the wait.
            time.sleep(_RETRY_SECONDS)
    return run


class _StandIn(TaskDefinition):
    """The task whose runs stand for the runs of a deployment."""

    def __init__(self, name: str) -> None:
        self._define(_takes)
        self.name = name
        self.options = TaskOptions(persist_result=False)
        self.needs_parameters = False
        self._settle(f"{run_deployment.__module__}.run_deployment/{name}")


def _takes(**parameters: Any) -> None:
    """Have the signature of a call with any parameters."""


@functools.lru_cache(maxsize=1000)
def _stand_in(name: str) -> _StandIn:
    return _StandIn(name)


class _Call:
    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any] | None,
        tags: Iterable[str],
        idempotency_key: str,
        timeout_seconds: float | None,
        as_subflow: bool,
    ) -> None:
        self.name = name
        self._parameters = dict(parameters or {})
        self._tags = tuple(tags)
        self._key = idempotency_key
        self._deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        self._waits = timeout_seconds != 0
        self._client: Client | None = None
        self._request = deployment_pb2.RunDeploymentRequest()
        self._child_id = ""
        self._has_completed = False
        self.futures: list[Any] = []
        self.stand_in: TaskRun | None = None
        running = context.current_run.get()
        host = running.flow_run if running is not None else None
        if as_subflow and host is not None and running is not None:
            self._become_subflow(host, running)

    def _become_subflow(self, host: FlowRun, running: FlowRun | TaskRun) -> None:
        definition = _stand_in(self.name)
        self.stand_in = TaskRun(definition, host, running.task_run)
        upstream = Upstream(definition.signature, host.tracker, (), self._parameters)
        self.stand_in.inputs = upstream.inputs
        self.futures = upstream.futures

    def build(
        self,
        scheduled_at: datetime.datetime | None,
        flow_run_name: str,
        work_queue_name: str,
        job_variables: Mapping[str, Any] | None,
        deployment_version_id: str,
    ) -> None:
        """Make the request; what it waits for is done."""
        request = self._request
        request.name, request.work_queue_name = flow_run_name, work_queue_name
        request.deployment_version_id = deployment_version_id
        request.tags.extend(self._tags)
        for future in self.futures:
            future.result()
        parameters = {name: resolve(value) for name, value in self._parameters.items()}
        fill_struct(request.parameters, parameters, "parameters")
        fill_struct(request.job_variables, job_variables or {}, "job_variables")
        if scheduled_at is not None:
            request.scheduled_at.FromDatetime(scheduled_at.astimezone(datetime.UTC))
        stand_in = self.stand_in
        if stand_in is not None:
            self._go_on(stand_in)
            request.parent_flow_run_id = stand_in.host.id
            request.parent_task_run_id = stand_in.task_run_id

    def _go_on(self, stand_in: TaskRun) -> None:
        """Be the task run that an earlier execution of the flow made."""
        earlier = stand_in.host.earlier.get((stand_in.facts.task_key, stand_in.dynamic_key))
        if earlier is not None:
            stand_in.task_run_id, stand_in.version = earlier.task_run_id, earlier.version
            stand_in.run_count = earlier.run_count
            self._has_completed = earlier.is_completed

    def start(self) -> flow_run_pb2.FlowRun:
        """Start the run, or find the one that an earlier execution of the flow has started."""
        client = self._client = get_client()
        self._request.deployment_id = _find(client, self.name).deployment_id
        stand_in = self.stand_in
        for attempt in range(_MOST_ATTEMPTS):
            self._request.flow_run_id = str(uuid7())
            self._request.idempotency_key = self._key or self._own_key(attempt)
            run = client.deployments.RunDeployment(self._request).flow_run
            if self._key or stand_in is None or not _has_failed(run):
                break
        self._child_id = run.flow_run_id
        if stand_in is not None:
            stand_in.child_flow_run_id = run.flow_run_id
            self._has_completed = self._has_completed and is_final(run.state.type)
            if not self._has_completed:
                stand_in.enter_running()
        return run

    def _own_key(self, attempt: int) -> str:
        stand_in = self.stand_in
        if stand_in is None:
            return ""
        return f"{stand_in.host.id}/{stand_in.dynamic_key}/{attempt}"

    def wait(self, run: flow_run_pb2.FlowRun) -> flow_run_pb2.FlowRun:
        """Return the run when it has ended, or time is over."""
        return await_run(run, self._left()) if self._waits else run

    async def wait_on_loop(self, run: flow_run_pb2.FlowRun) -> flow_run_pb2.FlowRun:
        """Wait on this event loop; as `wait`."""
        client = self._client or get_client()
        watching = client.thread.submit(self._watched(client, run))
        return await asyncio.wrap_future(watching)

    async def _watched(self, client: Client, run: flow_run_pb2.FlowRun) -> flow_run_pb2.FlowRun:
        request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=run.flow_run_id, without_task_runs=True)
        while self._waits and not is_final(run.state.type):
            left = self._left()
            if left is not None and left <= 0:
                return run
            try:
                async for response in client.aio.flow_runs.WatchFlowRun(request, timeout=left):
                    if response.HasField("flow_run"):
                        run = response.flow_run
            except errors.DeadlineExceeded:
                continue
            except errors.Unavailable:
                await asyncio.sleep(_RETRY_SECONDS)
        return run

    def finish(self, run: flow_run_pb2.FlowRun) -> flow_run_pb2.FlowRun:
        """Let the task run end that stands for the run, as the run did."""
        stand_in = self.stand_in
        if stand_in is None or self._has_completed:
            return run
        state = state_from_proto(run.state)
        details = StateDetails(child_flow_run_id=run.flow_run_id)
        if not state.is_final():
            stand_in.value = None
            stand_in.enter(COMPLETED, message="the run goes on and is not waited for", details=details)
            return run
        usual = state.name == state.type.value.capitalize()
        if state.is_completed():
            stand_in.value = run
        else:
            stand_in.error = _error_of(state)
        stand_in.enter(CODES[state.type], "" if usual else state.name, state.message, details, state.reference)
        return run

    def give_up(self, error: BaseException) -> None:
        """Let the run and the task run that stands for it end where the caller is ended."""
        stand_in = self.stand_in
        if stand_in is None or isinstance(error, LeaseLostInterrupt) or stand_in.attempt.is_lost:
            return
        if self._child_id and isinstance(error, _STOPPED):
            request = flow_run_pb2.CancelFlowRunRequest(
                flow_run_id=self._child_id, request_id=str(uuid7()), reason="the flow run that waits for it was stopped"
            )
            with contextlib.suppress(errors.HeadraceError):  # the server cancels subflows with their parents, too
                get_client().flow_runs.CancelFlowRun(request)
        if not stand_in.has_started:
            return
        stand_in.error = error
        ended = isinstance(error, Interrupted | asyncio.CancelledError)
        details = StateDetails(child_flow_run_id=self._child_id)
        stand_in.enter(CANCELLED if ended else FAILED, message=str(error), details=details)

    def _left(self) -> float | None:
        return None if self._deadline is None else self._deadline - time.monotonic()


def _find(client: Client, name: str) -> deployment_pb2.Deployment:
    flow_name, separator, deployment_name = name.partition("/")
    if not separator:
        return client.deployments.GetDeployment(deployment_pb2.GetDeploymentRequest(deployment_id=name)).deployment
    return client.deployments.GetDeploymentByName(
        deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=deployment_name)
    ).deployment


def _has_failed(run: flow_run_pb2.FlowRun) -> bool:
    state = state_from_proto(run.state)
    return state.is_final() and not state.is_completed()


def _error_of(state: State[Any]) -> Exception:
    error = state.exception()
    if isinstance(error, Exception):
        return error
    return CrashedRun(state.message) if state.is_crashed() else FailedRun(state.message)
