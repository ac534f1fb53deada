"""Bulk operations, and notes on flow runs"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0013_state_bulk"
down_revision = "0012_state_background_tasks"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    create table bulk_operation (
        bulk_operation_id uuid        not null,
        workspace_id      uuid        not null,
        action            jsonb       not null,
        filter            jsonb       not null default '{}',
        status            text        not null default 'PENDING',
        run_count         bigint      not null default 0,
        is_capped         boolean     not null default false,
        last_flow_run_id  uuid,
        looked_at_count   bigint      not null default 0,
        changed_count     bigint      not null default 0,
        refused_count     bigint      not null default 0,
        refusals          jsonb       not null default '[]',
        creator_kind      text        not null default '',
        creator_id        text        not null default '',
        creator_name      text        not null default '',
        created_at        timestamptz not null default now(),
        updated_at        timestamptz not null default now(),
        ended_at          timestamptz,
        constraint bulk_operation_pkey primary key (bulk_operation_id)
    ) with (fillfactor = 70)
    """,
    "create index bulk_operation_workspace_idx on bulk_operation (workspace_id, bulk_operation_id)",
    """
    create index bulk_operation_unfinished_idx on bulk_operation (updated_at, bulk_operation_id)
     where status in ('PENDING', 'RUNNING')
    """,
    """
    create table run_note (
        run_note_id  uuid        not null,
        workspace_id uuid        not null,
        flow_run_id  uuid        not null,
        text         text        not null,
        creator_kind text        not null default '',
        creator_id   text        not null default '',
        creator_name text        not null default '',
        created_at   timestamptz not null default now(),
        constraint run_note_pkey primary key (run_note_id)
    )
    """,
    "create index run_note_flow_run_idx on run_note (flow_run_id, run_note_id)",
)


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for statement in _STATEMENTS:
            op.execute(statement)


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute("drop table run_note")
        op.execute("drop table bulk_operation")
