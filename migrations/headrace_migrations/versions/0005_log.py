"""Log records

Records are partitioned by the UTC day on which they occurred, by their writers' clocks; what is far off goes
to the default partition. Positions are drawn by the writing service, see headrace_log.rules.positions.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as, create_outbox, create_partitions, drop_outbox

revision = "0005_log"
down_revision = "0004_scheduler"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("log"):
        create_outbox()
        op.execute(
            """
            create table record (
                position     bigint      not null,
                occurred_at  timestamptz not null,
                recorded_at  timestamptz not null default now(),
                workspace_id uuid        not null,
                flow_run_id  uuid,
                task_run_id  uuid,
                log_id       uuid,
                level        smallint    not null,
                source       smallint    not null,
                logger       text        not null,
                message      text        not null,
                worker_id    text,
                traceparent  text,
                fields       jsonb
            ) partition by range (occurred_at)
            """
        )
        op.execute("create index record_flow_run on record (flow_run_id, occurred_at, position)")
        op.execute("create index record_workspace on record (workspace_id, occurred_at, position)")
        op.execute(
            """
            create index record_task_run on record (task_run_id, occurred_at, position)
             where task_run_id is not null
            """
        )
        create_partitions("record")
        op.execute(
            """
            create table writer (
                workspace_id  uuid        not null,
                process_id    text        not null,
                last_sequence bigint      not null,
                missing       bigint[]    not null,
                seen_at       timestamptz not null default now(),
                constraint writer_pkey primary key (workspace_id, process_id)
            ) with (fillfactor = 50)
            """
        )
        op.execute(
            """
            create table appended_batch (
                workspace_id uuid        not null,
                digest       bytea       not null,
                recorded_at  timestamptz not null default now(),
                constraint appended_batch_pkey primary key (workspace_id, digest)
            )
            """
        )
        op.execute("create index appended_batch_recorded_at on appended_batch (recorded_at)")


def downgrade() -> None:
    with acting_as("log"):
        op.execute("drop table appended_batch")
        op.execute("drop table writer")
        op.execute("drop table record")
        drop_outbox()
