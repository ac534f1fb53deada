"""`RetentionService`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import grpc.aio

from headrace import errors
from headrace.api.v1 import retention_pb2, retention_pb2_grpc
from headrace_chassis.caller import current_caller
from headrace_state.repository.retention import Retention
from headrace_state.rules.retention import EVERYTHING, RetentionRule
from headrace_state.wire import retention as wire

Context = grpc.aio.ServicerContext[Any, Any]


class RetentionServicer(retention_pb2_grpc.RetentionServiceServicer):
    """Keeps the rules by which old runs are deleted.

    Args:
        retention: Where they are kept.
        defaults: For how many days what is kept where no rule says so, and by which setting; by kind.
        wake: Tells whoever deletes that rules changed.
    """

    def __init__(
        self, retention: Retention, defaults: Mapping[str, tuple[float, str]], wake: Callable[[], None]
    ) -> None:
        self._retention = retention
        self._defaults = defaults
        self._wake = wake

    async def GetRetentionRules(
        self, request: retention_pb2.GetRetentionRulesRequest, context: Context
    ) -> retention_pb2.GetRetentionRulesResponse:
        """List what holds for each kind."""
        rules = await self._retention.list_rules(current_caller().workspace_id)
        decided = {rule.kind for rule in rules if rule.scope == EVERYTHING}
        shown = [(rule, "") for rule in rules]
        shown += [
            (RetentionRule(kind, EVERYTHING, "", days), setting)
            for kind, (days, setting) in self._defaults.items()
            if kind not in decided
        ]
        shown.sort(key=lambda each: (wire.kind_number(each[0].kind), each[0].scope, each[0].subject))
        return retention_pb2.GetRetentionRulesResponse(rules=[wire.rule(rule, setting) for rule, setting in shown])

    async def SetRetentionRule(
        self, request: retention_pb2.SetRetentionRuleRequest, context: Context
    ) -> retention_pb2.SetRetentionRuleResponse:
        """Set a rule of the workspace."""
        rule = await self._retention.set_rule(current_caller().workspace_id, wire.to_rule(request.rule))
        self._wake()
        return retention_pb2.SetRetentionRuleResponse(rule=wire.rule(rule))

    async def DeleteRetentionRule(
        self, request: retention_pb2.DeleteRetentionRuleRequest, context: Context
    ) -> retention_pb2.DeleteRetentionRuleResponse:
        """Delete a rule of the workspace."""
        if not await self._retention.delete_rule(current_caller().workspace_id, *wire.to_place(request)):
            raise errors.NotFound("the workspace has no such rule")
        self._wake()
        return retention_pb2.DeleteRetentionRuleResponse()

    async def GetTableSizes(
        self, request: retention_pb2.GetTableSizesRequest, context: Context
    ) -> retention_pb2.GetTableSizesResponse:
        """Tell how much room each table takes."""
        return retention_pb2.GetTableSizesResponse(
            tables=map(wire.size, await self._retention.list_sizes()),
            database_bytes=await self._retention.database_bytes(),
        )
