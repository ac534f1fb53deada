"""Runs, their history, limits, artifacts and variables

The current state of a run stands in the run's own row; `transition` keeps the history of flow runs and task
runs by UTC day. Hot tables have no foreign keys: their writers keep them whole, in one fixed order of locks.
"""

from __future__ import annotations

from alembic import op

from headrace_migrations import shared_tables

revision = "0003_state"
down_revision = "0002_identity"
branch_labels = None
depends_on = None

_FLOW = (
    """
    create table flow (
        flow_id      uuid        not null,
        workspace_id uuid        not null,
        name         text        not null,
        description  text        not null default '',
        tags         text[]      not null default '{}',
        labels       jsonb       not null default '{}',
        created_at   timestamptz not null default now(),
        updated_at   timestamptz not null default now(),
        constraint flow_pkey primary key (flow_id),
        constraint flow_name_key unique (workspace_id, name)
    )
    """,
    "create index flow_created_idx on flow (workspace_id, created_at, flow_id)",
    "create index flow_updated_idx on flow (workspace_id, updated_at, flow_id)",
)

_FLOW_RUN = (
    """
    create table flow_run (
        flow_run_id                 uuid             not null,
        workspace_id                uuid             not null,
        flow_id                     uuid             not null,
        flow_name                   text             not null,
        name                        text             not null,
        state_id                    uuid             not null,
        state_type                  text             not null,
        state_name                  text             not null,
        state_message               text             not null default '',
        state_at                    timestamptz      not null,
        state_version               bigint           not null,
        state_details               jsonb            not null default '{}',
        state_result                jsonb,
        deployment_id               uuid,
        deployment_name             text             not null default '',
        deployment_version_id       uuid,
        flow_version                text             not null default '',
        work_pool_id                uuid,
        work_pool_name              text             not null default '',
        work_queue_id               uuid,
        work_queue_name             text             not null default '',
        worker_id                   text             not null default '',
        worker_name                 text             not null default '',
        tags                        text[]           not null default '{}',
        labels                      jsonb            not null default '{}',
        notes                       text             not null default '',
        parent_task_run_id          uuid,
        parent_flow_run_id          uuid,
        root_flow_run_id            uuid             not null,
        idempotency_key             text,
        creator_kind                text             not null default '',
        creator_id                  text             not null default '',
        creator_name                text             not null default '',
        auto_scheduled              boolean          not null default false,
        retry_policy                jsonb            not null default '{}',
        retries_used                integer          not null default 0,
        infrastructure_retries_used integer          not null default 0,
        run_count                   integer          not null default 0,
        attempt                     integer          not null default 0,
        attempt_token               uuid,
        lease_id                    uuid,
        answers                     jsonb            not null default '[]',
        limits                      text[]           not null default '{}',
        concurrency_strategy        smallint         not null default 0,
        maximum_lateness_seconds    double precision,
        worker_labels               jsonb            not null default '{}',
        created_at                  timestamptz      not null default now(),
        updated_at                  timestamptz      not null default now(),
        expected_start_at           timestamptz,
        next_scheduled_start_at     timestamptz,
        started_at                  timestamptz,
        ended_at                    timestamptz,
        run_seconds                 double precision not null default 0,
        start_delay_seconds         double precision,
        infrastructure_id           text             not null default '',
        constraint flow_run_pkey primary key (flow_run_id)
    ) with (fillfactor = 80)
    """,
    """
    create unique index flow_run_idempotency_key on flow_run (workspace_id, flow_id, idempotency_key)
     where idempotency_key is not null
    """,
    "create index flow_run_workspace_idx on flow_run (workspace_id, flow_run_id)",
    "create index flow_run_flow_idx on flow_run (workspace_id, flow_id, flow_run_id)",
    """
    create index flow_run_deployment_idx on flow_run (workspace_id, deployment_id, flow_run_id)
     where deployment_id is not null
    """,
    """
    create index flow_run_work_pool_idx on flow_run (workspace_id, work_pool_id, flow_run_id)
     where work_pool_id is not null
    """,
    """
    create index flow_run_parent_idx on flow_run (parent_flow_run_id)
     where parent_flow_run_id is not null
    """,
    """
    create index flow_run_root_idx on flow_run (root_flow_run_id)
     where parent_flow_run_id is not null
    """,
    # What is alive is little beside what is over; what went wrong is little beside what went well.
    """
    create index flow_run_unfinished_idx on flow_run (workspace_id, state_type, flow_run_id)
     where state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING')
    """,
    """
    create index flow_run_failed_idx on flow_run (workspace_id, state_type, flow_run_id)
     where state_type in ('FAILED', 'CRASHED', 'CANCELLED')
    """,
    # What loops look after; hardly ever more than a few.
    """
    create index flow_run_paused_idx on flow_run (state_type, flow_run_id)
     where state_type in ('PAUSED', 'CANCELLING')
    """,
    # Keyset pages compare (time, id) as a pair, so a missing time needs a value.
    """
    create index flow_run_next_start_idx
        on flow_run (workspace_id, coalesce(next_scheduled_start_at, 'infinity'::timestamptz), flow_run_id)
     where state_type = 'SCHEDULED'
    """,
    """
    create index flow_run_expected_start_idx
        on flow_run (workspace_id, coalesce(expected_start_at, '-infinity'::timestamptz), flow_run_id)
    """,
    """
    create index flow_run_started_idx
        on flow_run (workspace_id, coalesce(started_at, '-infinity'::timestamptz), flow_run_id)
    """,
    """
    create index flow_run_ended_idx
        on flow_run (workspace_id, coalesce(ended_at, '-infinity'::timestamptz), flow_run_id)
    """,
    "create index flow_run_tags_idx on flow_run using gin (tags) where tags <> '{}'",
    "create index flow_run_labels_idx on flow_run using gin (labels jsonb_path_ops) where labels <> '{}'",
    # Apart from the row that each transition rewrites; runs without any have no row here.
    """
    create table flow_run_payload (
        flow_run_id   uuid  not null,
        workspace_id  uuid  not null,
        parameters    jsonb not null default '{}',
        job_variables jsonb not null default '{}',
        context       jsonb not null default '{}',
        constraint flow_run_payload_pkey primary key (flow_run_id)
    )
    """,
    "create index flow_run_payload_parameters_idx on flow_run_payload using gin (parameters jsonb_path_ops)",
)

_TASK_RUN = (
    """
    create table task_run (
        task_run_id        uuid             not null,
        workspace_id       uuid             not null,
        flow_run_id        uuid,
        task_key           text             not null default '',
        dynamic_key        text             not null default '',
        name               text             not null default '',
        state_id           uuid             not null,
        state_type         text             not null,
        state_name         text             not null,
        state_message      text             not null default '',
        state_at           timestamptz      not null,
        state_version      bigint           not null,
        state_details      jsonb,
        state_result       jsonb,
        tags               text[]           not null default '{}',
        labels             jsonb            not null default '{}',
        task_version       text             not null default '',
        inputs             jsonb,
        retry_policy       jsonb,
        cache_key          text             not null default '',
        cache_expires_at   timestamptz,
        run_count          integer          not null default 0,
        flow_run_run_count integer          not null default 0,
        attempt            integer          not null default 0,
        child_flow_run_id  uuid,
        created_at         timestamptz      not null default now(),
        updated_at         timestamptz      not null default now(),
        expected_start_at  timestamptz,
        started_at         timestamptz,
        ended_at           timestamptz,
        run_seconds        double precision not null default 0,
        constraint task_run_pkey primary key (task_run_id)
    ) with (fillfactor = 85)
    """,
    "create index task_run_flow_run_idx on task_run (flow_run_id, task_run_id) where flow_run_id is not null",
    "create index task_run_workspace_idx on task_run (workspace_id, task_run_id)",
    """
    create index task_run_started_idx
        on task_run (workspace_id, coalesce(started_at, '-infinity'::timestamptz), task_run_id)
    """,
    """
    create index task_run_not_completed_idx on task_run (workspace_id, state_type, task_run_id)
     where state_type <> 'COMPLETED'
    """,
    "create index task_run_cache_key_idx on task_run (workspace_id, cache_key) where cache_key <> ''",
    "create index task_run_tags_idx on task_run using gin (tags) where tags <> '{}'",
    "create index task_run_labels_idx on task_run using gin (labels jsonb_path_ops) where labels <> '{}'",
)

_TRANSITION = (
    """
    create table transition (
        run_id       uuid        not null,
        version      bigint      not null,
        occurred_at  timestamptz not null,
        recorded_at  timestamptz not null default now(),
        workspace_id uuid        not null,
        flow_run_id  uuid,
        attempt      integer     not null default 0,
        state_id     uuid        not null,
        state_type   text        not null,
        state_name   text        not null,
        message      text        not null default '',
        details      jsonb,
        result       jsonb,
        proposal_id  uuid,
        answer       jsonb,
        constraint transition_pkey primary key (run_id, version, occurred_at)
    ) partition by range (occurred_at)
    """,
)

_DUE_RUN = (
    # Small and hot: rows live from creation to claim, so dead ones are cleaned up at once.
    """
    create table due_run (
        flow_run_id          uuid        not null,
        workspace_id         uuid        not null,
        due_at               timestamptz not null,
        expires_at           timestamptz,
        work_pool_id         uuid,
        work_queue_id        uuid,
        deployment_id        uuid,
        limits               text[]      not null default '{}',
        worker_labels        jsonb       not null default '{}',
        concurrency_strategy smallint    not null default 0,
        is_late              boolean     not null default false,
        constraint due_run_pkey primary key (flow_run_id)
    ) with (
        fillfactor = 60,
        autovacuum_vacuum_scale_factor = 0.0,
        autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0.0,
        autovacuum_analyze_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
    """
    create index due_run_pool_idx on due_run (work_pool_id, work_queue_id, due_at, flow_run_id)
     where work_pool_id is not null
    """,
    """
    create index due_run_deployment_idx on due_run (deployment_id, due_at, flow_run_id)
     where work_pool_id is null
    """,
    "create index due_run_due_idx on due_run (due_at)",
)

_LIMITS = (
    """
    create table concurrency_limit (
        workspace_id          uuid             not null,
        name                  text             not null,
        slots                 integer          not null,
        is_active             boolean          not null default true,
        slot_decay_per_second double precision not null default 0,
        level                 double precision not null default 0,
        level_at              timestamptz      not null default now(),
        created_at            timestamptz      not null default now(),
        updated_at            timestamptz      not null default now(),
        constraint concurrency_limit_pkey primary key (workspace_id, name),
        constraint concurrency_limit_slots_check check (slots >= 0)
    ) with (fillfactor = 50)
    """,
    # No index on expires_at: a renewal then touches the heap only, and there are few leases.
    """
    create table lease (
        lease_id         uuid             not null,
        workspace_id     uuid             not null,
        holder_kind      text             not null,
        holder_id        text             not null,
        flow_run_id      uuid,
        token            uuid,
        limits           text[]           not null default '{}',
        since            timestamptz      not null default now(),
        duration_seconds double precision not null,
        expires_at       timestamptz      not null,
        constraint lease_pkey primary key (lease_id)
    ) with (
        fillfactor = 50,
        autovacuum_vacuum_scale_factor = 0.0,
        autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
    "create unique index lease_token_key on lease (token) where token is not null",
    """
    create table lease_slot (
        workspace_id uuid    not null,
        limit_name   text    not null,
        lease_id     uuid    not null,
        slots        integer not null,
        constraint lease_slot_pkey primary key (workspace_id, limit_name, lease_id)
    ) with (
        fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0.0,
        autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0
    )
    """,
    "create index lease_slot_lease_idx on lease_slot (lease_id)",
    """
    create table waiter (
        lease_id      uuid             not null,
        workspace_id  uuid             not null,
        place         bigint           not null generated always as identity,
        names         text[]           not null,
        slots         integer          not null,
        holder_kind   text             not null,
        holder_id     text             not null,
        lease_seconds double precision not null,
        since         timestamptz      not null default now(),
        keep_until    timestamptz      not null,
        constraint waiter_pkey primary key (lease_id)
    ) with (fillfactor = 70)
    """,
    "create index waiter_place_idx on waiter (workspace_id, place)",
)

_CONTENT = (
    """
    create table artifact (
        artifact_id  uuid        not null,
        workspace_id uuid        not null,
        key          text        not null default '',
        kind         text        not null,
        type         text        not null default '',
        content      jsonb,
        data         bytea,
        description  text        not null default '',
        metadata     jsonb       not null default '{}',
        flow_run_id  uuid,
        task_run_id  uuid,
        is_latest    boolean     not null default true,
        created_at   timestamptz not null default now(),
        updated_at   timestamptz not null default now(),
        constraint artifact_pkey primary key (artifact_id)
    )
    """,
    "create index artifact_workspace_idx on artifact (workspace_id, artifact_id)",
    "create index artifact_key_idx on artifact (workspace_id, key, artifact_id) where key <> ''",
    "create unique index artifact_latest_key on artifact (workspace_id, key) where is_latest and key <> ''",
    "create index artifact_flow_run_idx on artifact (flow_run_id) where flow_run_id is not null",
    "create index artifact_task_run_idx on artifact (task_run_id) where task_run_id is not null",
    """
    create table variable (
        variable_id  uuid        not null,
        workspace_id uuid        not null,
        name         text        not null,
        value        jsonb,
        tags         text[]      not null default '{}',
        created_at   timestamptz not null default now(),
        updated_at   timestamptz not null default now(),
        constraint variable_pkey primary key (variable_id),
        constraint variable_name_key unique (workspace_id, name)
    )
    """,
    """
    create table run_input (
        flow_run_id  uuid        not null,
        key          text        not null,
        workspace_id uuid        not null,
        value        jsonb,
        sender       text        not null default '',
        created_at   timestamptz not null default now(),
        constraint run_input_pkey primary key (flow_run_id, key)
    )
    """,
)

_TABLES = (
    "run_input",
    "variable",
    "artifact",
    "waiter",
    "lease_slot",
    "lease",
    "concurrency_limit",
    "due_run",
    "transition",
    "task_run",
    "flow_run_payload",
    "flow_run",
    "flow",
)


def upgrade() -> None:
    with shared_tables.acting_as("state"):
        for group in (_FLOW, _FLOW_RUN, _TASK_RUN, _TRANSITION, _DUE_RUN, _LIMITS, _CONTENT):
            for statement in group:
                op.execute(statement)
        shared_tables.create_partitions("transition")
        if shared_tables.has_trigrams():
            # Names are searched by their parts; task runs are searched within a flow run instead.
            op.execute("create index flow_name_trgm on flow using gin (name headrace.gin_trgm_ops)")
            op.execute("create index flow_run_name_trgm on flow_run using gin (name headrace.gin_trgm_ops)")
        shared_tables.create_outbox()
        shared_tables.create_service_lease()


def downgrade() -> None:
    with shared_tables.acting_as("state"):
        shared_tables.drop_service_lease()
        shared_tables.drop_outbox()
        for table in _TABLES:
            op.execute(f"drop table {table}")
