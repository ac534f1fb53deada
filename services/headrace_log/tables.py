"""The tables of the schema `log`."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from sqlalchemy.dialects import postgresql

from headrace_chassis.tables import audit_pending_table, outbox_table, service_lease_table

metadata = sqlalchemy.MetaData(schema="log")

_time = sqlalchemy.DateTime(timezone=True)


def _columns_of_records() -> list[sqlalchemy.Column[Any]]:
    return [
        # The order over all records; see headrace_log.rules.positions.
        sqlalchemy.Column("position", sqlalchemy.BigInteger, nullable=False),
        sqlalchemy.Column("occurred_at", _time, nullable=False),
        sqlalchemy.Column("recorded_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
        sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
        sqlalchemy.Column("flow_run_id", sqlalchemy.Uuid),
        sqlalchemy.Column("task_run_id", sqlalchemy.Uuid),
        # As the writer gave it; without one, it is made of occurred_at and position when the record is read.
        sqlalchemy.Column("log_id", sqlalchemy.Uuid),
        sqlalchemy.Column("level", sqlalchemy.SmallInteger, nullable=False),
        # Number of headrace.api.v1.LogSource.
        sqlalchemy.Column("source", sqlalchemy.SmallInteger, nullable=False),
        sqlalchemy.Column("logger", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("message", sqlalchemy.Text, nullable=False),
        sqlalchemy.Column("worker_id", sqlalchemy.Text),
        sqlalchemy.Column("traceparent", sqlalchemy.Text),
        sqlalchemy.Column("fields", postgresql.JSONB),
    ]


record = sqlalchemy.Table(
    "record",
    metadata,
    *_columns_of_records(),
    sqlalchemy.Index("record_flow_run", "flow_run_id", "occurred_at", "position"),
    sqlalchemy.Index("record_workspace", "workspace_id", "occurred_at", "position"),
    sqlalchemy.Index(
        "record_task_run",
        "task_run_id",
        "occurred_at",
        "position",
        postgresql_where=sqlalchemy.text("task_run_id is not null"),
    ),
    postgresql_partition_by="RANGE (occurred_at)",
)

# Records are copied into it and stand in `record`, its only partition. Nobody may read it, so it needs no policy, of
# which COPY would be refused.
record_intake = sqlalchemy.Table(
    "record_intake", metadata, *_columns_of_records(), postgresql_partition_by="RANGE (occurred_at)"
)

# What text is in some thousands of records of a run that follow each other in the order of time.
stretch = sqlalchemy.Table(
    "stretch",
    metadata,
    sqlalchemy.Column("flow_run_id", sqlalchemy.Uuid, primary_key=True),
    # Its records are those behind (after_at, after_position) and up to (last_at, last_position) ...
    sqlalchemy.Column("last_at", _time, primary_key=True),
    sqlalchemy.Column("last_position", sqlalchemy.BigInteger, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("after_at", _time, nullable=False),
    sqlalchemy.Column("after_position", sqlalchemy.BigInteger, nullable=False),
    # ... that stood up to this position when it was made. Later ones between them are looked at one by one.
    sqlalchemy.Column("settled", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Column("records", sqlalchemy.Integer, nullable=False),
    # See headrace_log.rules.grams.
    sqlalchemy.Column("grams", postgresql.BYTEA, nullable=False),
    postgresql_partition_by="RANGE (last_at)",
)

writer = sqlalchemy.Table(
    "writer",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("process_id", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("last_sequence", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Column("missing", postgresql.ARRAY(sqlalchemy.BigInteger), nullable=False),
    sqlalchemy.Column("seen_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
)

appended_batch = sqlalchemy.Table(
    "appended_batch",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("digest", postgresql.BYTEA, primary_key=True),
    sqlalchemy.Column("recorded_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
    sqlalchemy.Index("appended_batch_recorded_at", "recorded_at"),
)

quota = sqlalchemy.Table(
    "quota",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    # 0 is no limit, here and below.
    sqlalchemy.Column("lines_per_second", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("bytes_per_day", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
)

usage = sqlalchemy.Table(
    "usage",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("day", sqlalchemy.Date, primary_key=True),
    sqlalchemy.Column("records", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Column("bytes", sqlalchemy.BigInteger, nullable=False),
)

retention_rule = sqlalchemy.Table(
    "retention_rule",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    # Empty: of all runs.
    sqlalchemy.Column("deployment_id", sqlalchemy.Text, primary_key=True),
    # 0: at all levels.
    sqlalchemy.Column("level_at_most", sqlalchemy.SmallInteger, primary_key=True),
    sqlalchemy.Column("days", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("swept_until", _time),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
)

sink = sqlalchemy.Table(
    "sink",
    metadata,
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("name", sqlalchemy.Text, primary_key=True),
    # Number of headrace.api.v1.LogSinkKind.
    sqlalchemy.Column("kind", sqlalchemy.SmallInteger, nullable=False),
    sqlalchemy.Column("url", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("header_names", postgresql.ARRAY(sqlalchemy.Text), nullable=False),
    # Sealed; empty without any.
    sqlalchemy.Column("headers", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("level_at_least", sqlalchemy.SmallInteger, nullable=False),
    sqlalchemy.Column("is_paused", sqlalchemy.Boolean, nullable=False),
    # How far it is, as a follower's token.
    sqlalchemy.Column("token", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("sent_records", sqlalchemy.BigInteger, nullable=False, server_default=sqlalchemy.text("0")),
    sqlalchemy.Column("sent_at", _time),
    sqlalchemy.Column("failures", sqlalchemy.Integer, nullable=False, server_default=sqlalchemy.text("0")),
    sqlalchemy.Column("last_error", sqlalchemy.Text, nullable=False, server_default=sqlalchemy.text("''")),
    # Counts changes by users.
    sqlalchemy.Column("revision", sqlalchemy.BigInteger, nullable=False, server_default=sqlalchemy.text("1")),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=sqlalchemy.func.now()),
)

service_lease = service_lease_table(metadata)
outbox = outbox_table(metadata)

audit_pending = audit_pending_table(metadata)
