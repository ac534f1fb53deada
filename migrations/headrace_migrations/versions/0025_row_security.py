"""Rows that only their workspace sees

Every table with a `workspace_id` gets a policy that holds also for its owner. What the connection sees is in its
setting `headrace.workspace`: nothing until it is set.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.row_security import CREATE_FUNCTION, expose_all, protect_all

revision = "0025_row_security"
down_revision = "0024_log_settings"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(CREATE_FUNCTION)
    for statement in protect_all():
        op.execute(statement)


def downgrade() -> None:
    for statement in expose_all():
        op.execute(statement)
    op.execute("drop function headrace.protect(regclass)")
