"""Calls to the services behind the gateway.

The gateway calls as an outsider: what the client said about itself is passed on, and the service decides.
It holds no credential of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import grpc.aio

from headrace_gateway.contract import PublicMethod

SERVICE_OF = {
    "ApiKeyService": "identity",
    "ArtifactService": "state",
    "AssetService": "state",
    "AuditService": "identity",
    "AutomationService": "notification",
    "BackgroundTaskService": "state",
    "BlockService": "state",
    "BulkOperationService": "state",
    "BackfillService": "scheduler",
    "CalendarService": "scheduler",
    "ChannelDeliveryService": "notification",
    "ChannelService": "notification",
    "ConcurrencyService": "state",
    "DeploymentService": "scheduler",
    "EventService": "notification",
    "ExplanationService": "scheduler",
    "FlowRunService": "state",
    "FlowService": "state",
    "IdentityProviderService": "identity",
    "InvitationService": "identity",
    "LogService": "log",
    "LogSettingsService": "log",
    "LogSinkService": "log",
    "NotificationPolicyService": "notification",
    "RecordService": "state",
    "RetentionService": "state",
    "RoleService": "identity",
    "RunImportService": "state",
    "RunInputService": "state",
    "RunInsightService": "state",
    "RunNoteService": "state",
    "ServiceAccountService": "identity",
    "ServiceLevelService": "scheduler",
    "SignInService": "identity",
    "SystemService": "system",
    "TaskRunService": "state",
    "TeamService": "identity",
    "UserService": "identity",
    "VariableService": "state",
    "WebhookService": "notification",
    "WorkPoolService": "scheduler",
    "WorkspaceService": "identity",
}
"""Which service of Headrace serves a gRPC service; `system` is whoever can tell about the installation."""

Metadata = tuple[tuple[str, str], ...]
"""What goes with a call."""

PASSED_ON = {
    b"authorization": "authorization",
    b"cookie": "cookie",
    b"headrace-correlation-id": "headrace-correlation-id",
    b"headrace-workspace": "headrace-workspace",
    b"traceparent": "traceparent",
    b"tracestate": "tracestate",
}
"""HTTP headers that services get to see as metadata. No other one passes: an outsider can claim nothing."""


class Backends:
    """Callables of all public methods.

    Args:
        channel: Returns the channel to a service by name.
        methods: The public methods.
        deadline_seconds: How long a unary call may take.
    """

    def __init__(
        self,
        channel: Callable[[str], grpc.aio.Channel],
        methods: Iterable[PublicMethod],
        *,
        deadline_seconds: float,
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._callables: dict[str, Any] = {}
        for method in methods:
            to_service = channel(SERVICE_OF[method.service])
            make = to_service.unary_stream if method.streams else to_service.unary_unary
            self._callables[method.path] = make(
                method.path,
                request_serializer=method.request_class.SerializeToString,
                response_deserializer=method.response_class.FromString,
            )

    async def call(self, method: PublicMethod, request: Any, metadata: Metadata) -> Any:
        """Return the answer of a unary method.

        Raises:
            grpc.aio.AioRpcError: The service refused, or does not answer.
        """
        return await self._callables[method.path](request, metadata=metadata, timeout=self._deadline_seconds)

    def stream(self, method: PublicMethod, request: Any, metadata: Metadata) -> Any:
        """Return the call of a streaming method: an async iterator of its answers, which can be cancelled."""
        return self._callables[method.path](request, metadata=metadata)
