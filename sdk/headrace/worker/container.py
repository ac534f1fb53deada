"""The process of one flow run in a container: it fetches what it needs, enters RUNNING and executes the run.

What tells it which run stands in its environment, beside the settings of the client: `HEADRACE_FLOW_RUN_ID`,
`HEADRACE_ATTEMPT_TOKEN` and `HEADRACE_INFRASTRUCTURE_ID`.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Mapping

from headrace import errors
from headrace.api.v1 import deployment_pb2, flow_run_pb2, worker_pb2
from headrace.client.core import open_async
from headrace.client.discovery import System
from headrace.client.resolve import resolve_system
from headrace.credentials import api_key_of
from headrace.engine import assignment
from headrace.engine.server_backend import INFRASTRUCTURE_ID
from headrace.settings import Settings, load_settings
from headrace.worker.entering import enter_running
from headrace.worker.job import Job

FLOW_RUN_ID = "HEADRACE_FLOW_RUN_ID"
ATTEMPT_TOKEN = "HEADRACE_ATTEMPT_TOKEN"

DEFAULT_COMMAND = ("python", "-m", "headrace.worker.container")
EXIT_NOT_EXECUTED = 0
"""The run is not to be executed (any more); the server knows."""
EXIT_NO_SERVER = 4
"""The server could not be asked."""

_NAME_LENGTH = 40


def container_environment(job: Job, settings: Settings, *, api_url: str, infrastructure_id: str) -> dict[str, str]:
    """Return the environment of the container for a job.

    Args:
        job: The job.
        settings: Of the worker, whose key and workspace the run uses.
        api_url: The server's HTTP address, as the container sees it.
        infrastructure_id: What identifies the container.
    """
    environment = {
        "HEADRACE_API_URL": api_url,
        "HEADRACE_EPHEMERAL_SERVER": "false",
        "PYTHONUNBUFFERED": "1",
        FLOW_RUN_ID: job.flow_run_id,
        ATTEMPT_TOKEN: job.attempt_token,
        INFRASTRUCTURE_ID: infrastructure_id,
    }
    # A container has no keyring to look into.
    if key := api_key_of(settings):
        environment["HEADRACE_API_KEY"] = key
    if settings.workspace_id:
        environment["HEADRACE_WORKSPACE_ID"] = settings.workspace_id
    return {**environment, **job.environment}


def container_name(job: Job) -> str:
    """Return a name for the container of a job: its own, and such as all engines allow."""
    readable = re.sub(r"[^a-z0-9]+", "-", job.flow_run_name.lower()).strip("-")[:_NAME_LENGTH].strip("-")
    return f"{readable or 'run'}-{job.flow_run_id.replace('-', '')[-12:]}-{job.attempt_number}"


def main() -> None:
    """Execute the run of the environment."""
    sys.exit(run(os.environ))


def run(environment: Mapping[str, str]) -> int:
    """Execute a flow run and return the exit code."""
    # The first process of a container is not ended by signals that it does not handle.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(128 + signal.SIGTERM))
    try:
        flow_run_id, token = environment[FLOW_RUN_ID], environment[ATTEMPT_TOKEN]
    except KeyError as error:
        sys.stderr.write(f"headrace: {error.args[0]} is not set; a worker starts this\n")
        return os.EX_USAGE
    settings = load_settings()
    try:
        system = resolve_system(settings)
        found = asyncio.run(_fetch(system, settings, flow_run_id, token, environment.get(INFRASTRUCTURE_ID, "")))
    except errors.HeadraceError as error:
        sys.stderr.write(f"headrace: {error}\n")
        return EXIT_NO_SERVER
    if found is None:
        sys.stderr.write("headrace: this run is not to be executed any more\n")
        return EXIT_NOT_EXECUTED
    return assignment.execute_assignment(
        found.SerializeToString(),
        api_url=system.api_url,
        grpc_address=system.grpc_target,
        grpc_tls=system.grpc_tls,
    )


async def _fetch(
    system: System, settings: Settings, flow_run_id: str, token: str, infrastructure_id: str
) -> worker_pb2.Assignment | None:
    """Return the run with all that it takes, RUNNING; None if it is not to be executed."""
    found = worker_pb2.Assignment()
    async with open_async(system, settings) as client:
        run_response = await client.flow_runs.GetFlowRun(flow_run_pb2.GetFlowRunRequest(flow_run_id=flow_run_id))
        found.flow_run.CopyFrom(run_response.flow_run)
        found.attempt.flow_run_id = flow_run_id
        found.attempt.token = token
        found.attempt.number = max(1, found.flow_run.attempt)
        request = deployment_pb2.GetDeploymentVersionRequest(deployment_version_id=found.flow_run.deployment_version_id)
        version = await client.deployments.GetDeploymentVersion(request)
        found.content.CopyFrom(version.version.content)
        is_running = await enter_running(
            client.flow_runs.ProposeFlowRunState, found, asyncio.Event(), infrastructure_id
        )
    return found if is_running else None


if __name__ == "__main__":
    main()
