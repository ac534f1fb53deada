"""Assets, their materializations and their lineage"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0017_state_assets"
down_revision = "0016_state_retention"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    create table asset (
        asset_id                uuid        not null,
        workspace_id            uuid        not null,
        key                     text        not null,
        name                    text        not null default '',
        description             text        not null default '',
        url                     text        not null default '',
        owners                  text[]      not null default '{}',
        last_materialization_id uuid,
        last_materialized_at    timestamptz,
        created_at              timestamptz not null default now(),
        updated_at              timestamptz not null default now(),
        constraint asset_pkey primary key (asset_id),
        constraint asset_key_key unique (workspace_id, key)
    )
    """,
    """
    create table asset_materialization (
        materialization_id uuid        not null,
        workspace_id       uuid        not null,
        asset_id           uuid        not null,
        asset_key          text        not null,
        flow_run_id        uuid,
        task_run_id        uuid,
        succeeded          boolean     not null,
        materialized_by    text        not null default '',
        metadata           jsonb       not null default '{}',
        message            text        not null default '',
        created_at         timestamptz not null default now(),
        constraint asset_materialization_pkey primary key (materialization_id)
    )
    """,
    "create index asset_materialization_workspace_idx on asset_materialization (workspace_id, materialization_id)",
    "create index asset_materialization_asset_idx on asset_materialization (asset_id, materialization_id)",
    """
    create index asset_materialization_flow_run_idx on asset_materialization (flow_run_id)
     where flow_run_id is not null
    """,
    """
    create index asset_materialization_task_run_idx on asset_materialization (task_run_id)
     where task_run_id is not null
    """,
    """
    create table asset_dependency (
        asset_id          uuid        not null,
        upstream_asset_id uuid        not null,
        workspace_id      uuid        not null,
        last_at           timestamptz not null default now(),
        constraint asset_dependency_pkey primary key (asset_id, upstream_asset_id)
    )
    """,
    "create index asset_dependency_upstream_idx on asset_dependency (upstream_asset_id)",
)


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for statement in _STATEMENTS:
            op.execute(statement)


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        for table in ("asset_dependency", "asset_materialization", "asset"):
            op.execute(f"drop table {table}")
