"""How commands find things: the client, and ids from what people type."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from headrace import errors
from headrace.api.v1 import deployment_pb2, flow_pb2, flow_run_pb2, task_run_pb2
from headrace.cli import output
from headrace.client import Client, get_client


def client() -> Client:
    """Return the client for the server of the settings; commands never start one by themselves."""
    return get_client()


def pages(call: Callable[[str, int], Any], field: str, limit: int) -> Iterator[Any]:
    """Yield items of a list over its pages; says so where the limit leaves some out.

    Args:
        call: Takes a page token and a page size, returns the response.
        field: The field of the response with the items.
        limit: How many items at most; 0 is all.
    """
    token, left = "", limit
    while True:
        response = call(token, min(left, 200) if limit else 200)
        for item in getattr(response, field):
            yield item
            left -= 1
            if limit and left <= 0:
                if response.next_page_token:
                    output.note(f"There are more than these {limit}; --limit shows more, or all with 0.")
                return
        token = response.next_page_token
        if not token:
            return


def is_id(text: str) -> bool:
    """Return whether a text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def deployment(name: str) -> deployment_pb2.Deployment:
    """Return a deployment by `flow/deployment` or by its id.

    Raises:
        errors.NotFound: There is none.
        errors.InvalidArgument: The text is neither.
    """
    stub = client().deployments
    if is_id(name):
        return stub.GetDeployment(deployment_pb2.GetDeploymentRequest(deployment_id=name)).deployment
    flow_name, separator, deployment_name = name.partition("/")
    if not separator or not flow_name or not deployment_name:
        raise errors.InvalidArgument(f"'{name}' is neither an id nor of the form flow/deployment.")
    request = deployment_pb2.GetDeploymentByNameRequest(flow_name=flow_name, deployment_name=deployment_name)
    return stub.GetDeploymentByName(request).deployment


def version_words(run: flow_run_pb2.FlowRun) -> str:
    """Return the number of the deployment's version that a run is of, with the user's name of it."""
    if not run.deployment_version_id:
        return run.flow_version
    request = deployment_pb2.GetDeploymentVersionRequest(deployment_version_id=run.deployment_version_id)
    try:
        found = client().deployments.GetDeploymentVersion(request).version
    except errors.NotFound:
        # Its deployment was deleted.
        return run.flow_version
    return f"{found.number} {found.content.version}".strip()


def flow(name: str) -> flow_pb2.Flow:
    """Return a flow by its name or id.

    Raises:
        errors.NotFound: There is none.
    """
    stub = client().flows
    if is_id(name):
        return stub.GetFlow(flow_pb2.GetFlowRequest(flow_id=name)).flow
    request = flow_pb2.ListFlowsRequest(filter=flow_pb2.FlowFilter(names=[name]), page_size=1)
    for found in stub.ListFlows(request).flows:
        return found
    raise errors.NotFound(f"There is no flow named '{name}'.")


def task_run(task_run_id: str) -> task_run_pb2.TaskRun:
    """Return a task run by its id; names of task runs are those of their flow runs only.

    Raises:
        errors.NotFound: There is none.
    """
    if not is_id(task_run_id):
        raise errors.NotFound(f"'{task_run_id}' is not the id of a task run; 'headrace task-run ls' shows them.")
    request = task_run_pb2.GetTaskRunRequest(task_run_id=task_run_id)
    return client().task_runs.GetTaskRun(request).task_run


def flow_run(name: str) -> flow_run_pb2.FlowRun:
    """Return a flow run by its id, or the newest of a name.

    Raises:
        errors.NotFound: There is none.
    """
    stub = client().flow_runs
    if is_id(name):
        return stub.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=name)).flow_run
    request = flow_run_pb2.ListFlowRunsRequest(filter=flow_run_pb2.FlowRunFilter(names=[name]), page_size=1)
    for found in stub.ListFlowRuns(request).flow_runs:
        return found
    raise errors.NotFound(f"There is no flow run '{name}'.")
