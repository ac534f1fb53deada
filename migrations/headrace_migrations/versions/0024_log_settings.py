"""Limits, retention and sinks of log records"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as, create_service_lease, drop_service_lease

revision = "0024_log_settings"
down_revision = "0023_identity_sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("log"):
        create_service_lease()
        op.execute(
            """
            create table quota (
                workspace_id     uuid        not null,
                lines_per_second integer     not null,
                bytes_per_day    bigint      not null,
                updated_at       timestamptz not null default now(),
                constraint quota_pkey primary key (workspace_id)
            )
            """
        )
        op.execute(
            """
            create table usage (
                workspace_id uuid   not null,
                day          date   not null,
                records      bigint not null,
                bytes        bigint not null,
                constraint usage_pkey primary key (workspace_id, day)
            ) with (fillfactor = 50)
            """
        )
        op.execute(
            """
            create table retention_rule (
                workspace_id  uuid        not null,
                deployment_id text        not null,
                level_at_most smallint    not null,
                days          integer     not null,
                swept_until   timestamptz,
                updated_at    timestamptz not null default now(),
                constraint retention_rule_pkey primary key (workspace_id, deployment_id, level_at_most)
            )
            """
        )
        op.execute(
            """
            create table sink (
                workspace_id   uuid        not null,
                name           text        not null,
                kind           smallint    not null,
                url            text        not null,
                header_names   text[]      not null,
                headers        text        not null,
                level_at_least smallint    not null,
                is_paused      boolean     not null,
                token          text        not null,
                sent_records   bigint      not null default 0,
                sent_at        timestamptz,
                failures       integer     not null default 0,
                last_error     text        not null default '',
                revision       bigint      not null default 1,
                updated_at     timestamptz not null default now(),
                constraint sink_pkey primary key (workspace_id, name)
            ) with (fillfactor = 50)
            """
        )


def downgrade() -> None:
    with acting_as("log"):
        op.execute("drop table sink")
        op.execute("drop table retention_rule")
        op.execute("drop table usage")
        op.execute("drop table quota")
        drop_service_lease()
