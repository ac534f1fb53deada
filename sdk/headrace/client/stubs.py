"""Stubs of the services, imported when they are first used: a process needs few of them, and starts sooner."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

STUBS = {
    "flows": ("flow_pb2_grpc", "FlowServiceStub"),
    "flow_runs": ("flow_run_pb2_grpc", "FlowRunServiceStub"),
    "task_runs": ("task_run_pb2_grpc", "TaskRunServiceStub"),
    "run_imports": ("run_import_pb2_grpc", "RunImportServiceStub"),
    "run_inputs": ("run_input_pb2_grpc", "RunInputServiceStub"),
    "record": ("task_run_pb2_grpc", "RecordServiceStub"),
    "concurrency": ("concurrency_pb2_grpc", "ConcurrencyServiceStub"),
    "artifacts": ("artifact_pb2_grpc", "ArtifactServiceStub"),
    "retention": ("retention_pb2_grpc", "RetentionServiceStub"),
    "run_notes": ("run_note_pb2_grpc", "RunNoteServiceStub"),
    "bulk_operations": ("bulk_operation_pb2_grpc", "BulkOperationServiceStub"),
    "insight": ("run_insight_pb2_grpc", "RunInsightServiceStub"),
    "blocks": ("block_pb2_grpc", "BlockServiceStub"),
    "assets": ("asset_pb2_grpc", "AssetServiceStub"),
    "variables": ("variable_pb2_grpc", "VariableServiceStub"),
    "deployments": ("deployment_pb2_grpc", "DeploymentServiceStub"),
    "work_pools": ("work_pool_pb2_grpc", "WorkPoolServiceStub"),
    "workers": ("worker_pb2_grpc", "WorkerServiceStub"),
    "backfills": ("backfill_pb2_grpc", "BackfillServiceStub"),
    "service_levels": ("service_level_pb2_grpc", "ServiceLevelServiceStub"),
    "calendars": ("calendar_pb2_grpc", "CalendarServiceStub"),
    "explanations": ("explanation_pb2_grpc", "ExplanationServiceStub"),
    "logs": ("log_pb2_grpc", "LogServiceStub"),
    "log_settings": ("log_settings_pb2_grpc", "LogSettingsServiceStub"),
    "log_sinks": ("log_sink_pb2_grpc", "LogSinkServiceStub"),
    "events": ("event_pb2_grpc", "EventServiceStub"),
    "automations": ("automation_pb2_grpc", "AutomationServiceStub"),
    "channels": ("channel_pb2_grpc", "ChannelServiceStub"),
    "channel_deliveries": ("delivery_pb2_grpc", "ChannelDeliveryServiceStub"),
    "notification_policies": ("notification_policy_pb2_grpc", "NotificationPolicyServiceStub"),
    "webhooks": ("webhook_pb2_grpc", "WebhookServiceStub"),
    "workspaces": ("workspace_pb2_grpc", "WorkspaceServiceStub"),
    "users": ("user_pb2_grpc", "UserServiceStub"),
    "teams": ("team_pb2_grpc", "TeamServiceStub"),
    "roles": ("role_pb2_grpc", "RoleServiceStub"),
    "service_accounts": ("service_account_pb2_grpc", "ServiceAccountServiceStub"),
    "api_keys": ("api_key_pb2_grpc", "ApiKeyServiceStub"),
    "invitations": ("invitation_pb2_grpc", "InvitationServiceStub"),
    "sign_in": ("sign_in_pb2_grpc", "SignInServiceStub"),
    "identity_providers": ("identity_provider_pb2_grpc", "IdentityProviderServiceStub"),
    "audit": ("audit_pb2_grpc", "AuditServiceStub"),
    "background_tasks": ("background_task_pb2_grpc", "BackgroundTaskServiceStub"),
    "systems": ("system_pb2_grpc", "SystemServiceStub"),
}
"""Attribute of a client -> module of `headrace.api.v1` and class of the stub."""


class LazyStubs:
    """Has a stub for each service as an attribute."""

    channel: Any
    """What the stubs call through."""

    if not TYPE_CHECKING:
        # Type checkers see what the attributes are, and that there are no others.
        def __getattr__(self, name: str) -> Any:
            """Return the stub of a service, made at the first call."""
            if name not in STUBS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            module, stub = STUBS[name]
            made = getattr(importlib.import_module(f"headrace.api.v1.{module}"), stub)(self.channel)
            setattr(self, name, made)
            return made
