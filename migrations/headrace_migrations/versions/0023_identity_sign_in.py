"""Passwords, identity providers, and programs that wait to be signed in

Passwords are hashes (Argon2id), recovery codes and device codes digests, other secrets are sealed.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0023_identity_sign_in"
down_revision = "0022_notification_webhooks"
branch_labels = None
depends_on = None

_TABLES = (
    """
    create table password (
        principal_id    uuid        not null,
        hash            text        not null,
        changed_at      timestamptz not null default now(),
        failures        integer     not null default 0,
        locked_until    timestamptz,
        totp_secret     text        not null default '',
        totp_confirmed  boolean     not null default false,
        totp_last_step  bigint      not null default 0,
        recovery_hashes bytea[]     not null default '{}',
        constraint password_pkey primary key (principal_id),
        constraint password_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    )
    """,
    """
    create table identity_provider (
        handle        text        not null collate "C",
        name          text        not null,
        kind          text        not null,
        is_enabled    boolean     not null,
        creates_users boolean     not null,
        settings      jsonb       not null,
        secret        text        not null default '',
        group_roles   jsonb       not null,
        created_at    timestamptz not null default now(),
        updated_at    timestamptz not null default now(),
        constraint identity_provider_pkey primary key (handle)
    )
    """,
    """
    create table device_sign_in (
        user_code     text        not null,
        device_hash   bytea       not null,
        client_name   text        not null,
        loopback_port integer     not null,
        address       text        not null,
        created_at    timestamptz not null default now(),
        expires_at    timestamptz not null,
        is_approved   boolean,
        principal_id  uuid,
        constraint device_sign_in_pkey primary key (user_code),
        constraint device_sign_in_device_hash_key unique (device_hash),
        constraint device_sign_in_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    )
    """,
    "create index device_sign_in_expires_at_idx on device_sign_in (expires_at)",
)


def upgrade() -> None:
    with acting_as("identity"):
        for statement in _TABLES:
            op.execute(statement)


def downgrade() -> None:
    with acting_as("identity"):
        for table in ("device_sign_in", "identity_provider", "password"):
            op.execute(f"drop table {table}")
