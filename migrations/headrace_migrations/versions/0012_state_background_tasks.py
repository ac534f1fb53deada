"""Background tasks: the queue of task runs without a flow run, and the processes that serve them."""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0012_state_background_tasks"
down_revision = "0011_scheduler_calendars"
branch_labels = None
depends_on = None

_TABLES = {
    "background_task": """
    create table background_task (
        task_run_id          uuid        not null,
        workspace_id         uuid        not null,
        task_key             text        not null,
        place                bigint      not null generated always as identity,
        due_at               timestamptz not null,
        waits_for            uuid[]      not null default '{}',
        is_waiting           boolean     not null default false,
        is_cancelling        boolean     not null default false,
        parameters           bytea,
        parameters_reference jsonb,
        server_id            uuid,
        token                uuid,
        deliveries           integer     not null default 0,
        lease_expires_at     timestamptz,
        created_at           timestamptz not null default now(),
        constraint background_task_pkey primary key (task_run_id)
    )
    """,
    "task_server": """
    create table task_server (
        server_id      uuid        not null,
        workspace_id   uuid        not null,
        name           text        not null default '',
        task_keys      text[]      not null default '{}',
        slots          integer     not null,
        client_version text        not null default '',
        connected_at   timestamptz not null default now(),
        seen_at        timestamptz not null default now(),
        constraint task_server_pkey primary key (workspace_id, server_id)
    )
    """,
}

_INDEXES = (
    "create index background_task_queue_idx on background_task (workspace_id, task_key, place) "
    "where token is null and not is_waiting",
    "create index background_task_lease_idx on background_task (lease_expires_at) where token is not null",
    "create index background_task_waiting_idx on background_task (created_at) where is_waiting",
)


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for statement in (*_TABLES.values(), *_INDEXES):
            op.execute(statement)


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        for name in reversed(_TABLES):
            op.execute(f"drop table {name}")
