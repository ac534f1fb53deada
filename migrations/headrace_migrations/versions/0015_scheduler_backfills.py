"""Backfills, and what is promised of deployments"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0015_scheduler_backfills"
down_revision = "0014_notification_conditions"
branch_labels = None
depends_on = None

_BACKFILLS = (
    """
    create table backfill (
        backfill_id   uuid        not null,
        workspace_id  uuid        not null,
        deployment_id uuid        not null,
        version_id    uuid        not null,
        name          text        not null,
        status        text        not null,
        message       text        not null default '',
        concurrency   integer     not null default 0,
        item_order    text        not null default 'ASC',
        creator_kind  text        not null default '',
        creator_id    text        not null default '',
        creator_name  text        not null default '',
        created_at    timestamptz not null default now(),
        updated_at    timestamptz not null default now(),
        ended_at      timestamptz,
        looked_at     timestamptz not null default now(),
        constraint backfill_pkey primary key (backfill_id),
        constraint backfill_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    )
    """,
    "create index backfill_listed_idx on backfill (workspace_id, backfill_id)",
    "create index backfill_deployment_idx on backfill (deployment_id)",
    """
    create index backfill_unsettled_idx on backfill (looked_at)
     where status in ('RUNNING', 'PAUSED', 'CANCELLING')
    """,
    """
    create table backfill_item (
        backfill_id uuid    not null,
        number      integer not null,
        slot_at     timestamptz,
        parameters  jsonb   not null default '{}',
        flow_run_id uuid,
        state       text    not null default 'WAITING',
        tries       integer not null default 0,
        constraint backfill_item_pkey primary key (backfill_id, number),
        constraint backfill_item_backfill_fkey foreign key (backfill_id)
            references backfill (backfill_id) on delete cascade
    )
    """,
    "create index backfill_item_state_idx on backfill_item (backfill_id, state, number)",
)

_SERVICE_LEVELS = (
    """
    create table service_level (
        service_level_id uuid             not null,
        workspace_id     uuid             not null,
        deployment_id    uuid             not null,
        name             text             not null,
        kind             text             not null,
        within_seconds   double precision not null,
        severity         text             not null default 'MODERATE',
        disabled         boolean          not null default false,
        since            timestamptz      not null default now(),
        checked_at       timestamptz      not null default now(),
        next_check_at    timestamptz      not null default now(),
        violated_at      timestamptz,
        created_at       timestamptz      not null default now(),
        constraint service_level_pkey primary key (service_level_id),
        constraint service_level_name_key unique (deployment_id, name),
        constraint service_level_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    )
    """,
    "create index service_level_due_idx on service_level (next_check_at) where not disabled",
    """
    create table service_level_violation (
        service_level_id uuid        not null,
        subject          text        not null,
        violated_at      timestamptz not null default now(),
        constraint service_level_violation_pkey primary key (service_level_id, subject),
        constraint service_level_violation_service_level_fkey foreign key (service_level_id)
            references service_level (service_level_id) on delete cascade
    )
    """,
    "create index service_level_violation_at_idx on service_level_violation (violated_at)",
)


def upgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        for statement in (*_BACKFILLS, *_SERVICE_LEVELS):
            op.execute(statement)


def downgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        for table in ("service_level_violation", "service_level", "backfill_item", "backfill"):
            op.execute(f"drop table {table}")
