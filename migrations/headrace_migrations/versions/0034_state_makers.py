"""Which flow run took slots, or queued a background task, with a token of its own

Only it gives them back, renews them or cancels it; what people and workers did has none.
"""

from __future__ import annotations

import sqlalchemy
from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0034_state_makers"
down_revision = "0033_log_record_policy"
branch_labels = None
depends_on = None

_COLUMNS = (("lease", "taken_by"), ("waiter", "taken_by"), ("background_task", "queued_by"))


def upgrade() -> None:
    with acting_as("state"):
        for table, column in _COLUMNS:
            op.add_column(table, sqlalchemy.Column(column, sqlalchemy.Uuid))


def downgrade() -> None:
    with acting_as("state"):
        for table, column in reversed(_COLUMNS):
            op.drop_column(table, column)
