"""Tries to sign in are counted by what was typed, for all processes; what directories call users and groups"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0031_identity_tries"
down_revision = "0030_notification_webhook_asks"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    create table sign_in_try (
        provider     text        not null,
        name_digest  text        not null,
        failures     integer     not null,
        locked_until timestamptz,
        tried_at     timestamptz not null,
        constraint sign_in_try_pkey primary key (provider, name_digest)
    )
    """,
    "create index sign_in_try_tried_at_idx on sign_in_try (tried_at)",
    "alter table principal add column external_id text not null default ''",
    "create unique index principal_external_id_idx on principal (account_id, external_id) where external_id <> ''",
    "alter table team add column external_id text not null default ''",
    "create unique index team_external_id_idx on team (account_id, external_id) where external_id <> ''",
)


def upgrade() -> None:
    with acting_as("identity"):
        for statement in _STATEMENTS:
            op.execute(statement)


def downgrade() -> None:
    with acting_as("identity"):
        op.execute("alter table team drop column external_id")
        op.execute("alter table principal drop column external_id")
        op.execute("drop table sign_in_try")
