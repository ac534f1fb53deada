"""The tables of the schema `log`."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.dialects import postgresql

from headrace_chassis.tables import audit_pending_table, outbox_table

metadata = sqlalchemy.MetaData(schema="log")

_time = sqlalchemy.DateTime(timezone=True)

record = sqlalchemy.Table(
    "record",
    metadata,
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

outbox = outbox_table(metadata)

audit_pending = audit_pending_table(metadata)
