"""Service levels to and from the wire."""

from __future__ import annotations

import uuid

from headrace.api.v1 import flow_run_pb2
from headrace.api.v1 import service_level_pb2 as pb
from headrace_scheduler.rules.service_level import GivenLevel, Kind, LevelRun, ServiceLevel, Severity
from headrace_scheduler.wire import values

_SEVERITIES = {
    pb.SERVICE_LEVEL_SEVERITY_UNSPECIFIED: Severity.MODERATE,
    **{pb.ServiceLevelSeverity.Value(f"SERVICE_LEVEL_SEVERITY_{severity}"): severity for severity in Severity},
}


def to_level(message: pb.ServiceLevel) -> GivenLevel:
    """Return the promise that a user gives."""
    return GivenLevel(
        name=message.name,
        kind=Kind(pb.ServiceLevelKind.Name(message.kind).removeprefix("SERVICE_LEVEL_KIND_")),
        within_seconds=values.to_seconds(message, "within") or 0.0,
        severity=_SEVERITIES.get(message.severity, Severity.MODERATE),
        disabled=message.disabled,
    )


def from_level(level: ServiceLevel) -> pb.ServiceLevel:
    """Return a promise as a message."""
    return pb.ServiceLevel(
        service_level_id=str(level.service_level_id),
        deployment_id=str(level.deployment_id),
        name=level.name,
        kind=pb.ServiceLevelKind.Value(f"SERVICE_LEVEL_KIND_{level.kind}"),
        within=values.from_seconds(level.within_seconds),
        severity=pb.ServiceLevelSeverity.Value(f"SERVICE_LEVEL_SEVERITY_{level.severity}"),
        disabled=level.disabled,
        violated_at=values.from_time(level.violated_at),
        created_at=values.from_time(level.created_at),
    )


def to_run(message: flow_run_pb2.FlowRun) -> LevelRun:
    """Return a run, as far as promises are about it."""
    return LevelRun(
        uuid.UUID(message.flow_run_id),
        message.name,
        values.to_time(message, "expected_start_at"),
        values.to_time(message, "started_at"),
        values.to_time(message, "ended_at"),
    )
