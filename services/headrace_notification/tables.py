"""The tables of the schema `notification`."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.dialects import postgresql

from headrace_chassis.tables import outbox_table, service_lease_table

metadata = sqlalchemy.MetaData(schema="notification")

_time = sqlalchemy.DateTime(timezone=True)
_texts = postgresql.ARRAY(sqlalchemy.Text)
_now = sqlalchemy.func.now()

event = sqlalchemy.Table(
    "event",
    metadata,
    # The order of commits; see headrace_notification.rules.positions.
    sqlalchemy.Column("position", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Column("event_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("occurred_at", _time, primary_key=True),
    sqlalchemy.Column("received_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("resource_id", sqlalchemy.Text, nullable=False),
    # {"name": ..., "labels": {...}}
    sqlalchemy.Column("resource", postgresql.JSONB, nullable=False),
    # [{"id": ..., "name": ..., "role": ..., "labels": {...}}]
    sqlalchemy.Column("related", postgresql.JSONB, nullable=False),
    # The ids in `related`, for the index.
    sqlalchemy.Column("related_ids", _texts, nullable=False),
    sqlalchemy.Column("payload", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("follows_event_id", sqlalchemy.Uuid),
    sqlalchemy.Index("event_workspace", "workspace_id", "occurred_at", "position"),
    sqlalchemy.Index("event_name", "workspace_id", "name", "occurred_at", "position"),
    sqlalchemy.Index("event_resource", "workspace_id", "resource_id", "occurred_at", "position"),
    sqlalchemy.Index("event_related", "related_ids", postgresql_using="gin"),
    postgresql_partition_by="RANGE (occurred_at)",
)

automation = sqlalchemy.Table(
    "automation",
    metadata,
    sqlalchemy.Column("automation_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("description", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("enabled", sqlalchemy.Boolean, nullable=False),
    sqlalchemy.Column("tags", _texts, nullable=False),
    # As headrace_notification.rules.automations writes them; what is secret is sealed.
    sqlalchemy.Column("trigger", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("actions", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("actions_on_trigger", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("actions_on_resolve", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("owner_resource_id", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("creator", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("created_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("last_fired_at", _time),
    # The catalogue's version with the last change.
    sqlalchemy.Column("version", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.Index("automation_by_name", "workspace_id", "name", "automation_id"),
    sqlalchemy.Index("automation_version", "version"),
)

# One row, changed with every change of any automation: who has read up to its version knows all of them.
catalogue = sqlalchemy.Table(
    "catalogue",
    metadata,
    sqlalchemy.Column("is_only", sqlalchemy.Boolean, primary_key=True, server_default=sqlalchemy.true()),
    sqlalchemy.Column("version", sqlalchemy.BigInteger, nullable=False),
    sqlalchemy.CheckConstraint("is_only", name="catalogue_only"),
)

bucket = sqlalchemy.Table(
    "bucket",
    metadata,
    sqlalchemy.Column("automation_id", sqlalchemy.Uuid, primary_key=True),
    # The values of the trigger's for_each.
    sqlalchemy.Column("key", _texts, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("starts_at", _time, nullable=False),
    sqlalchemy.Column("ends_at", _time, nullable=False),
    sqlalchemy.Column("count", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("fired_at", _time),
    # The event that opened it or last counted in it, as deliveries show it.
    sqlalchemy.Column("last_event", postgresql.JSONB),
    # When a timer has to look at it; unset where only events matter.
    sqlalchemy.Column("due_at", _time),
    # Those whose events must be known up to due_at before the absence of an event can be told.
    sqlalchemy.Column("sources", _texts, nullable=False),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=_now),
    # Of several conditions those that came true: {"place": {"at": ..., "since": ..., "event": {...}}}
    sqlalchemy.Column("came_true", postgresql.JSONB),
    sqlalchemy.Index("bucket_due", "due_at", postgresql_where=sqlalchemy.text("due_at is not null")),
    sqlalchemy.Index("bucket_updated", "updated_at"),
)

delivery = sqlalchemy.Table(
    "delivery",
    metadata,
    sqlalchemy.Column("delivery_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("automation_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("automation_name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("event_id", sqlalchemy.Uuid),
    sqlalchemy.Column("action_kind", sqlalchemy.Text, nullable=False),
    # Copies of what was when it fired: the automation may be changed or deleted meanwhile.
    sqlalchemy.Column("action", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("context", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("status", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("tries", sqlalchemy.Integer, nullable=False),
    # While a try is in progress: when another process may take it over.
    sqlalchemy.Column("next_try_at", _time),
    sqlalchemy.Column("last_answer", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("last_status_code", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("created_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("ended_at", _time),
    sqlalchemy.Index(
        "delivery_due",
        "automation_id",
        "next_try_at",
        "delivery_id",
        postgresql_where=sqlalchemy.text("status = 'PENDING'"),
    ),
    sqlalchemy.Index("delivery_workspace", "workspace_id", "delivery_id"),
    sqlalchemy.Index("delivery_automation", "automation_id", "delivery_id"),
    sqlalchemy.Index("delivery_event", "event_id", postgresql_where=sqlalchemy.text("event_id is not null")),
    sqlalchemy.Index("delivery_ended", "ended_at", postgresql_where=sqlalchemy.text("ended_at is not null")),
)

# How far this service has come in following others, and in evaluating its own events.
cursor = sqlalchemy.Table(
    "cursor",
    metadata,
    # "state", "scheduler", or "evaluation".
    sqlalchemy.Column("name", sqlalchemy.Text, primary_key=True),
    sqlalchemy.Column("cursor", sqlalchemy.Text, nullable=False),
    # Everything that happened there until then is evaluated; for "evaluation": everything stored here.
    sqlalchemy.Column("evaluated_until", _time),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=_now),
)

outbox = outbox_table(metadata)
service_lease = service_lease_table(metadata)
