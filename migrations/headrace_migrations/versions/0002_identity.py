"""Accounts and workspaces

One account and one workspace are there from the start, so that everything has a workspace before anybody
has signed in.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations.shared_tables import acting_as

revision = "0002_identity"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with acting_as("identity"):
        op.execute(
            """
            create table installation (
                is_only         boolean not null default true,
                installation_id uuid    not null,
                constraint installation_pkey primary key (is_only),
                constraint installation_is_only check (is_only)
            )
            """
        )
        op.execute("insert into installation (installation_id) values (gen_random_uuid())")
        op.execute(
            """
            create table account (
                account_id uuid        not null,
                handle     text        not null,
                name       text        not null,
                created_at timestamptz not null default now(),
                updated_at timestamptz not null default now(),
                constraint account_pkey primary key (account_id),
                constraint account_handle_key unique (handle)
            )
            """
        )
        op.execute(
            """
            create table workspace (
                workspace_id uuid        not null,
                account_id   uuid        not null,
                handle       text        not null collate "C",
                name         text        not null,
                description  text        not null default '',
                created_at   timestamptz not null default now(),
                updated_at   timestamptz not null default now(),
                constraint workspace_pkey primary key (workspace_id),
                constraint workspace_handle_key unique (handle),
                constraint workspace_account_id_fkey foreign key (account_id) references account (account_id)
            )
            """
        )
        op.execute("create index workspace_account_id_idx on workspace (account_id)")
        op.execute(
            """
            insert into account (account_id, handle, name)
            values ('00000000-0000-7000-8000-000000000002', 'default', 'Default')
            """
        )
        op.execute(
            """
            insert into workspace (workspace_id, account_id, handle, name)
            select '00000000-0000-7000-8000-000000000001', account_id, 'default', 'Default'
              from account
            """
        )


def downgrade() -> None:
    with acting_as("identity"):
        op.execute("drop table workspace")
        op.execute("drop table account")
        op.execute("drop table installation")
