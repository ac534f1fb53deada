"""Workers that ask for runs from time to time, and how long each may be silent"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0029_scheduler_polling_workers"
down_revision = "0028_state_schema_digests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("scheduler"):
        op.execute("alter table worker add column silent_after_seconds double precision")


def downgrade() -> None:
    with acting_as("scheduler"):
        op.execute("alter table worker drop column silent_after_seconds")
