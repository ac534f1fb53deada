"""Deployments, schedules, work pools and workers

Schedules at rest cost nothing: the loop that makes their runs reads one partial index by `next_at`. An `errand` is
something that the state service has yet to be told; it is written with the change that makes it necessary.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0004_scheduler"
down_revision = "0003_state"
branch_labels = None
depends_on = None

_POOLS = (
    """
    create table work_pool (
        work_pool_id          uuid             not null,
        workspace_id          uuid             not null,
        name                  text             not null,
        description           text             not null default '',
        type                  text             not null,
        base_job_template     jsonb            not null,
        paused                boolean          not null default false,
        concurrency_limit     integer,
        default_queue_id      uuid             not null,
        queue_policy          text             not null default 'WEIGHTED',
        start_timeout_seconds double precision,
        storage_configuration jsonb            not null default '{}',
        created_at            timestamptz      not null default now(),
        updated_at            timestamptz      not null default now(),
        constraint work_pool_pkey primary key (work_pool_id),
        constraint work_pool_name_key unique (workspace_id, name)
    )
    """,
    """
    create table work_queue (
        work_queue_id     uuid        not null,
        workspace_id      uuid        not null,
        work_pool_id      uuid        not null,
        name              text        not null,
        description       text        not null default '',
        priority          integer     not null,
        weight            integer     not null default 0,
        paused            boolean     not null default false,
        concurrency_limit integer,
        created_at        timestamptz not null default now(),
        updated_at        timestamptz not null default now(),
        constraint work_queue_pkey primary key (work_queue_id),
        constraint work_queue_name_key unique (work_pool_id, name),
        constraint work_queue_work_pool_fkey foreign key (work_pool_id)
            references work_pool (work_pool_id) on delete cascade
    )
    """,
)

_DEPLOYMENTS = (
    """
    create table deployment (
        deployment_id        uuid             not null,
        workspace_id         uuid             not null,
        flow_id              uuid             not null,
        flow_name            text             not null,
        name                 text             not null,
        version_id           uuid             not null,
        version_number       integer          not null,
        paused               boolean          not null default false,
        work_pool_id         uuid,
        work_queue_id        uuid,
        tags                 text[]           not null default '{}',
        labels               jsonb            not null default '{}',
        concurrency_limit    integer,
        concurrency_strategy text             not null default 'ENQUEUE',
        grace_seconds        double precision,
        shared_limit_name    text             not null default '',
        creator_kind         text             not null default '',
        creator_id           text             not null default '',
        creator_name         text             not null default '',
        created_at           timestamptz      not null default now(),
        updated_at           timestamptz      not null default now(),
        constraint deployment_pkey primary key (deployment_id),
        constraint deployment_name_key unique (workspace_id, flow_name, name),
        constraint deployment_work_pool_fkey foreign key (work_pool_id) references work_pool (work_pool_id),
        constraint deployment_work_queue_fkey foreign key (work_queue_id) references work_queue (work_queue_id)
    )
    """,
    "create index deployment_created_idx on deployment (workspace_id, created_at, deployment_id)",
    "create index deployment_updated_idx on deployment (workspace_id, updated_at, deployment_id)",
    "create index deployment_sorted_idx on deployment (workspace_id, name, deployment_id)",
    "create index deployment_work_pool_idx on deployment (work_pool_id) where work_pool_id is not null",
    "create index deployment_work_queue_idx on deployment (work_queue_id) where work_queue_id is not null",
    "create index deployment_tags_idx on deployment using gin (tags)",
    """
    create table deployment_version (
        version_id    uuid        not null,
        workspace_id  uuid        not null,
        deployment_id uuid        not null,
        number        integer     not null,
        content       jsonb       not null,
        creator_kind  text        not null default '',
        creator_id    text        not null default '',
        creator_name  text        not null default '',
        created_at    timestamptz not null default now(),
        constraint deployment_version_pkey primary key (version_id),
        constraint deployment_version_number_key unique (deployment_id, number),
        constraint deployment_version_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    )
    """,
    # revision rises with each change by somebody else than the loop that makes runs, which so notices it.
    """
    create table schedule (
        schedule_id              uuid             not null,
        workspace_id             uuid             not null,
        deployment_id            uuid             not null,
        slug                     text             not null,
        rule                     jsonb            not null,
        active                   boolean          not null,
        parameters               jsonb            not null default '{}',
        starts_at                timestamptz,
        ends_at                  timestamptz,
        catch_up                 text             not null default 'ALL',
        maximum_lateness_seconds double precision,
        jitter_seconds           double precision not null default 0,
        blackouts                jsonb            not null default '[]',
        cursor_at                timestamptz      not null,
        next_at                  timestamptz,
        upcoming_at              timestamptz[]    not null default '{}',
        revision                 bigint           not null default 1,
        created_at               timestamptz      not null default now(),
        updated_at               timestamptz      not null default now(),
        constraint schedule_pkey primary key (schedule_id),
        constraint schedule_slug_key unique (deployment_id, slug),
        constraint schedule_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    ) with (fillfactor = 80)
    """,
    "create index schedule_next_idx on schedule (next_at) where next_at is not null",
)

_WORKERS = (
    # Heartbeats touch no indexed column, so that they stay within the page of the row.
    """
    create table worker (
        worker_id         uuid        not null,
        workspace_id      uuid        not null,
        name              text        not null,
        work_pool_id      uuid,
        work_queue_names  text[]      not null default '{}',
        deployment_ids    uuid[]      not null default '{}',
        type              text        not null,
        status            text        not null,
        capacity          integer     not null,
        flow_run_ids      uuid[]      not null default '{}',
        labels            jsonb       not null default '{}',
        client_version    text        not null default '',
        host              text        not null default '',
        connection_id     uuid        not null,
        drain_reason      text,
        started_at        timestamptz not null default now(),
        last_heartbeat_at timestamptz not null default now(),
        constraint worker_pkey primary key (worker_id),
        constraint worker_work_pool_fkey foreign key (work_pool_id)
            references work_pool (work_pool_id) on delete cascade
    ) with (fillfactor = 50)
    """,
    "create index worker_work_pool_idx on worker (work_pool_id, status) where work_pool_id is not null",
    "create index worker_present_idx on worker (worker_id) where status <> 'OFFLINE'",
    "create index worker_deployments_idx on worker using gin (deployment_ids) where status <> 'OFFLINE'",
    "create index worker_listed_idx on worker (workspace_id, worker_id)",
)

_ERRANDS = (
    """
    create table errand (
        kind         text        not null,
        subject      text        not null,
        workspace_id uuid        not null,
        payload      jsonb       not null default '{}',
        created_at   timestamptz not null default now(),
        constraint errand_pkey primary key (kind, subject)
    )
    """,
)

_TABLES = ("errand", "worker", "schedule", "deployment_version", "deployment", "work_queue", "work_pool")


def upgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        for group in (_POOLS, _DEPLOYMENTS, _WORKERS, _ERRANDS):
            for statement in group:
                op.execute(statement)
        shared_tables.create_outbox()
        shared_tables.create_service_lease()


def downgrade() -> None:
    with shared_tables.acting_as("scheduler"):
        shared_tables.drop_service_lease()
        shared_tables.drop_outbox()
        for table in _TABLES:
            op.execute(f"drop table {table}")
