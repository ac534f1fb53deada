"""What is said about versions of deployments, and which version each one replaced"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0007_scheduler_versions"
down_revision = "0006_notification"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        op.execute("alter table deployment_version add column message text not null default ''")
        op.execute("alter table deployment_version add column former_number integer not null default 0")
        # Until now each version replaced the one before it.
        op.execute("update deployment_version set former_number = number - 1")


def downgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        # Without the column the next version is numbered behind the current one, so that one has to be the last.
        op.execute(
            """
            update deployment
               set version_id = latest.version_id,
                   version_number = latest.number
              from (
                       select distinct on (deployment_id)
                              deployment_id, version_id, number
                         from deployment_version
                        order by deployment_id, number desc
                   ) as latest
             where latest.deployment_id = deployment.deployment_id
            """
        )
        op.execute("alter table deployment_version drop column former_number")
        op.execute("alter table deployment_version drop column message")
