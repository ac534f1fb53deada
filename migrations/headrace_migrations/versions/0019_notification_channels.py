"""Channels, and deliveries to them

Channels are where people are told what happened, deliveries the queue and the record of the messages to them. Secrets
of channels are sealed, apart from the rest of their configuration.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0019_notification_channels"
down_revision = "0018_log_stretches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        op.execute(
            """
            create table channel (
                channel_id   uuid        not null,
                workspace_id uuid        not null,
                name         text        not null,
                kind         text        not null,
                description  text        not null,
                paused       boolean     not null,
                config       jsonb       not null,
                secrets      jsonb       not null,
                policy       jsonb       not null,
                free_at      timestamptz,
                held_until   timestamptz,
                created_at   timestamptz not null default now(),
                updated_at   timestamptz not null default now(),
                constraint channel_pkey primary key (channel_id)
            ) with (fillfactor = 50)
            """
        )
        op.execute("create unique index channel_by_name on channel (workspace_id, name)")
        _create_delivery()
        op.execute(
            """
            create table channel_delivery_try (
                channel_delivery_id uuid             not null,
                number              integer          not null,
                workspace_id        uuid             not null,
                ended_at            timestamptz      not null default now(),
                took_seconds        double precision not null,
                delivered           boolean          not null,
                status_code         integer          not null,
                answer              text             not null,
                constraint channel_delivery_try_pkey primary key (channel_delivery_id, number),
                constraint channel_delivery_try_of foreign key (channel_delivery_id)
                    references channel_delivery (channel_delivery_id) on delete cascade
            )
            """
        )


def _create_delivery() -> None:
    op.execute(
        """
        create table channel_delivery (
            channel_delivery_id uuid        not null,
            workspace_id        uuid        not null,
            channel_id          uuid        not null,
            channel_name        text        not null,
            channel_kind        text        not null,
            dedup_key           text        not null,
            group_key           text        not null,
            message             jsonb       not null,
            event_id            uuid,
            automation_id       uuid,
            flow_run_id         uuid,
            status              text        not null,
            tries               integer     not null,
            last_try            integer     not null,
            scheduled_at        timestamptz not null,
            next_try_at         timestamptz,
            last_answer         text        not null,
            last_status_code    integer     not null,
            created_at          timestamptz not null default now(),
            ended_at            timestamptz,
            digest_id           uuid,
            grouped             integer     not null,
            acknowledged_at     timestamptz,
            acknowledged_by     text        not null,
            escalates_at        timestamptz,
            escalated_to_id     uuid,
            escalation_of_id    uuid,
            escalations         integer     not null,
            constraint channel_delivery_pkey primary key (channel_delivery_id)
        ) with (fillfactor = 70)
        """
    )
    for name, columns, condition in (
        ("due", "channel_id, next_try_at, channel_delivery_id", "status = 'PENDING'"),
        ("group", "channel_id, group_key, scheduled_at", "group_key <> ''"),
        ("workspace", "workspace_id, channel_delivery_id", ""),
        ("channel", "channel_id, channel_delivery_id", ""),
        ("event", "event_id", "event_id is not null"),
        ("automation", "automation_id, channel_delivery_id", "automation_id is not null"),
        ("flow_run", "flow_run_id, channel_delivery_id", "flow_run_id is not null"),
        ("digest", "digest_id, channel_delivery_id", "digest_id is not null"),
        ("escalating", "escalates_at", "escalates_at is not null"),
        ("ended", "ended_at", "ended_at is not null"),
    ):
        where = f" where {condition}" if condition else ""
        op.execute(f"create index channel_delivery_{name} on channel_delivery ({columns}){where}")
    op.execute("create unique index channel_delivery_key on channel_delivery (channel_id, dedup_key)")


def downgrade() -> None:
    with acting_as("notification"):
        op.execute("drop table channel_delivery_try")
        op.execute("drop table channel_delivery")
        op.execute("drop table channel")
