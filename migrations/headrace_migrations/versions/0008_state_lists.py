"""Every order of a list has its index

Indexes on runs are paid for by each transition, so they are as few as serve both directions of an order: a time that
is missing stands before all others in them, and lists walk along them twice where it belongs behind.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0008_state_lists"
down_revision = "0007_scheduler_versions"
branch_labels = None
depends_on = None

_INDEXES = (
    "create index flow_run_name_idx on flow_run (workspace_id, name, flow_run_id)",
    "create index flow_run_run_time_idx on flow_run (workspace_id, run_seconds, flow_run_id)",
    """
    create index flow_run_parent_task_run_idx on flow_run (parent_task_run_id)
     where parent_task_run_id is not null
    """,
    """
    create index task_run_ended_idx
        on task_run (workspace_id, coalesce(ended_at, '-infinity'::timestamptz), task_run_id)
    """,
    "create index task_run_child_idx on task_run (child_flow_run_id) where child_flow_run_id is not null",
    "create index artifact_updated_idx on artifact (workspace_id, updated_at, artifact_id)",
)

_NEXT_START = """
create index flow_run_next_start_idx
    on flow_run (workspace_id, coalesce(next_scheduled_start_at, '-infinity'::timestamptz), flow_run_id)
 where next_scheduled_start_at is not null
"""
_NEXT_START_BEFORE = """
create index flow_run_next_start_idx
    on flow_run (workspace_id, coalesce(next_scheduled_start_at, 'infinity'::timestamptz), flow_run_id)
 where state_type = 'SCHEDULED'
"""

# Lists by key show artifacts without one, too.
_KEY = "create index artifact_key_idx on artifact (workspace_id, key, artifact_id)"
_KEY_BEFORE = "create index artifact_key_idx on artifact (workspace_id, key, artifact_id) where key <> ''"


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for statement in _INDEXES:
            op.execute(statement)
        op.execute("drop index flow_run_next_start_idx")
        op.execute(_NEXT_START)
        op.execute("drop index artifact_key_idx")
        op.execute(_KEY)
        if shared_tables.has_trigrams():
            op.execute(
                "create index flow_run_message_trgm on flow_run using gin (state_message headrace.gin_trgm_ops)"
                " where state_message <> ''"
            )


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        op.execute("drop index if exists flow_run_message_trgm")
        op.execute("drop index artifact_key_idx")
        op.execute(_KEY_BEFORE)
        op.execute("drop index flow_run_next_start_idx")
        op.execute(_NEXT_START_BEFORE)
        for name in (
            "artifact_updated_idx",
            "task_run_child_idx",
            "task_run_ended_idx",
            "flow_run_parent_task_run_idx",
            "flow_run_run_time_idx",
            "flow_run_name_idx",
        ):
            op.execute(f"drop index {name}")
