"""Which of several conditions of an automation came true"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0014_notification_conditions"
down_revision = "0013_state_bulk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        op.execute("alter table bucket add column came_true jsonb")


def downgrade() -> None:
    with acting_as("notification"):
        op.execute("alter table bucket drop column came_true")
