"""Events that wait for those that they follow

An event of a client that follows another one is looked at behind it, also where it is stored before it.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0026_notification_held_events"
down_revision = "0025_row_security"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("notification"):
        op.execute(
            """
            create table held_event (
                event_id         uuid        not null,
                workspace_id     uuid        not null,
                follows_event_id uuid        not null,
                occurred_at      timestamptz not null,
                held_until       timestamptz not null,
                constraint held_event_pkey primary key (event_id)
            )
            """
        )
        op.execute("create index held_event_follows on held_event (follows_event_id)")
        op.execute("create index held_event_until on held_event (held_until)")


def downgrade() -> None:
    with acting_as("notification"):
        op.execute("drop table held_event")
