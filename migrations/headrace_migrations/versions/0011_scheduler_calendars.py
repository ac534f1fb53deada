"""Named calendars, and limits per key of a deployment's runs"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0011_scheduler_calendars"
down_revision = "0010_state_blocks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        op.execute(
            """
            create table calendar (
                workspace_id uuid        not null,
                name         text        not null,
                description  text        not null default '',
                time_zone    text        not null default '',
                dates        text[]      not null default '{}',
                weekdays     integer[]   not null default '{}',
                blackouts    jsonb       not null default '[]',
                created_at   timestamptz not null default now(),
                updated_at   timestamptz not null default now(),
                constraint calendar_pkey primary key (workspace_id, name)
            )
            """
        )
        op.execute("alter table schedule add column calendar_names text[] not null default '{}'")
        op.execute(
            "create index schedule_calendars_idx on schedule using gin (calendar_names) where calendar_names <> '{}'"
        )
        op.execute("alter table deployment add column concurrency_key text not null default ''")
        op.execute("alter table deployment add column concurrency_key_limit integer")


def downgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        op.execute("alter table deployment drop column concurrency_key_limit")
        op.execute("alter table deployment drop column concurrency_key")
        op.execute("drop index schedule_calendars_idx")
        op.execute("alter table schedule drop column calendar_names")
        op.execute("drop table calendar")
