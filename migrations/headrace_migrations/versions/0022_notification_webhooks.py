"""Webhooks, and the calls of them that are remembered

Webhooks are addresses that other systems call. Of signed and named calls it is remembered for a while which event they
became, so that a call that comes again is no other event.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0022_notification_webhooks"
down_revision = "0021_identity_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        op.execute(
            """
            create table webhook (
                webhook_id            uuid             not null,
                workspace_id          uuid             not null,
                name                  text             not null,
                slug                  text             not null,
                description           text             not null,
                paused                boolean          not null,
                authentication        text             not null,
                secret                text             not null,
                secret_before         text             not null,
                grace_until           timestamptz,
                template              jsonb            not null,
                replay_window_seconds double precision not null,
                most_bytes            integer          not null,
                most_per_minute       integer          not null,
                creator               jsonb            not null,
                created_at            timestamptz      not null default now(),
                updated_at            timestamptz      not null default now(),
                free_at               timestamptz,
                last_received_at      timestamptz,
                received_count        bigint           not null default 0,
                last_error            text             not null default '',
                last_error_at         timestamptz,
                constraint webhook_pkey primary key (webhook_id)
            ) with (fillfactor = 50)
            """
        )
        op.execute("create unique index webhook_slug on webhook (slug)")
        op.execute("create index webhook_by_name on webhook (workspace_id, name, webhook_id)")
        op.execute(
            """
            create table webhook_call (
                webhook_id   uuid        not null,
                digest       bytea       not null,
                workspace_id uuid        not null,
                event_id     uuid        not null,
                expires_at   timestamptz not null,
                constraint webhook_call_pkey primary key (webhook_id, digest)
            )
            """
        )
        op.execute("create index webhook_call_expires on webhook_call (expires_at)")


def downgrade() -> None:
    with acting_as("notification"):
        op.execute("drop table webhook_call")
        op.execute("drop table webhook")
