"""By when claimed runs have to be running

A row stands here from the claim of a run of a pool with a start time-out until it is looked at once, at its time.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0009_state_starts"
down_revision = "0008_state_lists"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute(
            """
            create table start_deadline (
                attempt_token   uuid             not null,
                workspace_id    uuid             not null,
                flow_run_id     uuid             not null,
                timeout_seconds double precision not null,
                start_by        timestamptz      not null,
                constraint start_deadline_pkey primary key (attempt_token)
            )
            """
        )
        op.execute("create index start_deadline_start_by_idx on start_deadline (start_by)")


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute("drop table start_deadline")
