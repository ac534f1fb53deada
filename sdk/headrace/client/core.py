"""The client: one connection to a server, a stub for each service of the contract.

`AsyncClient` is the core and lives on one event loop; `Client` is the same for synchronous code.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import grpc

from headrace import __version__
from headrace.api.v1 import (
    artifact_pb2_grpc,
    asset_pb2_grpc,
    automation_pb2_grpc,
    backfill_pb2_grpc,
    background_task_pb2_grpc,
    block_pb2_grpc,
    bulk_operation_pb2_grpc,
    calendar_pb2_grpc,
    concurrency_pb2_grpc,
    deployment_pb2_grpc,
    event_pb2_grpc,
    explanation_pb2_grpc,
    flow_pb2_grpc,
    flow_run_pb2_grpc,
    log_pb2_grpc,
    retention_pb2_grpc,
    run_input_pb2_grpc,
    run_insight_pb2_grpc,
    run_note_pb2_grpc,
    service_level_pb2_grpc,
    system_pb2_grpc,
    task_run_pb2_grpc,
    variable_pb2_grpc,
    work_pool_pb2_grpc,
    worker_pb2_grpc,
    workspace_pb2_grpc,
)
from headrace.client.channel import AsyncChannel, CallPolicy, SyncChannel
from headrace.client.discovery import System
from headrace.client.loop import LoopThread
from headrace.rpc.channel import open_aio_channel
from headrace.settings import Settings

T = TypeVar("T")

AUTHORIZATION_KEY = "authorization"
WORKSPACE_KEY = "headrace-workspace"
CLIENT_VERSION_KEY = "headrace-client-version"


class AsyncClient:
    """A connection for asynchronous code. It is opened on the running loop and used on that loop only.

    Args:
        system: The server.
        settings: Key, workspace, deadlines and patience.
    """

    def __init__(self, system: System, settings: Settings) -> None:
        self.server = system
        self.policy = _policy(system, settings)
        credentials = grpc.ssl_channel_credentials() if system.grpc_tls else None
        # Retries are the channel wrapper's, which knows how long the caller is ready to wait.
        inner = open_aio_channel(system.grpc_target, credentials=credentials, retry_attempts=1)
        self.channel = channel = AsyncChannel(inner, self.policy)
        self.flows: flow_pb2_grpc.FlowServiceAsyncStub = flow_pb2_grpc.FlowServiceStub(channel)
        self.flow_runs: flow_run_pb2_grpc.FlowRunServiceAsyncStub = flow_run_pb2_grpc.FlowRunServiceStub(channel)
        self.task_runs: task_run_pb2_grpc.TaskRunServiceAsyncStub = task_run_pb2_grpc.TaskRunServiceStub(channel)
        self.run_inputs: run_input_pb2_grpc.RunInputServiceAsyncStub = run_input_pb2_grpc.RunInputServiceStub(channel)
        self.record: task_run_pb2_grpc.RecordServiceAsyncStub = task_run_pb2_grpc.RecordServiceStub(channel)
        self.concurrency: concurrency_pb2_grpc.ConcurrencyServiceAsyncStub = (
            concurrency_pb2_grpc.ConcurrencyServiceStub(channel)
        )
        self.artifacts: artifact_pb2_grpc.ArtifactServiceAsyncStub = artifact_pb2_grpc.ArtifactServiceStub(channel)
        self.retention: retention_pb2_grpc.RetentionServiceAsyncStub = retention_pb2_grpc.RetentionServiceStub(channel)
        self.run_notes: run_note_pb2_grpc.RunNoteServiceAsyncStub = run_note_pb2_grpc.RunNoteServiceStub(channel)
        self.bulk_operations: bulk_operation_pb2_grpc.BulkOperationServiceAsyncStub = (
            bulk_operation_pb2_grpc.BulkOperationServiceStub(channel)
        )
        self.insight: run_insight_pb2_grpc.RunInsightServiceAsyncStub = run_insight_pb2_grpc.RunInsightServiceStub(
            channel
        )
        self.blocks: block_pb2_grpc.BlockServiceAsyncStub = block_pb2_grpc.BlockServiceStub(channel)
        self.assets: asset_pb2_grpc.AssetServiceAsyncStub = asset_pb2_grpc.AssetServiceStub(channel)
        self.variables: variable_pb2_grpc.VariableServiceAsyncStub = variable_pb2_grpc.VariableServiceStub(channel)
        self.deployments: deployment_pb2_grpc.DeploymentServiceAsyncStub = deployment_pb2_grpc.DeploymentServiceStub(
            channel
        )
        self.work_pools: work_pool_pb2_grpc.WorkPoolServiceAsyncStub = work_pool_pb2_grpc.WorkPoolServiceStub(channel)
        self.workers: worker_pb2_grpc.WorkerServiceAsyncStub = worker_pb2_grpc.WorkerServiceStub(channel)
        self.backfills: backfill_pb2_grpc.BackfillServiceAsyncStub = backfill_pb2_grpc.BackfillServiceStub(channel)
        self.service_levels: service_level_pb2_grpc.ServiceLevelServiceAsyncStub = (
            service_level_pb2_grpc.ServiceLevelServiceStub(channel)
        )
        self.calendars: calendar_pb2_grpc.CalendarServiceAsyncStub = calendar_pb2_grpc.CalendarServiceStub(channel)
        self.explanations: explanation_pb2_grpc.ExplanationServiceAsyncStub = (
            explanation_pb2_grpc.ExplanationServiceStub(channel)
        )
        self.logs: log_pb2_grpc.LogServiceAsyncStub = log_pb2_grpc.LogServiceStub(channel)
        self.events: event_pb2_grpc.EventServiceAsyncStub = event_pb2_grpc.EventServiceStub(channel)
        self.automations: automation_pb2_grpc.AutomationServiceAsyncStub = automation_pb2_grpc.AutomationServiceStub(
            channel
        )
        self.workspaces: workspace_pb2_grpc.WorkspaceServiceAsyncStub = workspace_pb2_grpc.WorkspaceServiceStub(channel)
        self.background_tasks: background_task_pb2_grpc.BackgroundTaskServiceAsyncStub = (
            background_task_pb2_grpc.BackgroundTaskServiceStub(channel)
        )
        self.systems: system_pb2_grpc.SystemServiceAsyncStub = system_pb2_grpc.SystemServiceStub(channel)

    async def close(self) -> None:
        """Close the connection."""
        await self.channel.close()


class Client:
    """A connection for synchronous code; safe to use from many threads.

    Errors are those of `headrace.errors`; server streams are iterators.

    Args:
        system: The server.
        settings: Key, workspace, deadlines and patience.
        thread: The loop thread that carries the calls.
    """

    def __init__(self, system: System, settings: Settings, thread: LoopThread) -> None:
        self.server = system
        self.settings = settings
        self.thread = thread
        self.aio: AsyncClient = thread.run(_open(system, settings))
        channel = SyncChannel(self.aio.channel, thread)
        self.flows = flow_pb2_grpc.FlowServiceStub(channel)
        self.flow_runs = flow_run_pb2_grpc.FlowRunServiceStub(channel)
        self.task_runs = task_run_pb2_grpc.TaskRunServiceStub(channel)
        self.run_inputs = run_input_pb2_grpc.RunInputServiceStub(channel)
        self.record = task_run_pb2_grpc.RecordServiceStub(channel)
        self.concurrency = concurrency_pb2_grpc.ConcurrencyServiceStub(channel)
        self.artifacts = artifact_pb2_grpc.ArtifactServiceStub(channel)
        self.retention = retention_pb2_grpc.RetentionServiceStub(channel)
        self.run_notes = run_note_pb2_grpc.RunNoteServiceStub(channel)
        self.bulk_operations = bulk_operation_pb2_grpc.BulkOperationServiceStub(channel)
        self.insight = run_insight_pb2_grpc.RunInsightServiceStub(channel)
        self.blocks = block_pb2_grpc.BlockServiceStub(channel)
        self.assets = asset_pb2_grpc.AssetServiceStub(channel)
        self.variables = variable_pb2_grpc.VariableServiceStub(channel)
        self.deployments = deployment_pb2_grpc.DeploymentServiceStub(channel)
        self.work_pools = work_pool_pb2_grpc.WorkPoolServiceStub(channel)
        self.backfills = backfill_pb2_grpc.BackfillServiceStub(channel)
        self.service_levels = service_level_pb2_grpc.ServiceLevelServiceStub(channel)
        self.calendars = calendar_pb2_grpc.CalendarServiceStub(channel)
        self.explanations = explanation_pb2_grpc.ExplanationServiceStub(channel)
        self.logs = log_pb2_grpc.LogServiceStub(channel)
        self.events = event_pb2_grpc.EventServiceStub(channel)
        self.automations = automation_pb2_grpc.AutomationServiceStub(channel)
        self.workspaces = workspace_pb2_grpc.WorkspaceServiceStub(channel)
        self.background_tasks = background_task_pb2_grpc.BackgroundTaskServiceStub(channel)
        self.systems = system_pb2_grpc.SystemServiceStub(channel)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine that uses `aio` and wait for what it returns."""
        return self.thread.run(coroutine)

    def close(self) -> None:
        """Close the connection; the loop thread goes on for other connections."""
        self.thread.run(self.aio.close())


@contextlib.asynccontextmanager
async def open_async(system: System, settings: Settings) -> AsyncIterator[AsyncClient]:
    """Open an `AsyncClient` for the block."""
    client = AsyncClient(system, settings)
    try:
        yield client
    finally:
        await client.close()


async def _open(system: System, settings: Settings) -> AsyncClient:
    return AsyncClient(system, settings)


def _policy(system: System, settings: Settings) -> CallPolicy:
    metadata: list[tuple[str, str]] = [(CLIENT_VERSION_KEY, __version__)]
    if settings.api_key:
        metadata.append((AUTHORIZATION_KEY, f"Bearer {settings.api_key}"))
    if settings.workspace_id:
        metadata.append((WORKSPACE_KEY, settings.workspace_id))
    version = f" (version {system.version})" if system.version else ""
    return CallPolicy(
        metadata=tuple(metadata),
        timeout_seconds=settings.api_timeout_seconds,
        patience_seconds=settings.api_retry_seconds,
        server=f"the Headrace server at {system.api_url}{version}",
    )
