"""Users, service accounts, teams, roles and the keys that prove who calls

Of every secret there is a hash only. What rights change in adds to `access_version`, which tells processes that
what they remember of callers is old.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0020_identity_access"
down_revision = "0019_notification_channels"
branch_labels = None
depends_on = None

_TABLES = (
    """
    create table principal (
        principal_id uuid        not null,
        account_id   uuid        not null,
        workspace_id uuid,
        kind         text        not null,
        handle       text        not null collate "C",
        display_name text        not null,
        is_active    boolean     not null default true,
        last_seen_at timestamptz,
        created_at   timestamptz not null default now(),
        updated_at   timestamptz not null default now(),
        constraint principal_pkey primary key (principal_id),
        constraint principal_account_id_fkey foreign key (account_id) references account (account_id),
        constraint principal_workspace_id_fkey foreign key (workspace_id) references workspace (workspace_id),
        constraint principal_kind check (
            kind = 'user' and workspace_id is null or kind = 'service_account' and workspace_id is not null
        )
    )
    """,
    "create unique index principal_user_idx on principal (account_id, handle) where workspace_id is null",
    "create unique index principal_service_account_idx on principal (workspace_id, handle)"
    " where workspace_id is not null",
    """
    create table external_identity (
        provider         text        not null,
        subject          text        not null,
        principal_id     uuid        not null,
        created_at       timestamptz not null default now(),
        last_sign_in_at  timestamptz,
        constraint external_identity_pkey primary key (provider, subject),
        constraint external_identity_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    )
    """,
    "create index external_identity_principal_id_idx on external_identity (principal_id)",
    """
    create table team (
        team_id     uuid        not null,
        account_id  uuid        not null,
        handle      text        not null collate "C",
        name        text        not null,
        description text        not null default '',
        created_at  timestamptz not null default now(),
        updated_at  timestamptz not null default now(),
        constraint team_pkey primary key (team_id),
        constraint team_handle_key unique (account_id, handle),
        constraint team_account_id_fkey foreign key (account_id) references account (account_id)
    )
    """,
    """
    create table team_member (
        team_id      uuid        not null,
        principal_id uuid        not null,
        created_at   timestamptz not null default now(),
        constraint team_member_pkey primary key (team_id, principal_id),
        constraint team_member_team_id_fkey foreign key (team_id) references team (team_id) on delete cascade,
        constraint team_member_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    )
    """,
    "create index team_member_principal_id_idx on team_member (principal_id)",
    """
    create table role (
        account_id  uuid        not null,
        handle      text        not null collate "C",
        name        text        not null,
        description text        not null default '',
        permissions text[]      not null,
        created_at  timestamptz not null default now(),
        updated_at  timestamptz not null default now(),
        constraint role_pkey primary key (account_id, handle),
        constraint role_account_id_fkey foreign key (account_id) references account (account_id)
    )
    """,
    """
    create table role_assignment (
        role_assignment_id uuid        not null,
        account_id         uuid        not null,
        workspace_id       uuid,
        principal_id       uuid,
        team_id            uuid,
        role               text        not null,
        object_kind        text        not null default '',
        object             text        not null default '',
        created_at         timestamptz not null default now(),
        constraint role_assignment_pkey primary key (role_assignment_id),
        constraint role_assignment_account_id_fkey foreign key (account_id) references account (account_id),
        constraint role_assignment_workspace_id_fkey foreign key (workspace_id) references workspace (workspace_id),
        constraint role_assignment_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade,
        constraint role_assignment_team_id_fkey foreign key (team_id) references team (team_id) on delete cascade,
        constraint role_assignment_holder check (num_nonnulls(principal_id, team_id) = 1),
        constraint role_assignment_object check (
            object_kind = '' and object = '' or object_kind <> '' and object <> '' and workspace_id is not null
        )
    )
    """,
    "create unique index role_assignment_idx on role_assignment"
    " (coalesce(principal_id, team_id), coalesce(workspace_id, account_id), role, object_kind, object)",
    "create index role_assignment_workspace_id_idx on role_assignment (workspace_id, role_assignment_id)",
    "create index role_assignment_principal_id_idx on role_assignment (principal_id)",
    "create index role_assignment_team_id_idx on role_assignment (team_id)",
    """
    create table api_key (
        api_key_id     text        not null collate "C",
        principal_id   uuid        not null,
        workspace_id   uuid,
        name           text        not null,
        secret_hash    bytea       not null,
        permissions    text[]      not null default '{}',
        lifetime_seconds double precision,
        created_at     timestamptz not null default now(),
        expires_at     timestamptz,
        revoked_at     timestamptz,
        last_used_at   timestamptz,
        replaced_by_id text,
        constraint api_key_pkey primary key (api_key_id),
        constraint api_key_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade,
        constraint api_key_workspace_id_fkey foreign key (workspace_id) references workspace (workspace_id)
    )
    """,
    "create index api_key_principal_id_idx on api_key (principal_id, created_at)",
    """
    create table session (
        session_id   uuid        not null,
        principal_id uuid        not null,
        secret_hash  bytea       not null,
        provider     text        not null default '',
        address      text        not null default '',
        user_agent   text        not null default '',
        created_at   timestamptz not null default now(),
        last_used_at timestamptz not null default now(),
        expires_at   timestamptz not null,
        constraint session_pkey primary key (session_id),
        constraint session_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    )
    """,
    "create index session_principal_id_idx on session (principal_id)",
    "create index session_expires_at_idx on session (expires_at)",
    """
    create table invitation (
        invitation_id uuid        not null,
        account_id    uuid        not null,
        workspace_id  uuid        not null,
        email         text        not null,
        role          text        not null,
        secret_hash   bytea       not null,
        invited_by    text        not null,
        created_at    timestamptz not null default now(),
        expires_at    timestamptz not null,
        accepted_at   timestamptz,
        constraint invitation_pkey primary key (invitation_id),
        constraint invitation_account_id_fkey foreign key (account_id) references account (account_id),
        constraint invitation_workspace_id_fkey foreign key (workspace_id) references workspace (workspace_id)
    )
    """,
    "create index invitation_workspace_id_idx on invitation (workspace_id, created_at)",
    """
    create table setup_token (
        is_only     boolean     not null default true,
        secret_hash bytea       not null,
        expires_at  timestamptz not null,
        constraint setup_token_pkey primary key (is_only),
        constraint setup_token_is_only check (is_only)
    )
    """,
    """
    create table signing_key (
        key_id      text        not null,
        public_key  bytea       not null,
        private_key text        not null,
        created_at  timestamptz not null default now(),
        retired_at  timestamptz,
        constraint signing_key_pkey primary key (key_id)
    )
    """,
    """
    create table access_version (
        is_only boolean not null default true,
        version bigint  not null,
        constraint access_version_pkey primary key (is_only),
        constraint access_version_is_only check (is_only)
    )
    """,
    "insert into access_version (version) values (1)",
)


def upgrade() -> None:
    with acting_as("identity"):
        for statement in _TABLES:
            op.execute(statement)
        op.execute("alter table workspace add column calls_per_second double precision")
        op.execute("alter table workspace add column concurrent_calls integer")


def downgrade() -> None:
    with acting_as("identity"):
        op.execute("alter table workspace drop column concurrent_calls")
        op.execute("alter table workspace drop column calls_per_second")
        for table in (
            "access_version",
            "signing_key",
            "setup_token",
            "invitation",
            "session",
            "api_key",
            "role_assignment",
            "role",
            "team_member",
            "team",
            "external_identity",
            "principal",
        ):
            op.execute(f"drop table {table}")
