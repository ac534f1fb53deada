"""The tables of the schema `notification`."""

from __future__ import annotations

import sqlalchemy
from sqlalchemy.dialects import postgresql

from headrace_chassis.tables import audit_pending_table, outbox_table, service_lease_table

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

# Where people are told what happened.
channel = sqlalchemy.Table(
    "channel",
    metadata,
    sqlalchemy.Column("channel_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("kind", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("description", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("paused", sqlalchemy.Boolean, nullable=False),
    # As the kind's schema says, with a mask in place of secrets.
    sqlalchemy.Column("config", postgresql.JSONB, nullable=False),
    # {"<JSON pointer>": "<sealed>"}
    sqlalchemy.Column("secrets", postgresql.JSONB, nullable=False),
    # As headrace_notification.rules.channels writes it.
    sqlalchemy.Column("policy", postgresql.JSONB, nullable=False),
    # When all that was sent is spread out as the channel's rate says.
    sqlalchemy.Column("free_at", _time),
    # Nothing is sent before: the receiver asked for it.
    sqlalchemy.Column("held_until", _time),
    sqlalchemy.Column("created_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Index("channel_by_name", "workspace_id", "name", unique=True),
)

channel_delivery = sqlalchemy.Table(
    "channel_delivery",
    metadata,
    sqlalchemy.Column("channel_delivery_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("channel_id", sqlalchemy.Uuid, nullable=False),
    # Copies: the channel may be changed or deleted meanwhile.
    sqlalchemy.Column("channel_name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("channel_kind", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("dedup_key", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("group_key", sqlalchemy.Text, nullable=False),
    # As headrace_notification.rules.messages writes it.
    sqlalchemy.Column("message", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("event_id", sqlalchemy.Uuid),
    sqlalchemy.Column("automation_id", sqlalchemy.Uuid),
    sqlalchemy.Column("flow_run_id", sqlalchemy.Uuid),
    sqlalchemy.Column("status", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("tries", sqlalchemy.Integer, nullable=False),
    # Number of the try after which it is given up.
    sqlalchemy.Column("last_try", sqlalchemy.Integer, nullable=False),
    # When it was first to be sent; the next of its group comes behind.
    sqlalchemy.Column("scheduled_at", _time, nullable=False),
    # While a try is in progress: when another process may take it over.
    sqlalchemy.Column("next_try_at", _time),
    sqlalchemy.Column("last_answer", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("last_status_code", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("created_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("ended_at", _time),
    # The delivery that it was sent as a part of, and how many messages this one stands for.
    sqlalchemy.Column("digest_id", sqlalchemy.Uuid),
    sqlalchemy.Column("grouped", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("acknowledged_at", _time),
    sqlalchemy.Column("acknowledged_by", sqlalchemy.Text, nullable=False),
    # When another channel is told; unset again when it is.
    sqlalchemy.Column("escalates_at", _time),
    sqlalchemy.Column("escalated_to_id", sqlalchemy.Uuid),
    sqlalchemy.Column("escalation_of_id", sqlalchemy.Uuid),
    sqlalchemy.Column("escalations", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Index(
        "channel_delivery_due",
        "channel_id",
        "next_try_at",
        "channel_delivery_id",
        postgresql_where=sqlalchemy.text("status = 'PENDING'"),
    ),
    sqlalchemy.Index(
        "channel_delivery_group",
        "channel_id",
        "group_key",
        "scheduled_at",
        postgresql_where=sqlalchemy.text("group_key <> ''"),
    ),
    sqlalchemy.Index("channel_delivery_key", "channel_id", "dedup_key", unique=True),
    sqlalchemy.Index("channel_delivery_workspace", "workspace_id", "channel_delivery_id"),
    sqlalchemy.Index("channel_delivery_channel", "channel_id", "channel_delivery_id"),
    *(
        sqlalchemy.Index(
            f"channel_delivery_{name}", *columns, postgresql_where=sqlalchemy.text(f"{columns[0]} is not null")
        )
        for name, columns in (
            ("event", ("event_id",)),
            ("automation", ("automation_id", "channel_delivery_id")),
            ("flow_run", ("flow_run_id", "channel_delivery_id")),
            ("digest", ("digest_id", "channel_delivery_id")),
            ("escalating", ("escalates_at",)),
            ("ended", ("ended_at",)),
        )
    ),
)

channel_delivery_try = sqlalchemy.Table(
    "channel_delivery_try",
    metadata,
    sqlalchemy.Column(
        "channel_delivery_id",
        sqlalchemy.Uuid,
        sqlalchemy.ForeignKey(
            channel_delivery.c.channel_delivery_id, name="channel_delivery_try_of", ondelete="CASCADE"
        ),
        primary_key=True,
    ),
    sqlalchemy.Column("number", sqlalchemy.Integer, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("ended_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("took_seconds", sqlalchemy.Double, nullable=False),
    sqlalchemy.Column("delivered", sqlalchemy.Boolean, nullable=False),
    sqlalchemy.Column("status_code", sqlalchemy.Integer, nullable=False),
    # Cut, and without secrets.
    sqlalchemy.Column("answer", sqlalchemy.Text, nullable=False),
)

webhook = sqlalchemy.Table(
    "webhook",
    metadata,
    sqlalchemy.Column("webhook_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("name", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("slug", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("description", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("paused", sqlalchemy.Boolean, nullable=False),
    sqlalchemy.Column("authentication", sqlalchemy.Text, nullable=False),
    # Sealed; "" without authentication.
    sqlalchemy.Column("secret", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("secret_before", sqlalchemy.Text, nullable=False),
    sqlalchemy.Column("grace_until", _time),
    # As headrace_notification.rules.webhooks writes it.
    sqlalchemy.Column("template", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("replay_window_seconds", postgresql.DOUBLE_PRECISION, nullable=False),
    sqlalchemy.Column("most_bytes", sqlalchemy.Integer, nullable=False),
    sqlalchemy.Column("most_per_minute", sqlalchemy.Integer, nullable=False),
    # Whose question about the address is answered; "" is nobody's.
    sqlalchemy.Column("handshake", sqlalchemy.Text, nullable=False, server_default=""),
    sqlalchemy.Column("creator", postgresql.JSONB, nullable=False),
    sqlalchemy.Column("created_at", _time, nullable=False, server_default=_now),
    sqlalchemy.Column("updated_at", _time, nullable=False, server_default=_now),
    # When all calls that were taken are spread out as the most in a minute allows.
    sqlalchemy.Column("free_at", _time),
    sqlalchemy.Column("last_received_at", _time),
    sqlalchemy.Column("received_count", sqlalchemy.BigInteger, nullable=False, server_default="0"),
    sqlalchemy.Column("last_error", sqlalchemy.Text, nullable=False, server_default=""),
    sqlalchemy.Column("last_error_at", _time),
    sqlalchemy.Index("webhook_slug", "slug", unique=True),
    sqlalchemy.Index("webhook_by_name", "workspace_id", "name", "webhook_id"),
)

# Calls that, if they come again, are the same event.
webhook_call = sqlalchemy.Table(
    "webhook_call",
    metadata,
    sqlalchemy.Column("webhook_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("digest", postgresql.BYTEA, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("event_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("expires_at", _time, nullable=False),
    sqlalchemy.Index("webhook_call_expires", "expires_at"),
)

# Events that are looked at behind others, which have not come.
held_event = sqlalchemy.Table(
    "held_event",
    metadata,
    sqlalchemy.Column("event_id", sqlalchemy.Uuid, primary_key=True),
    sqlalchemy.Column("workspace_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("follows_event_id", sqlalchemy.Uuid, nullable=False),
    sqlalchemy.Column("occurred_at", _time, nullable=False),
    sqlalchemy.Column("held_until", _time, nullable=False),
    sqlalchemy.Index("held_event_follows", "follows_event_id"),
    sqlalchemy.Index("held_event_until", "held_until"),
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

audit_pending = audit_pending_table(metadata)
