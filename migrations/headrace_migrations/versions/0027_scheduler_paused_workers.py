"""Workers that take nothing new until they are resumed"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0027_scheduler_paused_workers"
down_revision = "0026_notification_held_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("scheduler"):
        op.execute("alter table worker add column pause_reason text")


def downgrade() -> None:
    with acting_as("scheduler"):
        op.execute("update worker set status = 'OFFLINE' where status = 'PAUSED'")
        op.execute("alter table worker drop column pause_reason")
