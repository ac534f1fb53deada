"""Blocks: types, schemas, documents with sealed secrets, and references between them."""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0010_state_blocks"
down_revision = "0009_state_starts"
branch_labels = None
depends_on = None

_TABLES = {
    "block_type": """
    create table block_type (
        block_type_id     uuid        not null,
        workspace_id      uuid        not null,
        slug              text        not null,
        name              text        not null,
        description       text        not null default '',
        logo_url          text        not null default '',
        documentation_url text        not null default '',
        code_example      text        not null default '',
        block_schema_id   uuid        not null,
        created_at        timestamptz not null default now(),
        updated_at        timestamptz not null default now(),
        constraint block_type_pkey primary key (block_type_id),
        constraint block_type_slug_key unique (workspace_id, slug)
    )
    """,
    "block_schema": """
    create table block_schema (
        block_schema_id uuid        not null,
        workspace_id    uuid        not null,
        block_type_id   uuid        not null,
        checksum        text        not null,
        fields          jsonb       not null default '{}',
        secret_fields   text[]      not null default '{}',
        capabilities    text[]      not null default '{}',
        version         text        not null default '',
        created_at      timestamptz not null default now(),
        constraint block_schema_pkey primary key (block_schema_id),
        constraint block_schema_checksum_key unique (block_type_id, checksum)
    )
    """,
    "block": """
    create table block (
        block_id        uuid        not null,
        workspace_id    uuid        not null,
        block_type_id   uuid        not null,
        block_schema_id uuid        not null,
        name            text        not null,
        data            jsonb       not null default '{}',
        secrets         text        not null default '',
        secret_paths    text[]      not null default '{}',
        key_name        text        not null default '',
        created_at      timestamptz not null default now(),
        updated_at      timestamptz not null default now(),
        constraint block_pkey primary key (block_id),
        constraint block_name_key unique (workspace_id, block_type_id, name)
    )
    """,
    "block_reference": """
    create table block_reference (
        block_id            uuid not null,
        path                text not null,
        referenced_block_id uuid not null,
        constraint block_reference_pkey primary key (block_id, path)
    )
    """,
}

_INDEXES = (
    "create index block_key_name_idx on block (key_name, block_id) where secrets <> ''",
    "create index block_reference_to_idx on block_reference (referenced_block_id)",
)


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for statement in (*_TABLES.values(), *_INDEXES):
            op.execute(statement)


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        for name in reversed(_TABLES):
            op.execute(f"drop table {name}")
