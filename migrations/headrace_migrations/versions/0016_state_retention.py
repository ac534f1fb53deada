"""For how long what is over is kept"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0016_state_retention"
down_revision = "0015_scheduler_backfills"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute(
            """
            create table retention_rule (
                workspace_id uuid             not null,
                kind         text             not null,
                scope        text             not null default '',
                subject      text             not null default '',
                keep_days    double precision,
                updated_at   timestamptz      not null default now(),
                constraint retention_rule_pkey primary key (workspace_id, kind, scope, subject)
            )
            """
        )
        op.execute(
            "create index task_run_background_idx on task_run (workspace_id, ended_at) where flow_run_id is null"
        )


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute("drop index task_run_background_idx")
        op.execute("drop table retention_rule")
