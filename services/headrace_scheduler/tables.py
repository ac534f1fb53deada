"""The tables of the schema `scheduler`, for dynamic filters and for the comparison with the migrations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.tables import audit_pending_table, outbox_table, service_lease_table

metadata = sa.MetaData(schema="scheduler")

_NOW = sa.func.now()


def _id(name: str, *, key: bool = False, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid, primary_key=key, nullable=optional)


def _text(name: str, *, default: str | None = None, optional: bool = False, key: bool = False) -> sa.Column[Any]:
    text = sa.text(f"'{default}'::text") if default is not None else None
    return sa.Column(name, sa.Text, primary_key=key, nullable=optional, server_default=text)


def _time(name: str, *, default: bool = False, optional: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=optional, server_default=_NOW if default else None)


def _json(name: str, default: str | None = None) -> sa.Column[Any]:
    text = sa.text(f"'{default}'::jsonb") if default is not None else None
    return sa.Column(name, pg.JSONB, nullable=False, server_default=text)


def _array(name: str, kind: Any, kind_name: str) -> sa.Column[Any]:
    return sa.Column(name, pg.ARRAY(kind), nullable=False, server_default=sa.text(f"'{{}}'::{kind_name}[]"))


def _seconds(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Double, nullable=True)


def _flag(name: str, *, default: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false() if default else None)


def _integer(name: str, *, default: int | None = None, optional: bool = False) -> sa.Column[Any]:
    text = sa.text(str(default)) if default is not None else None
    return sa.Column(name, sa.Integer, nullable=optional, server_default=text)


def _creator() -> tuple[sa.Column[Any], ...]:
    return tuple(_text(f"creator_{part}", default="") for part in ("kind", "id", "name"))


work_pool = sa.Table(
    "work_pool",
    metadata,
    _id("work_pool_id", key=True),
    _id("workspace_id"),
    _text("name"),
    _text("description", default=""),
    _text("type"),
    _json("base_job_template"),
    _flag("paused"),
    _integer("concurrency_limit", optional=True),
    _id("default_queue_id"),
    _text("queue_policy", default="WEIGHTED"),
    _seconds("start_timeout_seconds"),
    _json("storage_configuration", "{}"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "name", name="work_pool_name_key"),
)

work_queue = sa.Table(
    "work_queue",
    metadata,
    _id("work_queue_id", key=True),
    _id("workspace_id"),
    _id("work_pool_id"),
    _text("name"),
    _text("description", default=""),
    _integer("priority"),
    _integer("weight", default=0),
    _flag("paused"),
    _integer("concurrency_limit", optional=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("work_pool_id", "name", name="work_queue_name_key"),
    sa.ForeignKeyConstraint(
        ["work_pool_id"], ["scheduler.work_pool.work_pool_id"], name="work_queue_work_pool_fkey", ondelete="CASCADE"
    ),
)

deployment = sa.Table(
    "deployment",
    metadata,
    _id("deployment_id", key=True),
    _id("workspace_id"),
    _id("flow_id"),
    _text("flow_name"),
    _text("name"),
    _id("version_id"),
    _integer("version_number"),
    _flag("paused"),
    _id("work_pool_id", optional=True),
    _id("work_queue_id", optional=True),
    _array("tags", sa.Text, "text"),
    _json("labels", "{}"),
    _integer("concurrency_limit", optional=True),
    _text("concurrency_strategy", default="ENQUEUE"),
    _seconds("grace_seconds"),
    _text("shared_limit_name", default=""),
    *_creator(),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _text("concurrency_key", default=""),
    _integer("concurrency_key_limit", optional=True),
    sa.UniqueConstraint("workspace_id", "flow_name", "name", name="deployment_name_key"),
    sa.ForeignKeyConstraint(["work_pool_id"], ["scheduler.work_pool.work_pool_id"], name="deployment_work_pool_fkey"),
    sa.ForeignKeyConstraint(
        ["work_queue_id"], ["scheduler.work_queue.work_queue_id"], name="deployment_work_queue_fkey"
    ),
    sa.Index("deployment_created_idx", "workspace_id", "created_at", "deployment_id"),
    sa.Index("deployment_updated_idx", "workspace_id", "updated_at", "deployment_id"),
    sa.Index("deployment_sorted_idx", "workspace_id", "name", "deployment_id"),
    sa.Index("deployment_work_pool_idx", "work_pool_id", postgresql_where=sa.text("work_pool_id is not null")),
    sa.Index("deployment_work_queue_idx", "work_queue_id", postgresql_where=sa.text("work_queue_id is not null")),
    sa.Index("deployment_tags_idx", "tags", postgresql_using="gin"),
)

deployment_version = sa.Table(
    "deployment_version",
    metadata,
    _id("version_id", key=True),
    _id("workspace_id"),
    _id("deployment_id"),
    _integer("number"),
    _json("content"),
    *_creator(),
    _time("created_at", default=True),
    _text("message", default=""),
    _integer("former_number", default=0),
    sa.UniqueConstraint("deployment_id", "number", name="deployment_version_number_key"),
    sa.ForeignKeyConstraint(
        ["deployment_id"],
        ["scheduler.deployment.deployment_id"],
        name="deployment_version_deployment_fkey",
        ondelete="CASCADE",
    ),
)

schedule = sa.Table(
    "schedule",
    metadata,
    _id("schedule_id", key=True),
    _id("workspace_id"),
    _id("deployment_id"),
    _text("slug"),
    _json("rule"),
    _flag("active", default=False),
    _json("parameters", "{}"),
    _time("starts_at", optional=True),
    _time("ends_at", optional=True),
    _text("catch_up", default="ALL"),
    _seconds("maximum_lateness_seconds"),
    sa.Column("jitter_seconds", sa.Double, nullable=False, server_default=sa.text("0")),
    _json("blackouts", "[]"),
    _time("cursor_at"),
    _time("next_at", optional=True),
    _array("upcoming_at", sa.DateTime(timezone=True), "timestamp with time zone"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("1")),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _array("calendar_names", sa.Text, "text"),
    sa.UniqueConstraint("deployment_id", "slug", name="schedule_slug_key"),
    sa.ForeignKeyConstraint(
        ["deployment_id"], ["scheduler.deployment.deployment_id"], name="schedule_deployment_fkey", ondelete="CASCADE"
    ),
    sa.Index("schedule_next_idx", "next_at", postgresql_where=sa.text("next_at is not null")),
    sa.Index(
        "schedule_calendars_idx",
        "calendar_names",
        postgresql_using="gin",
        postgresql_where=sa.text("calendar_names <> '{}'"),
    ),
)

calendar = sa.Table(
    "calendar",
    metadata,
    _id("workspace_id", key=True),
    _text("name", key=True),
    _text("description", default=""),
    _text("time_zone", default=""),
    _array("dates", sa.Text, "text"),
    _array("weekdays", sa.Integer, "integer"),
    _json("blackouts", "[]"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
)

worker = sa.Table(
    "worker",
    metadata,
    _id("worker_id", key=True),
    _id("workspace_id"),
    _text("name"),
    _id("work_pool_id", optional=True),
    _array("work_queue_names", sa.Text, "text"),
    _array("deployment_ids", sa.Uuid, "uuid"),
    _text("type"),
    _text("status"),
    _integer("capacity"),
    _array("flow_run_ids", sa.Uuid, "uuid"),
    _json("labels", "{}"),
    _text("client_version", default=""),
    _text("host", default=""),
    _id("connection_id"),
    _text("drain_reason", optional=True),
    _text("pause_reason", optional=True),
    _time("started_at", default=True),
    _time("last_heartbeat_at", default=True),
    _seconds("silent_after_seconds"),
    sa.ForeignKeyConstraint(
        ["work_pool_id"], ["scheduler.work_pool.work_pool_id"], name="worker_work_pool_fkey", ondelete="CASCADE"
    ),
    sa.Index("worker_work_pool_idx", "work_pool_id", "status", postgresql_where=sa.text("work_pool_id is not null")),
    sa.Index("worker_present_idx", "worker_id", postgresql_where=sa.text("status <> 'OFFLINE'")),
    sa.Index(
        "worker_deployments_idx",
        "deployment_ids",
        postgresql_using="gin",
        postgresql_where=sa.text("status <> 'OFFLINE'"),
    ),
    sa.Index("worker_listed_idx", "workspace_id", "worker_id"),
)

backfill = sa.Table(
    "backfill",
    metadata,
    _id("backfill_id", key=True),
    _id("workspace_id"),
    _id("deployment_id"),
    _id("version_id"),
    _text("name"),
    _text("status"),
    _text("message", default=""),
    _integer("concurrency", default=0),
    _text("item_order", default="ASC"),
    *_creator(),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _time("ended_at", optional=True),
    _time("looked_at", default=True),
    sa.ForeignKeyConstraint(
        ["deployment_id"], ["scheduler.deployment.deployment_id"], name="backfill_deployment_fkey", ondelete="CASCADE"
    ),
    sa.Index("backfill_listed_idx", "workspace_id", "backfill_id"),
    sa.Index("backfill_deployment_idx", "deployment_id"),
    sa.Index(
        "backfill_unsettled_idx",
        "looked_at",
        postgresql_where=sa.text("status in ('RUNNING', 'PAUSED', 'CANCELLING')"),
    ),
)

backfill_item = sa.Table(
    "backfill_item",
    metadata,
    _id("backfill_id", key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    _time("slot_at", optional=True),
    _json("parameters", "{}"),
    _id("flow_run_id", optional=True),
    _text("state", default="WAITING"),
    _integer("tries", default=0),
    sa.ForeignKeyConstraint(
        ["backfill_id"], ["scheduler.backfill.backfill_id"], name="backfill_item_backfill_fkey", ondelete="CASCADE"
    ),
    sa.Index("backfill_item_state_idx", "backfill_id", "state", "number"),
)

service_level = sa.Table(
    "service_level",
    metadata,
    _id("service_level_id", key=True),
    _id("workspace_id"),
    _id("deployment_id"),
    _text("name"),
    _text("kind"),
    sa.Column("within_seconds", sa.Double, nullable=False),
    _text("severity", default="MODERATE"),
    _flag("disabled"),
    _time("since", default=True),
    _time("checked_at", default=True),
    _time("next_check_at", default=True),
    _time("violated_at", optional=True),
    _time("created_at", default=True),
    sa.UniqueConstraint("deployment_id", "name", name="service_level_name_key"),
    sa.ForeignKeyConstraint(
        ["deployment_id"],
        ["scheduler.deployment.deployment_id"],
        name="service_level_deployment_fkey",
        ondelete="CASCADE",
    ),
    sa.Index("service_level_due_idx", "next_check_at", postgresql_where=sa.text("not disabled")),
)

service_level_violation = sa.Table(
    "service_level_violation",
    metadata,
    _id("service_level_id", key=True),
    _text("subject", key=True),
    _time("violated_at", default=True),
    sa.ForeignKeyConstraint(
        ["service_level_id"],
        ["scheduler.service_level.service_level_id"],
        name="service_level_violation_service_level_fkey",
        ondelete="CASCADE",
    ),
    sa.Index("service_level_violation_at_idx", "violated_at"),
)

errand = sa.Table(
    "errand",
    metadata,
    _text("kind", key=True),
    _text("subject", key=True),
    _id("workspace_id"),
    _json("payload", "{}"),
    _time("created_at", default=True),
)

outbox = outbox_table(metadata)
service_lease = service_lease_table(metadata)

audit_pending = audit_pending_table(metadata)
