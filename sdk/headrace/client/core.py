"""The client: one connection to a server, a stub for each service of the contract.

`AsyncClient` is the core and lives on one event loop; `Client` is the same for synchronous code.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from headrace import __version__
from headrace.client.channel import AsyncChannel, CallPolicy, SyncChannel
from headrace.client.discovery import System
from headrace.client.loop import LoopThread
from headrace.client.stubs import LazyStubs
from headrace.client.trust import Trust
from headrace.credentials import api_key_of
from headrace.rpc.channel import open_aio_channel
from headrace.settings import Settings

if TYPE_CHECKING:
    from headrace.api.v1 import (
        api_key_pb2_grpc,
        artifact_pb2_grpc,
        asset_pb2_grpc,
        audit_pb2_grpc,
        automation_pb2_grpc,
        backfill_pb2_grpc,
        background_task_pb2_grpc,
        block_pb2_grpc,
        bulk_operation_pb2_grpc,
        calendar_pb2_grpc,
        channel_pb2_grpc,
        concurrency_pb2_grpc,
        delivery_pb2_grpc,
        deployment_pb2_grpc,
        event_pb2_grpc,
        explanation_pb2_grpc,
        flow_pb2_grpc,
        flow_run_pb2_grpc,
        identity_provider_pb2_grpc,
        invitation_pb2_grpc,
        log_pb2_grpc,
        log_settings_pb2_grpc,
        log_sink_pb2_grpc,
        notification_policy_pb2_grpc,
        retention_pb2_grpc,
        role_pb2_grpc,
        run_import_pb2_grpc,
        run_input_pb2_grpc,
        run_insight_pb2_grpc,
        run_note_pb2_grpc,
        service_account_pb2_grpc,
        service_level_pb2_grpc,
        sign_in_pb2_grpc,
        system_pb2_grpc,
        task_run_pb2_grpc,
        team_pb2_grpc,
        user_pb2_grpc,
        variable_pb2_grpc,
        webhook_pb2_grpc,
        work_pool_pb2_grpc,
        worker_pb2_grpc,
        workspace_pb2_grpc,
    )

T = TypeVar("T")

AUTHORIZATION_KEY = "authorization"
WORKSPACE_KEY = "headrace-workspace"
CLIENT_VERSION_KEY = "headrace-client-version"


class AsyncClient(LazyStubs):
    """A connection for asynchronous code. It is opened on the running loop and used on that loop only.

    Args:
        system: The server.
        settings: Key, workspace, deadlines and patience.
    """

    if TYPE_CHECKING:
        flows: flow_pb2_grpc.FlowServiceAsyncStub
        flow_runs: flow_run_pb2_grpc.FlowRunServiceAsyncStub
        task_runs: task_run_pb2_grpc.TaskRunServiceAsyncStub
        run_imports: run_import_pb2_grpc.RunImportServiceAsyncStub
        run_inputs: run_input_pb2_grpc.RunInputServiceAsyncStub
        record: task_run_pb2_grpc.RecordServiceAsyncStub
        concurrency: concurrency_pb2_grpc.ConcurrencyServiceAsyncStub
        artifacts: artifact_pb2_grpc.ArtifactServiceAsyncStub
        retention: retention_pb2_grpc.RetentionServiceAsyncStub
        run_notes: run_note_pb2_grpc.RunNoteServiceAsyncStub
        bulk_operations: bulk_operation_pb2_grpc.BulkOperationServiceAsyncStub
        insight: run_insight_pb2_grpc.RunInsightServiceAsyncStub
        blocks: block_pb2_grpc.BlockServiceAsyncStub
        assets: asset_pb2_grpc.AssetServiceAsyncStub
        variables: variable_pb2_grpc.VariableServiceAsyncStub
        deployments: deployment_pb2_grpc.DeploymentServiceAsyncStub
        work_pools: work_pool_pb2_grpc.WorkPoolServiceAsyncStub
        workers: worker_pb2_grpc.WorkerServiceAsyncStub
        backfills: backfill_pb2_grpc.BackfillServiceAsyncStub
        service_levels: service_level_pb2_grpc.ServiceLevelServiceAsyncStub
        calendars: calendar_pb2_grpc.CalendarServiceAsyncStub
        explanations: explanation_pb2_grpc.ExplanationServiceAsyncStub
        logs: log_pb2_grpc.LogServiceAsyncStub
        log_settings: log_settings_pb2_grpc.LogSettingsServiceAsyncStub
        log_sinks: log_sink_pb2_grpc.LogSinkServiceAsyncStub
        events: event_pb2_grpc.EventServiceAsyncStub
        automations: automation_pb2_grpc.AutomationServiceAsyncStub
        notification_policies: notification_policy_pb2_grpc.NotificationPolicyServiceAsyncStub
        webhooks: webhook_pb2_grpc.WebhookServiceAsyncStub
        channels: channel_pb2_grpc.ChannelServiceAsyncStub
        channel_deliveries: delivery_pb2_grpc.ChannelDeliveryServiceAsyncStub
        workspaces: workspace_pb2_grpc.WorkspaceServiceAsyncStub
        users: user_pb2_grpc.UserServiceAsyncStub
        teams: team_pb2_grpc.TeamServiceAsyncStub
        roles: role_pb2_grpc.RoleServiceAsyncStub
        service_accounts: service_account_pb2_grpc.ServiceAccountServiceAsyncStub
        api_keys: api_key_pb2_grpc.ApiKeyServiceAsyncStub
        invitations: invitation_pb2_grpc.InvitationServiceAsyncStub
        audit: audit_pb2_grpc.AuditServiceAsyncStub
        sign_in: sign_in_pb2_grpc.SignInServiceAsyncStub
        identity_providers: identity_provider_pb2_grpc.IdentityProviderServiceAsyncStub
        background_tasks: background_task_pb2_grpc.BackgroundTaskServiceAsyncStub
        systems: system_pb2_grpc.SystemServiceAsyncStub

    def __init__(self, system: System, settings: Settings) -> None:
        self.server = system
        self.policy = _policy(system, settings)
        credentials = grpc.ssl_channel_credentials(*Trust.of(settings).pem()) if system.grpc_tls else None
        # Retries are the channel wrapper's, which knows how long the caller is ready to wait.
        inner = open_aio_channel(system.grpc_target, credentials=credentials, retry_attempts=1)
        self.channel = AsyncChannel(inner, self.policy)

    async def close(self) -> None:
        """Close the connection."""
        await self.channel.close()


class Client(LazyStubs):
    """A connection for synchronous code; safe to use from many threads.

    Errors are those of `headrace.errors`; server streams are iterators.

    Args:
        system: The server.
        settings: Key, workspace, deadlines and patience.
        thread: The loop thread that carries the calls.
    """

    if TYPE_CHECKING:
        flows: flow_pb2_grpc.FlowServiceStub
        flow_runs: flow_run_pb2_grpc.FlowRunServiceStub
        task_runs: task_run_pb2_grpc.TaskRunServiceStub
        run_imports: run_import_pb2_grpc.RunImportServiceStub
        run_inputs: run_input_pb2_grpc.RunInputServiceStub
        record: task_run_pb2_grpc.RecordServiceStub
        concurrency: concurrency_pb2_grpc.ConcurrencyServiceStub
        artifacts: artifact_pb2_grpc.ArtifactServiceStub
        retention: retention_pb2_grpc.RetentionServiceStub
        run_notes: run_note_pb2_grpc.RunNoteServiceStub
        bulk_operations: bulk_operation_pb2_grpc.BulkOperationServiceStub
        insight: run_insight_pb2_grpc.RunInsightServiceStub
        blocks: block_pb2_grpc.BlockServiceStub
        assets: asset_pb2_grpc.AssetServiceStub
        variables: variable_pb2_grpc.VariableServiceStub
        deployments: deployment_pb2_grpc.DeploymentServiceStub
        work_pools: work_pool_pb2_grpc.WorkPoolServiceStub
        backfills: backfill_pb2_grpc.BackfillServiceStub
        service_levels: service_level_pb2_grpc.ServiceLevelServiceStub
        calendars: calendar_pb2_grpc.CalendarServiceStub
        explanations: explanation_pb2_grpc.ExplanationServiceStub
        logs: log_pb2_grpc.LogServiceStub
        log_settings: log_settings_pb2_grpc.LogSettingsServiceStub
        log_sinks: log_sink_pb2_grpc.LogSinkServiceStub
        events: event_pb2_grpc.EventServiceStub
        automations: automation_pb2_grpc.AutomationServiceStub
        notification_policies: notification_policy_pb2_grpc.NotificationPolicyServiceStub
        webhooks: webhook_pb2_grpc.WebhookServiceStub
        channels: channel_pb2_grpc.ChannelServiceStub
        channel_deliveries: delivery_pb2_grpc.ChannelDeliveryServiceStub
        workspaces: workspace_pb2_grpc.WorkspaceServiceStub
        users: user_pb2_grpc.UserServiceStub
        teams: team_pb2_grpc.TeamServiceStub
        roles: role_pb2_grpc.RoleServiceStub
        service_accounts: service_account_pb2_grpc.ServiceAccountServiceStub
        api_keys: api_key_pb2_grpc.ApiKeyServiceStub
        invitations: invitation_pb2_grpc.InvitationServiceStub
        audit: audit_pb2_grpc.AuditServiceStub
        sign_in: sign_in_pb2_grpc.SignInServiceStub
        identity_providers: identity_provider_pb2_grpc.IdentityProviderServiceStub
        background_tasks: background_task_pb2_grpc.BackgroundTaskServiceStub
        systems: system_pb2_grpc.SystemServiceStub

    def __init__(self, system: System, settings: Settings, thread: LoopThread) -> None:
        self.server = system
        self.settings = settings
        self.thread = thread
        self.aio: AsyncClient = thread.run(_open(system, settings))
        self.channel = SyncChannel(self.aio.channel, thread)

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
    if key := api_key_of(settings):
        metadata.append((AUTHORIZATION_KEY, f"Bearer {key}"))
    if settings.workspace_id:
        metadata.append((WORKSPACE_KEY, settings.workspace_id))
    version = f" (version {system.version})" if system.version else ""
    return CallPolicy(
        metadata=tuple(metadata),
        timeout_seconds=settings.api_timeout_seconds,
        patience_seconds=settings.api_retry_seconds,
        server=f"the Headrace server at {system.api_url}{version}",
    )
