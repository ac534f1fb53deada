"""Hands deployments to work pools, and starts runs of them."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from headrace import context, errors
from headrace.api.v1 import deployment_pb2, flow_run_pb2
from headrace.client import Client, get_client
from headrace.client.finality import is_final
from headrace.deployments.definition import to_deployment
from headrace.deployments.plain import fill_struct
from headrace.ids import uuid7

if TYPE_CHECKING:
    from headrace.flows import Flow


def deploy(flow: Flow[..., Any], name: str, work_pool_name: str, **options: Any) -> str:
    """Make a flow runnable by the workers of a work pool; returns the deployment's id.

    Args:
        flow: The flow.
        name: Unique in the flow.
        work_pool_name: The pool. Its workers must find the code at the same path.
        options: As of `to_deployment`.

    Raises:
        errors.HeadraceError: A value is wrong, or the server refuses it.
    """
    definition = to_deployment(flow, name, work_pool_name=work_pool_name, **options)
    return get_client().deployments.ApplyDeployment(definition.to_request()).deployment.deployment_id


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
    timeout_seconds: float | None = None,
) -> flow_run_pb2.FlowRun:
    """Start a run of a deployment and wait until it has ended.

    Within a flow the run is shown below the run that started it.

    Args:
        name: `flow/deployment`, or the deployment's id.
        parameters: On top of the deployment's.
        scheduled_at: When; now if not given.
        flow_run_name: The run's name.
        tags: Words to find it by, beside the deployment's.
        idempotency_key: A second call with the same key returns the first run.
        work_queue_name: A queue other than the deployment's.
        job_variables: On top of the deployment's.
        timeout_seconds: How long to wait; 0 does not wait, None waits for ever.

    Returns:
        The flow run as it was at last; look at `state.type`.

    Raises:
        errors.NotFound: There is no such deployment.
        errors.InvalidArgument: The parameters do not fit.
    """
    client = get_client()
    request = deployment_pb2.RunDeploymentRequest(
        deployment_id=_find(client, name).deployment_id,
        flow_run_id=str(uuid7()),
        name=flow_run_name,
        tags=tuple(tags),
        idempotency_key=idempotency_key,
        work_queue_name=work_queue_name,
    )
    fill_struct(request.parameters, parameters or {}, "parameters")
    fill_struct(request.job_variables, job_variables or {}, "job_variables")
    if scheduled_at is not None:
        request.scheduled_at.FromDatetime(scheduled_at.astimezone(datetime.UTC))
    running = context.current_run.get()
    if running is not None and running.flow_run is not None:
        request.parent_flow_run_id = running.flow_run.id
        if running.task_run is not None:
            request.parent_task_run_id = running.task_run.id
    run = client.deployments.RunDeployment(request).flow_run
    return run if timeout_seconds == 0 else _wait(client, run, timeout_seconds)


def _find(client: Client, name: str) -> deployment_pb2.Deployment:
    flow_name, separator, deployment_name = name.partition("/")
    if not separator:
        return client.deployments.GetDeployment(deployment_pb2.GetDeploymentRequest(deployment_id=name)).deployment
    return client.deployments.GetDeploymentByName(
        deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=deployment_name)
    ).deployment


def _wait(client: Client, run: flow_run_pb2.FlowRun, timeout_seconds: float | None) -> flow_run_pb2.FlowRun:
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    request = flow_run_pb2.WatchFlowRunRequest(flow_run_id=run.flow_run_id, without_task_runs=True)
    while not is_final(run.state.type):
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return run
        try:
            for response in client.flow_runs.WatchFlowRun(request, timeout=left):
                if response.HasField("flow_run"):
                    run = response.flow_run
        except errors.DeadlineExceeded:
            continue
        except errors.Unavailable:
            # The server restarts; the run goes on without it, and so does the wait.
            time.sleep(0.5)
    return run
