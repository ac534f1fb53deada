"""Limits and rules of retention between the wire and the service's own words."""

from __future__ import annotations

from headrace.api.v1 import log_settings_pb2
from headrace_log.rules.quotas import Limits
from headrace_log.rules.retention import RetentionRule
from headrace_log.wire.records import timestamp


def limits_to_proto(limits: Limits) -> log_settings_pb2.LogLimits:
    """Return limits as they go over the wire."""
    return log_settings_pb2.LogLimits(lines_per_second=limits.lines_per_second, bytes_per_day=limits.bytes_per_day)


def limits_from_proto(limits: log_settings_pb2.LogLimits) -> Limits:
    """Return limits in the service's words."""
    return Limits(limits.lines_per_second, limits.bytes_per_day)


def rule_to_proto(rule: RetentionRule) -> log_settings_pb2.LogRetentionRule:
    """Return a rule as it goes over the wire."""
    made = log_settings_pb2.LogRetentionRule(
        deployment_id=rule.deployment_id, level_at_most=rule.level_at_most, days=rule.days
    )
    if rule.swept_until is not None:
        made.swept_until.CopyFrom(timestamp(rule.swept_until))
    return made


def rule_from_proto(rule: log_settings_pb2.LogRetentionRule) -> RetentionRule:
    """Return a rule in the service's words."""
    return RetentionRule(rule.deployment_id.lower(), rule.level_at_most, rule.days)
