"""`LogSettingsService` on the wire."""

from __future__ import annotations

from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import log_settings_pb2, log_settings_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_log.repository import SettingsStore
from headrace_log.rules.quotas import Limits
from headrace_log.usecases.quotas import Quotas
from headrace_log.wire import settings as wire

Context = grpc.aio.ServicerContext[Any, Any]


class LogSettingsServicer(log_settings_pb2_grpc.LogSettingsServiceServicer):
    """Tells and changes limits and retention.

    Args:
        store: Keeps them.
        quotas: Judges by them.
        server_limits: Hold for every workspace.
        retention_days: How long the server keeps records; None is for ever.
    """

    def __init__(self, store: SettingsStore, quotas: Quotas, server_limits: Limits, retention_days: int | None) -> None:
        self._store = store
        self._quotas = quotas
        self._server_limits = server_limits
        self._retention_days = retention_days

    async def GetLogSettings(
        self, request: log_settings_pb2.GetLogSettingsRequest, context: Context
    ) -> log_settings_pb2.GetLogSettingsResponse:
        """Tell all settings."""
        workspace_id = current_caller().workspace_id
        await self._quotas.refresh()
        records, size = self._quotas.used(workspace_id)
        rules = (await self._store.load_rules()).get(workspace_id, [])
        rules.sort(key=lambda rule: (rule.deployment_id == "", rule.deployment_id, rule.highest))
        return log_settings_pb2.GetLogSettingsResponse(
            limits=wire.limits_to_proto(self._quotas.limits_of(workspace_id)),
            server_limits=wire.limits_to_proto(self._server_limits),
            records_today=records,
            bytes_today=size,
            retention_rules=[wire.rule_to_proto(rule) for rule in rules],
            server_retention_days=self._retention_days or 0,
        )

    async def SetLogLimits(
        self, request: log_settings_pb2.SetLogLimitsRequest, context: Context
    ) -> log_settings_pb2.SetLogLimitsResponse:
        """Set the limits of the workspace."""
        limits = wire.limits_from_proto(request.limits)
        await self._store.set_limits(current_caller().workspace_id, limits)
        await self._quotas.refresh()
        return log_settings_pb2.SetLogLimitsResponse(limits=wire.limits_to_proto(limits))

    async def SetLogRetentionRule(
        self, request: log_settings_pb2.SetLogRetentionRuleRequest, context: Context
    ) -> log_settings_pb2.SetLogRetentionRuleResponse:
        """Set a rule of retention."""
        rule = wire.rule_from_proto(request.retention_rule)
        if self._retention_days is not None and rule.days > self._retention_days:
            raise errors.InvalidArgument.of_field(
                "retention_rule.days",
                f"must be at most {self._retention_days}, for which the server keeps records "
                "(HEADRACE_SERVER_LOG_RETENTION_DAYS)",
            )
        await self._store.set_rule(current_caller().workspace_id, rule)
        return log_settings_pb2.SetLogRetentionRuleResponse(retention_rule=wire.rule_to_proto(rule))

    async def DeleteLogRetentionRule(
        self, request: log_settings_pb2.DeleteLogRetentionRuleRequest, context: Context
    ) -> log_settings_pb2.DeleteLogRetentionRuleResponse:
        """Delete a rule of retention."""
        deployment_id = request.deployment_id.lower()
        if not await self._store.delete_rule(current_caller().workspace_id, deployment_id, request.level_at_most):
            raise errors.NotFound("there is no such rule", reason="LOG_RETENTION_RULE_NOT_FOUND")
        return log_settings_pb2.DeleteLogRetentionRuleResponse()
