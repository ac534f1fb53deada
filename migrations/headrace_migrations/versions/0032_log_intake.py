"""The intake of log records: a table that takes them by COPY, and shows them to nobody

The records table is its only partition, so what is copied into it goes to the partitions of the days. COPY passes by
no policy, and Postgres refuses it for tables that have one; the intake has none, and its owner may not read it.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0032_log_intake"
down_revision = "0031_identity_tries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("log"):
        op.execute("create table record_intake (like record including defaults) partition by range (occurred_at)")
        op.execute("revoke all on record_intake from headrace_log")
        op.execute("grant insert on record_intake to headrace_log")
        # Every record has a time, so Postgres need not look at those that are there.
        op.execute("alter table record_intake attach partition record for values from (minvalue) to (maxvalue)")


def downgrade() -> None:
    with acting_as("log"):
        op.execute("alter table record_intake detach partition record")
        op.execute("drop table record_intake")
