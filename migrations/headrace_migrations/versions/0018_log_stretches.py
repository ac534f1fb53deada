"""Stretches of runs: what text is in a few thousand records, so that a search reads only those that may have it

Rows are partitioned by the UTC day of their last record, like the records, and go with them.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as, create_partitions

revision = "0018_log_stretches"
down_revision = "0017_state_assets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("log"):
        op.execute(
            """
            create table stretch (
                flow_run_id    uuid        not null,
                last_at        timestamptz not null,
                last_position  bigint      not null,
                workspace_id   uuid        not null,
                after_at       timestamptz not null,
                after_position bigint      not null,
                settled        bigint      not null,
                records        integer     not null,
                grams          bytea       not null,
                constraint stretch_pkey primary key (flow_run_id, last_at, last_position)
            ) partition by range (last_at)
            """
        )
        # Made of hashes: there is nothing to compress, and reading a part needs no decompression.
        op.execute("alter table stretch alter column grams set storage external")
        create_partitions("stretch")


def downgrade() -> None:
    with acting_as("log"):
        op.execute("drop table stretch")
