"""The tables of the schema `state`, for dynamic filters and for the comparison with the migrations."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from headrace_chassis.columns import count_column as _count
from headrace_chassis.columns import flag_column as _flag
from headrace_chassis.columns import id_column as _id
from headrace_chassis.columns import integer_column as _integer
from headrace_chassis.columns import json_column as _json
from headrace_chassis.columns import number_column as _number
from headrace_chassis.columns import object_column as _object
from headrace_chassis.columns import text_column as _text
from headrace_chassis.columns import time_column as _time
from headrace_chassis.columns import words_column as _words
from headrace_chassis.tables import audit_pending_table, outbox_table, service_lease_table

metadata = sa.MetaData(schema="state")

flow = sa.Table(
    "flow",
    metadata,
    _id("flow_id", key=True),
    _id("workspace_id"),
    _text("name"),
    _text("description", default=True),
    _words("tags"),
    _object("labels"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "name", name="flow_name_key"),
)

flow_run = sa.Table(
    "flow_run",
    metadata,
    _id("flow_run_id", key=True),
    _id("workspace_id"),
    _id("flow_id"),
    _text("flow_name"),
    _text("name"),
    _id("state_id"),
    _text("state_type"),
    _text("state_name"),
    _text("state_message", default=True),
    _time("state_at"),
    sa.Column("state_version", sa.BigInteger, nullable=False),
    _object("state_details"),
    _json("state_result"),
    _id("deployment_id", optional=True),
    _text("deployment_name", default=True),
    _id("deployment_version_id", optional=True),
    _text("flow_version", default=True),
    _id("work_pool_id", optional=True),
    _text("work_pool_name", default=True),
    _id("work_queue_id", optional=True),
    _text("work_queue_name", default=True),
    _text("worker_id", default=True),
    _text("worker_name", default=True),
    _words("tags"),
    _object("labels"),
    _text("notes", default=True),
    _id("parent_task_run_id", optional=True),
    _id("parent_flow_run_id", optional=True),
    _id("root_flow_run_id"),
    _text("idempotency_key", optional=True),
    _text("creator_kind", default=True),
    _text("creator_id", default=True),
    _text("creator_name", default=True),
    _flag("auto_scheduled", False),
    _object("retry_policy"),
    _integer("retries_used"),
    _integer("infrastructure_retries_used"),
    _integer("run_count"),
    _integer("attempt"),
    _id("attempt_token", optional=True),
    _id("lease_id", optional=True),
    sa.Column("answers", pg.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    _words("limits"),
    sa.Column("concurrency_strategy", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    _number("maximum_lateness_seconds", optional=True),
    _object("worker_labels"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _time("expected_start_at", optional=True),
    _time("next_scheduled_start_at", optional=True),
    _time("started_at", optional=True),
    _time("ended_at", optional=True),
    _number("run_seconds", default=True),
    _number("start_delay_seconds", optional=True),
    _text("infrastructure_id", default=True),
)

flow_run_payload = sa.Table(
    "flow_run_payload",
    metadata,
    _id("flow_run_id", key=True),
    _id("workspace_id"),
    _object("parameters"),
    _object("job_variables"),
    _object("context"),
)

task_run = sa.Table(
    "task_run",
    metadata,
    _id("task_run_id", key=True),
    _id("workspace_id"),
    _id("flow_run_id", optional=True),
    _text("task_key", default=True),
    _text("dynamic_key", default=True),
    _text("name", default=True),
    _id("state_id"),
    _text("state_type"),
    _text("state_name"),
    _text("state_message", default=True),
    _time("state_at"),
    sa.Column("state_version", sa.BigInteger, nullable=False),
    _json("state_details"),
    _json("state_result"),
    _words("tags"),
    _object("labels"),
    _text("task_version", default=True),
    _json("inputs"),
    _json("retry_policy"),
    _text("cache_key", default=True),
    _time("cache_expires_at", optional=True),
    _integer("run_count"),
    _integer("flow_run_run_count"),
    _integer("attempt"),
    _id("child_flow_run_id", optional=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _time("expected_start_at", optional=True),
    _time("started_at", optional=True),
    _time("ended_at", optional=True),
    _number("run_seconds", default=True),
)

transition = sa.Table(
    "transition",
    metadata,
    _id("run_id", key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    _time("occurred_at", key=True),
    _time("recorded_at", default=True),
    _id("workspace_id"),
    _id("flow_run_id", optional=True),
    _integer("attempt"),
    _id("state_id"),
    _text("state_type"),
    _text("state_name"),
    _text("message", default=True),
    _json("details"),
    _json("result"),
    _id("proposal_id", optional=True),
    _json("answer"),
    postgresql_partition_by="RANGE (occurred_at)",
)

due_run = sa.Table(
    "due_run",
    metadata,
    _id("flow_run_id", key=True),
    _id("workspace_id"),
    _time("due_at"),
    _time("expires_at", optional=True),
    _id("work_pool_id", optional=True),
    _id("work_queue_id", optional=True),
    _id("deployment_id", optional=True),
    _words("limits"),
    _object("worker_labels"),
    sa.Column("concurrency_strategy", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    _flag("is_late", False),
)

concurrency_limit = sa.Table(
    "concurrency_limit",
    metadata,
    _id("workspace_id", key=True),
    _text("name", key=True),
    _integer("slots", default=None),
    _flag("is_active", True),
    _number("slot_decay_per_second", default=True),
    _number("level", default=True),
    _time("level_at", default=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.CheckConstraint("slots >= 0", name="concurrency_limit_slots_check"),
)

lease = sa.Table(
    "lease",
    metadata,
    _id("lease_id", key=True),
    _id("workspace_id"),
    _text("holder_kind"),
    _text("holder_id"),
    _id("flow_run_id", optional=True),
    _id("token", optional=True),
    _words("limits"),
    _time("since", default=True),
    _number("duration_seconds"),
    _time("expires_at"),
    _id("taken_by", optional=True),
)

lease_slot = sa.Table(
    "lease_slot",
    metadata,
    _id("workspace_id", key=True),
    _text("limit_name", key=True),
    _id("lease_id", key=True),
    _integer("slots", default=None),
)

waiter = sa.Table(
    "waiter",
    metadata,
    _id("lease_id", key=True),
    _id("workspace_id"),
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False),
    _words("names", default=False),
    _integer("slots", default=None),
    _text("holder_kind"),
    _text("holder_id"),
    _number("lease_seconds"),
    _time("since", default=True),
    _time("keep_until"),
    _id("taken_by", optional=True),
)

start_deadline = sa.Table(
    "start_deadline",
    metadata,
    _id("attempt_token", key=True),
    _id("workspace_id"),
    _id("flow_run_id"),
    _number("timeout_seconds"),
    _time("start_by"),
)

artifact = sa.Table(
    "artifact",
    metadata,
    _id("artifact_id", key=True),
    _id("workspace_id"),
    _text("key", default=True),
    _text("kind"),
    _text("type", default=True),
    _json("content"),
    sa.Column("data", pg.BYTEA),
    _text("description", default=True),
    _object("metadata"),
    _id("flow_run_id", optional=True),
    _id("task_run_id", optional=True),
    _flag("is_latest", True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
)

variable = sa.Table(
    "variable",
    metadata,
    _id("variable_id", key=True),
    _id("workspace_id"),
    _text("name"),
    _json("value"),
    _words("tags"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "name", name="variable_name_key"),
)

block_type = sa.Table(
    "block_type",
    metadata,
    _id("block_type_id", key=True),
    _id("workspace_id"),
    _text("slug"),
    _text("name"),
    *(_text(name, default=True) for name in ("description", "logo_url", "documentation_url", "code_example")),
    _id("block_schema_id"),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "slug", name="block_type_slug_key"),
)

block_schema = sa.Table(
    "block_schema",
    metadata,
    *(_id(name, key=name == "block_schema_id") for name in ("block_schema_id", "workspace_id", "block_type_id")),
    _text("checksum"),
    _object("fields"),
    _words("secret_fields"),
    _words("capabilities"),
    _text("version", default=True),
    _time("created_at", default=True),
    _text("client_checksum", default=True),
    sa.UniqueConstraint("block_type_id", "checksum", name="block_schema_checksum_key"),
)

block = sa.Table(
    "block",
    metadata,
    *(_id(name, key=name == "block_id") for name in ("block_id", "workspace_id", "block_type_id", "block_schema_id")),
    _text("name"),
    _object("data"),
    _text("secrets", default=True),
    _words("secret_paths"),
    _text("key_name", default=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "block_type_id", "name", name="block_name_key"),
)

block_reference = sa.Table(
    "block_reference",
    metadata,
    _id("block_id", key=True),
    _text("path", key=True),
    _id("referenced_block_id"),
)

run_input = sa.Table(
    "run_input",
    metadata,
    _id("flow_run_id", key=True),
    _text("key", key=True),
    _id("workspace_id"),
    _json("value"),
    _text("sender", default=True),
    _time("created_at", default=True),
)

bulk_operation = sa.Table(
    "bulk_operation",
    metadata,
    _id("bulk_operation_id", key=True),
    _id("workspace_id"),
    sa.Column("action", pg.JSONB, nullable=False),
    _object("filter"),
    sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'PENDING'::text")),
    _count("run_count"),
    _flag("is_capped", False),
    _id("last_flow_run_id", optional=True),
    _count("looked_at_count"),
    _count("changed_count"),
    _count("refused_count"),
    sa.Column("refusals", pg.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    _text("creator_kind", default=True),
    _text("creator_id", default=True),
    _text("creator_name", default=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    _time("ended_at", optional=True),
)

run_note = sa.Table(
    "run_note",
    metadata,
    _id("run_note_id", key=True),
    _id("workspace_id"),
    _id("flow_run_id"),
    _text("text"),
    _text("creator_kind", default=True),
    _text("creator_id", default=True),
    _text("creator_name", default=True),
    _time("created_at", default=True),
)

background_task = sa.Table(
    "background_task",
    metadata,
    _id("task_run_id", key=True),
    _id("workspace_id"),
    _text("task_key"),
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), nullable=False),
    _time("due_at"),
    sa.Column("waits_for", pg.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'::uuid[]")),
    _flag("is_waiting", False),
    _flag("is_cancelling", False),
    sa.Column("parameters", pg.BYTEA),
    _json("parameters_reference"),
    _id("server_id", optional=True),
    _id("token", optional=True),
    _integer("deliveries"),
    _time("lease_expires_at", optional=True),
    _time("created_at", default=True),
    _id("queued_by", optional=True),
)

task_server = sa.Table(
    "task_server",
    metadata,
    _id("workspace_id", key=True),
    _id("server_id", key=True),
    _text("name", default=True),
    _words("task_keys"),
    _integer("slots", default=None),
    _text("client_version", default=True),
    _time("connected_at", default=True),
    _time("seen_at", default=True),
)

retention_rule = sa.Table(
    "retention_rule",
    metadata,
    _id("workspace_id", key=True),
    _text("kind", key=True),
    _text("scope", key=True, default=True),
    _text("subject", key=True, default=True),
    _number("keep_days", optional=True),
    _time("updated_at", default=True),
)

asset = sa.Table(
    "asset",
    metadata,
    _id("asset_id", key=True),
    _id("workspace_id"),
    _text("key"),
    _text("name", default=True),
    _text("description", default=True),
    _text("url", default=True),
    _words("owners"),
    _id("last_materialization_id", optional=True),
    _time("last_materialized_at", optional=True),
    _time("created_at", default=True),
    _time("updated_at", default=True),
    sa.UniqueConstraint("workspace_id", "key", name="asset_key_key"),
)

asset_materialization = sa.Table(
    "asset_materialization",
    metadata,
    _id("materialization_id", key=True),
    _id("workspace_id"),
    _id("asset_id"),
    _text("asset_key"),
    _id("flow_run_id", optional=True),
    _id("task_run_id", optional=True),
    sa.Column("succeeded", sa.Boolean, nullable=False),
    _text("materialized_by", default=True),
    _object("metadata"),
    _text("message", default=True),
    _time("created_at", default=True),
)

asset_dependency = sa.Table(
    "asset_dependency",
    metadata,
    _id("asset_id", key=True),
    _id("upstream_asset_id", key=True),
    _id("workspace_id"),
    _time("last_at", default=True),
)

outbox = outbox_table(metadata)
service_lease = service_lease_table(metadata)

audit_pending = audit_pending_table(metadata)
