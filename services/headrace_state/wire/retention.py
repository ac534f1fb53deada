"""Retention."""

from __future__ import annotations

from headrace import errors
from headrace.api.v1 import retention_pb2
from headrace_state.rules.retention import DEPLOYMENT, EVERYTHING, FOR_EVER, TAG, RetentionKind, RetentionRule
from headrace_state.rules.rows import Row
from headrace_state.wire import values

MOST_DAYS = 36_500.0

_KINDS_OF_TABLES = {
    ("state", "flow_run"): "FLOW_RUN",
    ("state", "flow_run_payload"): "FLOW_RUN",
    ("state", "task_run"): "FLOW_RUN",
    ("state", "run_input"): "FLOW_RUN",
    ("state", "run_note"): "FLOW_RUN",
    ("state", "artifact"): "ARTIFACT",
    ("state", "transition"): "TRANSITION",
    ("log", "record"): "LOG_RECORD",
    ("notification", "event"): "EVENT",
}


def rule(stored: RetentionRule, setting: str = "") -> retention_pb2.RetentionRule:
    """Return a rule, or what a setting of the server says."""
    message = retention_pb2.RetentionRule(
        kind=kind_number(stored.kind), setting=setting, updated_at=values.from_time(stored.updated_at)
    )
    if stored.scope == DEPLOYMENT:
        message.deployment_id = stored.subject
    elif stored.scope == TAG:
        message.tag = stored.subject
    if stored.keep_days != FOR_EVER:
        message.keep_days = stored.keep_days
    return message


def to_rule(message: retention_pb2.RetentionRule) -> RetentionRule:
    """Return a rule that is to be set.

    Raises:
        errors.InvalidArgument: Workspaces do not decide on the kind, it has no such subjects, or the time is none.
    """
    kind, scope, subject = to_place(message, "rule.")
    days = message.keep_days if message.HasField("keep_days") else FOR_EVER
    if days != FOR_EVER and not 0 < days <= MOST_DAYS:
        raise errors.InvalidArgument.of_field("rule.keep_days", f"must be above 0 and not above {MOST_DAYS:g}")
    return RetentionRule(kind, scope, subject, days)


def to_place(
    message: retention_pb2.RetentionRule | retention_pb2.DeleteRetentionRuleRequest, prefix: str = ""
) -> tuple[str, str, str]:
    """Return the kind, scope and subject of a rule.

    Raises:
        errors.InvalidArgument: Workspaces do not decide on the kind, or it has no such subjects.
    """
    name = (
        retention_pb2.RetentionKind.Name(message.kind) if message.kind in retention_pb2.RetentionKind.values() else ""
    )
    kind = name.removeprefix("RETENTION_KIND_")
    if kind not in set(RetentionKind):
        raise errors.InvalidArgument.of_field(f"{prefix}kind", f"must be one of {', '.join(RetentionKind)}")
    subject = message.WhichOneof("subject")
    if subject is None:
        return kind, EVERYTHING, ""
    if kind != RetentionKind.FLOW_RUN:
        raise errors.InvalidArgument.of_field(f"{prefix}{subject}", "is something that only flow runs have")
    if subject == "tag":
        if not message.tag:
            raise errors.InvalidArgument.of_field(f"{prefix}tag", "must not be empty")
        return kind, TAG, message.tag
    return kind, DEPLOYMENT, str(values.to_id(message.deployment_id, f"{prefix}deployment_id"))


def kind_number(kind: str) -> retention_pb2.RetentionKind.ValueType:
    """Return the number of a kind."""
    return retention_pb2.RetentionKind.Value(f"RETENTION_KIND_{kind}")


def size(row: Row) -> retention_pb2.TableSize:
    """Return how much room a table takes."""
    table = row["table_name"]
    kind = "OUTBOX" if table == "outbox" else _KINDS_OF_TABLES.get((row["service"], table), "UNSPECIFIED")
    return retention_pb2.TableSize(
        service=row["service"],
        table=table,
        kind=kind_number(kind),
        row_count=row["row_count"],
        data_bytes=row["data_bytes"],
        index_bytes=row["index_bytes"],
        partition_count=row["partition_count"],
    )
