"""Whose question about its address a webhook answers"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0030_notification_webhook_asks"
down_revision = "0029_scheduler_polling_workers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        op.execute("alter table webhook add column handshake text not null default ''")


def downgrade() -> None:
    with acting_as("notification"):
        op.execute("alter table webhook drop column handshake")
