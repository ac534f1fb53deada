"""Digests by which the code of clients knows schemas of blocks"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0028_state_schema_digests"
down_revision = "0027_scheduler_paused_workers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("state"):
        op.execute("alter table block_schema add column client_checksum text not null default ''")


def downgrade() -> None:
    with acting_as("state"):
        op.execute("alter table block_schema drop column client_checksum")
