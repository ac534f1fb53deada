"""The policy of log records looks the workspace up once for each statement, not for each record

A search in a long run reads a million records, and the policy comes before the look for the text.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0033_log_record_policy"
down_revision = "0032_log_intake"
branch_labels = None
depends_on = None

# Still a CASE, which the planner takes for a coin toss; see headrace_migrations.row_security.
_ONCE = """
case
    when workspace_id = (
         select nullif(nullif(current_setting('headrace.workspace', true), '*'), '')::uuid
         ) then true
    else (select current_setting('headrace.workspace', true) = '*')
end
"""

_EACH = """
case current_setting('headrace.workspace', true)
    when '*' then true
    when workspace_id::text then true
    else false
end
"""


def upgrade() -> None:
    with acting_as("log"):
        op.execute(f"alter policy workspace on record using ({_ONCE})")


def downgrade() -> None:
    with acting_as("log"):
        op.execute(f"alter policy workspace on record using ({_EACH})")
