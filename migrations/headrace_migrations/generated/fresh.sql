-- Written by `python -m tools.fresh_schema` from the migrations; do not edit it.
-- Version 0034_state_makers
create schema if not exists headrace;
set search_path to headrace, public;
CREATE TABLE headrace.version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT version_pkc PRIMARY KEY (version_num)
);
do $$
begin
    create extension if not exists pg_trgm with schema headrace;
exception
    when insufficient_privilege or feature_not_supported or undefined_file then
        raise warning 'pg_trgm is not available: searching logs will be slower';
end
$$;
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = 'headrace_state') then
                create role headrace_state nologin;
            end if;
            if not pg_has_role(current_user, 'headrace_state', 'SET') then
                execute format('grant headrace_state to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$;
create schema state authorization headrace_state;
revoke all on schema state from public;
grant usage on schema headrace to headrace_state;
alter default privileges for role headrace_state revoke all on tables from public;
alter default privileges for role headrace_state revoke execute on functions from public;
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = 'headrace_scheduler') then
                create role headrace_scheduler nologin;
            end if;
            if not pg_has_role(current_user, 'headrace_scheduler', 'SET') then
                execute format('grant headrace_scheduler to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$;
create schema scheduler authorization headrace_scheduler;
revoke all on schema scheduler from public;
grant usage on schema headrace to headrace_scheduler;
alter default privileges for role headrace_scheduler revoke all on tables from public;
alter default privileges for role headrace_scheduler revoke execute on functions from public;
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = 'headrace_log') then
                create role headrace_log nologin;
            end if;
            if not pg_has_role(current_user, 'headrace_log', 'SET') then
                execute format('grant headrace_log to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$;
create schema log authorization headrace_log;
revoke all on schema log from public;
grant usage on schema headrace to headrace_log;
alter default privileges for role headrace_log revoke all on tables from public;
alter default privileges for role headrace_log revoke execute on functions from public;
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = 'headrace_notification') then
                create role headrace_notification nologin;
            end if;
            if not pg_has_role(current_user, 'headrace_notification', 'SET') then
                execute format('grant headrace_notification to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$;
create schema notification authorization headrace_notification;
revoke all on schema notification from public;
grant usage on schema headrace to headrace_notification;
alter default privileges for role headrace_notification revoke all on tables from public;
alter default privileges for role headrace_notification revoke execute on functions from public;
do $$
begin
    for attempt in 1..10 loop
        begin
            if not exists (select from pg_roles where rolname = 'headrace_identity') then
                create role headrace_identity nologin;
            end if;
            if not pg_has_role(current_user, 'headrace_identity', 'SET') then
                execute format('grant headrace_identity to %I', current_user);
            end if;
            exit;
        exception
            when duplicate_object or unique_violation or internal_error then
                if attempt = 10 then
                    raise;
                end if;
                perform pg_sleep(0.05 * attempt);
        end;
    end loop;
end
$$;
create schema identity authorization headrace_identity;
revoke all on schema identity from public;
grant usage on schema headrace to headrace_identity;
alter default privileges for role headrace_identity revoke all on tables from public;
alter default privileges for role headrace_identity revoke execute on functions from public;
revoke create on schema public from public;
set local role headrace_identity;
set local search_path to identity, headrace, public;
set local headrace.workspace to '*';
create table installation (
                is_only         boolean not null default true,
                installation_id uuid    not null,
                constraint installation_pkey primary key (is_only),
                constraint installation_is_only check (is_only)
            );
insert into installation (installation_id) values (gen_random_uuid());
create table account (
                account_id uuid        not null,
                handle     text        not null,
                name       text        not null,
                created_at timestamptz not null default now(),
                updated_at timestamptz not null default now(),
                constraint account_pkey primary key (account_id),
                constraint account_handle_key unique (handle)
            );
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
            );
create index workspace_account_id_idx on workspace (account_id);
insert into account (account_id, handle, name)
            values ('00000000-0000-7000-8000-000000000002', 'default', 'Default');
insert into workspace (workspace_id, account_id, handle, name)
            select '00000000-0000-7000-8000-000000000001', account_id, 'default', 'Default'
              from account;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
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
    );
create index flow_created_idx on flow (workspace_id, created_at, flow_id);
create index flow_updated_idx on flow (workspace_id, updated_at, flow_id);
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
    ) with (fillfactor = 80);
create unique index flow_run_idempotency_key on flow_run (workspace_id, flow_id, idempotency_key)
     where idempotency_key is not null;
create index flow_run_workspace_idx on flow_run (workspace_id, flow_run_id);
create index flow_run_flow_idx on flow_run (workspace_id, flow_id, flow_run_id);
create index flow_run_deployment_idx on flow_run (workspace_id, deployment_id, flow_run_id)
     where deployment_id is not null;
create index flow_run_work_pool_idx on flow_run (workspace_id, work_pool_id, flow_run_id)
     where work_pool_id is not null;
create index flow_run_parent_idx on flow_run (parent_flow_run_id)
     where parent_flow_run_id is not null;
create index flow_run_root_idx on flow_run (root_flow_run_id)
     where parent_flow_run_id is not null;
create index flow_run_unfinished_idx on flow_run (workspace_id, state_type, flow_run_id)
     where state_type in ('SCHEDULED', 'PENDING', 'RUNNING', 'PAUSED', 'CANCELLING');
create index flow_run_failed_idx on flow_run (workspace_id, state_type, flow_run_id)
     where state_type in ('FAILED', 'CRASHED', 'CANCELLED');
create index flow_run_paused_idx on flow_run (state_type, flow_run_id)
     where state_type in ('PAUSED', 'CANCELLING');
create index flow_run_next_start_idx
        on flow_run (workspace_id, coalesce(next_scheduled_start_at, 'infinity'::timestamptz), flow_run_id)
     where state_type = 'SCHEDULED';
create index flow_run_expected_start_idx
        on flow_run (workspace_id, coalesce(expected_start_at, '-infinity'::timestamptz), flow_run_id);
create index flow_run_started_idx
        on flow_run (workspace_id, coalesce(started_at, '-infinity'::timestamptz), flow_run_id);
create index flow_run_ended_idx
        on flow_run (workspace_id, coalesce(ended_at, '-infinity'::timestamptz), flow_run_id);
create index flow_run_tags_idx on flow_run using gin (tags) where tags <> '{}';
create index flow_run_labels_idx on flow_run using gin (labels jsonb_path_ops) where labels <> '{}';
create table flow_run_payload (
        flow_run_id   uuid  not null,
        workspace_id  uuid  not null,
        parameters    jsonb not null default '{}',
        job_variables jsonb not null default '{}',
        context       jsonb not null default '{}',
        constraint flow_run_payload_pkey primary key (flow_run_id)
    );
create index flow_run_payload_parameters_idx on flow_run_payload using gin (parameters jsonb_path_ops);
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
    ) with (fillfactor = 85);
create index task_run_flow_run_idx on task_run (flow_run_id, task_run_id) where flow_run_id is not null;
create index task_run_workspace_idx on task_run (workspace_id, task_run_id);
create index task_run_started_idx
        on task_run (workspace_id, coalesce(started_at, '-infinity'::timestamptz), task_run_id);
create index task_run_not_completed_idx on task_run (workspace_id, state_type, task_run_id)
     where state_type <> 'COMPLETED';
create index task_run_cache_key_idx on task_run (workspace_id, cache_key) where cache_key <> '';
create index task_run_tags_idx on task_run using gin (tags) where tags <> '{}';
create index task_run_labels_idx on task_run using gin (labels jsonb_path_ops) where labels <> '{}';
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
    ) partition by range (occurred_at);
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
    );
create index due_run_pool_idx on due_run (work_pool_id, work_queue_id, due_at, flow_run_id)
     where work_pool_id is not null;
create index due_run_deployment_idx on due_run (deployment_id, due_at, flow_run_id)
     where work_pool_id is null;
create index due_run_due_idx on due_run (due_at);
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
    ) with (fillfactor = 50);
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
    );
create unique index lease_token_key on lease (token) where token is not null;
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
    );
create index lease_slot_lease_idx on lease_slot (lease_id);
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
    ) with (fillfactor = 70);
create index waiter_place_idx on waiter (workspace_id, place);
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
    );
create index artifact_workspace_idx on artifact (workspace_id, artifact_id);
create index artifact_key_idx on artifact (workspace_id, key, artifact_id) where key <> '';
create unique index artifact_latest_key on artifact (workspace_id, key) where is_latest and key <> '';
create index artifact_flow_run_idx on artifact (flow_run_id) where flow_run_id is not null;
create index artifact_task_run_idx on artifact (task_run_id) where task_run_id is not null;
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
    );
create table run_input (
        flow_run_id  uuid        not null,
        key          text        not null,
        workspace_id uuid        not null,
        value        jsonb,
        sender       text        not null default '',
        created_at   timestamptz not null default now(),
        constraint run_input_pkey primary key (flow_run_id, key)
    );
create table transition_default partition of transition default;
create table transition_p<<day 0>> partition of transition for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table transition_p<<day 1>> partition of transition for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table transition_p<<day 2>> partition of transition for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table transition_p<<day 3>> partition of transition for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create index flow_name_trgm on flow using gin (name headrace.gin_trgm_ops);
create index flow_run_name_trgm on flow_run using gin (name headrace.gin_trgm_ops);
create sequence outbox_position_seq as bigint cache 1;
create table outbox (
            position     bigint      not null default nextval('outbox_position_seq'),
            workspace_id uuid        not null,
            kind         text        not null,
            recorded_at  timestamptz not null default now(),
            payload      bytea       not null,
            constraint outbox_pkey primary key (position, recorded_at)
        ) partition by range (recorded_at);
alter sequence outbox_position_seq owned by outbox.position;
create table outbox_default partition of outbox default;
create table outbox_p<<day 0>> partition of outbox for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table outbox_p<<day 1>> partition of outbox for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table outbox_p<<day 2>> partition of outbox for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table outbox_p<<day 3>> partition of outbox for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table service_lease (
            name       text        not null,
            holder     text        not null,
            epoch      bigint      not null,
            expires_at timestamptz not null,
            constraint service_lease_pkey primary key (name)
        ) with (fillfactor = 50);
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
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
    );
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
    );
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
    );
create index deployment_created_idx on deployment (workspace_id, created_at, deployment_id);
create index deployment_updated_idx on deployment (workspace_id, updated_at, deployment_id);
create index deployment_sorted_idx on deployment (workspace_id, name, deployment_id);
create index deployment_work_pool_idx on deployment (work_pool_id) where work_pool_id is not null;
create index deployment_work_queue_idx on deployment (work_queue_id) where work_queue_id is not null;
create index deployment_tags_idx on deployment using gin (tags);
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
    );
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
    ) with (fillfactor = 80);
create index schedule_next_idx on schedule (next_at) where next_at is not null;
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
    ) with (fillfactor = 50);
create index worker_work_pool_idx on worker (work_pool_id, status) where work_pool_id is not null;
create index worker_present_idx on worker (worker_id) where status <> 'OFFLINE';
create index worker_deployments_idx on worker using gin (deployment_ids) where status <> 'OFFLINE';
create index worker_listed_idx on worker (workspace_id, worker_id);
create table errand (
        kind         text        not null,
        subject      text        not null,
        workspace_id uuid        not null,
        payload      jsonb       not null default '{}',
        created_at   timestamptz not null default now(),
        constraint errand_pkey primary key (kind, subject)
    );
create sequence outbox_position_seq as bigint cache 1;
create table outbox (
            position     bigint      not null default nextval('outbox_position_seq'),
            workspace_id uuid        not null,
            kind         text        not null,
            recorded_at  timestamptz not null default now(),
            payload      bytea       not null,
            constraint outbox_pkey primary key (position, recorded_at)
        ) partition by range (recorded_at);
alter sequence outbox_position_seq owned by outbox.position;
create table outbox_default partition of outbox default;
create table outbox_p<<day 0>> partition of outbox for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table outbox_p<<day 1>> partition of outbox for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table outbox_p<<day 2>> partition of outbox for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table outbox_p<<day 3>> partition of outbox for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table service_lease (
            name       text        not null,
            holder     text        not null,
            epoch      bigint      not null,
            expires_at timestamptz not null,
            constraint service_lease_pkey primary key (name)
        ) with (fillfactor = 50);
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
create sequence outbox_position_seq as bigint cache 1;
create table outbox (
            position     bigint      not null default nextval('outbox_position_seq'),
            workspace_id uuid        not null,
            kind         text        not null,
            recorded_at  timestamptz not null default now(),
            payload      bytea       not null,
            constraint outbox_pkey primary key (position, recorded_at)
        ) partition by range (recorded_at);
alter sequence outbox_position_seq owned by outbox.position;
create table outbox_default partition of outbox default;
create table outbox_p<<day 0>> partition of outbox for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table outbox_p<<day 1>> partition of outbox for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table outbox_p<<day 2>> partition of outbox for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table outbox_p<<day 3>> partition of outbox for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table record (
                position     bigint      not null,
                occurred_at  timestamptz not null,
                recorded_at  timestamptz not null default now(),
                workspace_id uuid        not null,
                flow_run_id  uuid,
                task_run_id  uuid,
                log_id       uuid,
                level        smallint    not null,
                source       smallint    not null,
                logger       text        not null,
                message      text        not null,
                worker_id    text,
                traceparent  text,
                fields       jsonb
            ) partition by range (occurred_at);
create index record_flow_run on record (flow_run_id, occurred_at, position);
create index record_workspace on record (workspace_id, occurred_at, position);
create index record_task_run on record (task_run_id, occurred_at, position)
             where task_run_id is not null;
create table record_default partition of record default;
create table record_p<<day 0>> partition of record for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table record_p<<day 1>> partition of record for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table record_p<<day 2>> partition of record for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table record_p<<day 3>> partition of record for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table writer (
                workspace_id  uuid        not null,
                process_id    text        not null,
                last_sequence bigint      not null,
                missing       bigint[]    not null,
                seen_at       timestamptz not null default now(),
                constraint writer_pkey primary key (workspace_id, process_id)
            ) with (fillfactor = 50);
create table appended_batch (
                workspace_id uuid        not null,
                digest       bytea       not null,
                recorded_at  timestamptz not null default now(),
                constraint appended_batch_pkey primary key (workspace_id, digest)
            );
create index appended_batch_recorded_at on appended_batch (recorded_at);
set local role none;
set local search_path to headrace, public;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
create sequence outbox_position_seq as bigint cache 1;
create table outbox (
            position     bigint      not null default nextval('outbox_position_seq'),
            workspace_id uuid        not null,
            kind         text        not null,
            recorded_at  timestamptz not null default now(),
            payload      bytea       not null,
            constraint outbox_pkey primary key (position, recorded_at)
        ) partition by range (recorded_at);
alter sequence outbox_position_seq owned by outbox.position;
create table outbox_default partition of outbox default;
create table outbox_p<<day 0>> partition of outbox for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table outbox_p<<day 1>> partition of outbox for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table outbox_p<<day 2>> partition of outbox for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table outbox_p<<day 3>> partition of outbox for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table service_lease (
            name       text        not null,
            holder     text        not null,
            epoch      bigint      not null,
            expires_at timestamptz not null,
            constraint service_lease_pkey primary key (name)
        ) with (fillfactor = 50);
create table event (
            position         bigint      not null,
            event_id         uuid        not null,
            workspace_id     uuid        not null,
            name             text        not null,
            occurred_at      timestamptz not null,
            received_at      timestamptz not null default now(),
            resource_id      text        not null,
            resource         jsonb       not null,
            related          jsonb       not null,
            related_ids      text[]      not null,
            payload          jsonb       not null,
            follows_event_id uuid,
            constraint event_pkey primary key (event_id, occurred_at)
        ) partition by range (occurred_at);
create index event_workspace on event (workspace_id, occurred_at, position);
create index event_name on event (workspace_id, name, occurred_at, position);
create index event_resource on event (workspace_id, resource_id, occurred_at, position);
create index event_related on event using gin (related_ids);
create table event_default partition of event default;
create table event_p<<day 0>> partition of event for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table event_p<<day 1>> partition of event for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table event_p<<day 2>> partition of event for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table event_p<<day 3>> partition of event for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
create table automation (
            automation_id      uuid        not null,
            workspace_id       uuid        not null,
            name               text        not null,
            description        text        not null,
            enabled            boolean     not null,
            tags               text[]      not null,
            trigger            jsonb       not null,
            actions            jsonb       not null,
            actions_on_trigger jsonb       not null,
            actions_on_resolve jsonb       not null,
            owner_resource_id  text        not null,
            creator            jsonb       not null,
            created_at         timestamptz not null default now(),
            updated_at         timestamptz not null default now(),
            last_fired_at      timestamptz,
            version            bigint      not null,
            constraint automation_pkey primary key (automation_id)
        );
create index automation_by_name on automation (workspace_id, name, automation_id);
create index automation_version on automation (version);
create table catalogue (
            is_only boolean not null default true,
            version bigint  not null,
            constraint catalogue_pkey primary key (is_only),
            constraint catalogue_only check (is_only)
        ) with (fillfactor = 50);
insert into catalogue (version) values (0);
create table bucket (
            automation_id uuid        not null,
            key           text[]      not null,
            workspace_id  uuid        not null,
            starts_at     timestamptz not null,
            ends_at       timestamptz not null,
            count         integer     not null,
            fired_at      timestamptz,
            last_event    jsonb,
            due_at        timestamptz,
            sources       text[]      not null,
            updated_at    timestamptz not null default now(),
            constraint bucket_pkey primary key (automation_id, key)
        ) with (fillfactor = 70);
create index bucket_due on bucket (due_at) where due_at is not null;
create index bucket_updated on bucket (updated_at);
create table delivery (
            delivery_id      uuid        not null,
            workspace_id     uuid        not null,
            automation_id    uuid        not null,
            automation_name  text        not null,
            event_id         uuid,
            action_kind      text        not null,
            action           jsonb       not null,
            context          jsonb       not null,
            status           text        not null,
            tries            integer     not null,
            next_try_at      timestamptz,
            last_answer      text        not null,
            last_status_code integer     not null,
            created_at       timestamptz not null default now(),
            ended_at         timestamptz,
            constraint delivery_pkey primary key (delivery_id)
        ) with (fillfactor = 80);
create index delivery_due on delivery (automation_id, next_try_at, delivery_id) where status = 'PENDING';
create index delivery_workspace on delivery (workspace_id, delivery_id);
create index delivery_automation on delivery (automation_id, delivery_id);
create index delivery_event on delivery (event_id) where event_id is not null;
create index delivery_ended on delivery (ended_at) where ended_at is not null;
create table cursor (
                name            text        not null,
                cursor          text        not null,
                evaluated_until timestamptz,
                updated_at      timestamptz not null default now(),
                constraint cursor_pkey primary key (name)
            ) with (fillfactor = 50);
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
alter table deployment_version add column message text not null default '';
alter table deployment_version add column former_number integer not null default 0;
update deployment_version set former_number = number - 1;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create index flow_run_name_idx on flow_run (workspace_id, name, flow_run_id);
create index flow_run_run_time_idx on flow_run (workspace_id, run_seconds, flow_run_id);
create index flow_run_parent_task_run_idx on flow_run (parent_task_run_id)
     where parent_task_run_id is not null;
create index task_run_ended_idx
        on task_run (workspace_id, coalesce(ended_at, '-infinity'::timestamptz), task_run_id);
create index task_run_child_idx on task_run (child_flow_run_id) where child_flow_run_id is not null;
create index artifact_updated_idx on artifact (workspace_id, updated_at, artifact_id);
drop index flow_run_next_start_idx;
create index flow_run_next_start_idx
    on flow_run (workspace_id, coalesce(next_scheduled_start_at, '-infinity'::timestamptz), flow_run_id)
 where next_scheduled_start_at is not null;
drop index artifact_key_idx;
create index artifact_key_idx on artifact (workspace_id, key, artifact_id);
create index flow_run_message_trgm on flow_run using gin (state_message headrace.gin_trgm_ops) where state_message <> '';
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create table start_deadline (
                attempt_token   uuid             not null,
                workspace_id    uuid             not null,
                flow_run_id     uuid             not null,
                timeout_seconds double precision not null,
                start_by        timestamptz      not null,
                constraint start_deadline_pkey primary key (attempt_token)
            );
create index start_deadline_start_by_idx on start_deadline (start_by);
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
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
    );
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
    );
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
    );
create table block_reference (
        block_id            uuid not null,
        path                text not null,
        referenced_block_id uuid not null,
        constraint block_reference_pkey primary key (block_id, path)
    );
create index block_key_name_idx on block (key_name, block_id) where secrets <> '';
create index block_reference_to_idx on block_reference (referenced_block_id);
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
create table calendar (
                workspace_id uuid        not null,
                name         text        not null,
                description  text        not null default '',
                time_zone    text        not null default '',
                dates        text[]      not null default '{}',
                weekdays     integer[]   not null default '{}',
                blackouts    jsonb       not null default '[]',
                created_at   timestamptz not null default now(),
                updated_at   timestamptz not null default now(),
                constraint calendar_pkey primary key (workspace_id, name)
            );
alter table schedule add column calendar_names text[] not null default '{}';
create index schedule_calendars_idx on schedule using gin (calendar_names) where calendar_names <> '{}';
alter table deployment add column concurrency_key text not null default '';
alter table deployment add column concurrency_key_limit integer;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create table background_task (
        task_run_id          uuid        not null,
        workspace_id         uuid        not null,
        task_key             text        not null,
        place                bigint      not null generated always as identity,
        due_at               timestamptz not null,
        waits_for            uuid[]      not null default '{}',
        is_waiting           boolean     not null default false,
        is_cancelling        boolean     not null default false,
        parameters           bytea,
        parameters_reference jsonb,
        server_id            uuid,
        token                uuid,
        deliveries           integer     not null default 0,
        lease_expires_at     timestamptz,
        created_at           timestamptz not null default now(),
        constraint background_task_pkey primary key (task_run_id)
    );
create table task_server (
        server_id      uuid        not null,
        workspace_id   uuid        not null,
        name           text        not null default '',
        task_keys      text[]      not null default '{}',
        slots          integer     not null,
        client_version text        not null default '',
        connected_at   timestamptz not null default now(),
        seen_at        timestamptz not null default now(),
        constraint task_server_pkey primary key (workspace_id, server_id)
    );
create index background_task_queue_idx on background_task (workspace_id, task_key, place) where token is null and not is_waiting;
create index background_task_lease_idx on background_task (lease_expires_at) where token is not null;
create index background_task_waiting_idx on background_task (created_at) where is_waiting;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create table bulk_operation (
        bulk_operation_id uuid        not null,
        workspace_id      uuid        not null,
        action            jsonb       not null,
        filter            jsonb       not null default '{}',
        status            text        not null default 'PENDING',
        run_count         bigint      not null default 0,
        is_capped         boolean     not null default false,
        last_flow_run_id  uuid,
        looked_at_count   bigint      not null default 0,
        changed_count     bigint      not null default 0,
        refused_count     bigint      not null default 0,
        refusals          jsonb       not null default '[]',
        creator_kind      text        not null default '',
        creator_id        text        not null default '',
        creator_name      text        not null default '',
        created_at        timestamptz not null default now(),
        updated_at        timestamptz not null default now(),
        ended_at          timestamptz,
        constraint bulk_operation_pkey primary key (bulk_operation_id)
    ) with (fillfactor = 70);
create index bulk_operation_workspace_idx on bulk_operation (workspace_id, bulk_operation_id);
create index bulk_operation_unfinished_idx on bulk_operation (updated_at, bulk_operation_id)
     where status in ('PENDING', 'RUNNING');
create table run_note (
        run_note_id  uuid        not null,
        workspace_id uuid        not null,
        flow_run_id  uuid        not null,
        text         text        not null,
        creator_kind text        not null default '',
        creator_id   text        not null default '',
        creator_name text        not null default '',
        created_at   timestamptz not null default now(),
        constraint run_note_pkey primary key (run_note_id)
    );
create index run_note_flow_run_idx on run_note (flow_run_id, run_note_id);
set local role none;
set local search_path to headrace, public;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
alter table bucket add column came_true jsonb;
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
create table backfill (
        backfill_id   uuid        not null,
        workspace_id  uuid        not null,
        deployment_id uuid        not null,
        version_id    uuid        not null,
        name          text        not null,
        status        text        not null,
        message       text        not null default '',
        concurrency   integer     not null default 0,
        item_order    text        not null default 'ASC',
        creator_kind  text        not null default '',
        creator_id    text        not null default '',
        creator_name  text        not null default '',
        created_at    timestamptz not null default now(),
        updated_at    timestamptz not null default now(),
        ended_at      timestamptz,
        looked_at     timestamptz not null default now(),
        constraint backfill_pkey primary key (backfill_id),
        constraint backfill_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    );
create index backfill_listed_idx on backfill (workspace_id, backfill_id);
create index backfill_deployment_idx on backfill (deployment_id);
create index backfill_unsettled_idx on backfill (looked_at)
     where status in ('RUNNING', 'PAUSED', 'CANCELLING');
create table backfill_item (
        backfill_id uuid    not null,
        number      integer not null,
        slot_at     timestamptz,
        parameters  jsonb   not null default '{}',
        flow_run_id uuid,
        state       text    not null default 'WAITING',
        tries       integer not null default 0,
        constraint backfill_item_pkey primary key (backfill_id, number),
        constraint backfill_item_backfill_fkey foreign key (backfill_id)
            references backfill (backfill_id) on delete cascade
    );
create index backfill_item_state_idx on backfill_item (backfill_id, state, number);
create table service_level (
        service_level_id uuid             not null,
        workspace_id     uuid             not null,
        deployment_id    uuid             not null,
        name             text             not null,
        kind             text             not null,
        within_seconds   double precision not null,
        severity         text             not null default 'MODERATE',
        disabled         boolean          not null default false,
        since            timestamptz      not null default now(),
        checked_at       timestamptz      not null default now(),
        next_check_at    timestamptz      not null default now(),
        violated_at      timestamptz,
        created_at       timestamptz      not null default now(),
        constraint service_level_pkey primary key (service_level_id),
        constraint service_level_name_key unique (deployment_id, name),
        constraint service_level_deployment_fkey foreign key (deployment_id)
            references deployment (deployment_id) on delete cascade
    );
create index service_level_due_idx on service_level (next_check_at) where not disabled;
create table service_level_violation (
        service_level_id uuid        not null,
        subject          text        not null,
        violated_at      timestamptz not null default now(),
        constraint service_level_violation_pkey primary key (service_level_id, subject),
        constraint service_level_violation_service_level_fkey foreign key (service_level_id)
            references service_level (service_level_id) on delete cascade
    );
create index service_level_violation_at_idx on service_level_violation (violated_at);
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create table retention_rule (
                workspace_id uuid             not null,
                kind         text             not null,
                scope        text             not null default '',
                subject      text             not null default '',
                keep_days    double precision,
                updated_at   timestamptz      not null default now(),
                constraint retention_rule_pkey primary key (workspace_id, kind, scope, subject)
            );
create index task_run_background_idx on task_run (workspace_id, ended_at) where flow_run_id is null;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
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
    );
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
    );
create index asset_materialization_workspace_idx on asset_materialization (workspace_id, materialization_id);
create index asset_materialization_asset_idx on asset_materialization (asset_id, materialization_id);
create index asset_materialization_flow_run_idx on asset_materialization (flow_run_id)
     where flow_run_id is not null;
create index asset_materialization_task_run_idx on asset_materialization (task_run_id)
     where task_run_id is not null;
create table asset_dependency (
        asset_id          uuid        not null,
        upstream_asset_id uuid        not null,
        workspace_id      uuid        not null,
        last_at           timestamptz not null default now(),
        constraint asset_dependency_pkey primary key (asset_id, upstream_asset_id)
    );
create index asset_dependency_upstream_idx on asset_dependency (upstream_asset_id);
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
create table stretch (
                flow_run_id    uuid        not null,
                last_at        timestamptz not null,
                last_position  bigint      not null,
                workspace_id   uuid        not null,
                after_at       timestamptz not null,
                after_position bigint      not null,
                settled        bigint      not null,
                records        integer     not null,
                grams          bytea       not null,
                constraint stretch_pkey primary key (flow_run_id, last_at, last_position)
            ) partition by range (last_at);
alter table stretch alter column grams set storage external;
create table stretch_default partition of stretch default;
create table stretch_p<<day 0>> partition of stretch for values from ('<<date 0>> 00:00:00+00') to ('<<date 1>> 00:00:00+00');
create table stretch_p<<day 1>> partition of stretch for values from ('<<date 1>> 00:00:00+00') to ('<<date 2>> 00:00:00+00');
create table stretch_p<<day 2>> partition of stretch for values from ('<<date 2>> 00:00:00+00') to ('<<date 3>> 00:00:00+00');
create table stretch_p<<day 3>> partition of stretch for values from ('<<date 3>> 00:00:00+00') to ('<<date 4>> 00:00:00+00');
set local role none;
set local search_path to headrace, public;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
create table channel (
                channel_id   uuid        not null,
                workspace_id uuid        not null,
                name         text        not null,
                kind         text        not null,
                description  text        not null,
                paused       boolean     not null,
                config       jsonb       not null,
                secrets      jsonb       not null,
                policy       jsonb       not null,
                free_at      timestamptz,
                held_until   timestamptz,
                created_at   timestamptz not null default now(),
                updated_at   timestamptz not null default now(),
                constraint channel_pkey primary key (channel_id)
            ) with (fillfactor = 50);
create unique index channel_by_name on channel (workspace_id, name);
create table channel_delivery (
            channel_delivery_id uuid        not null,
            workspace_id        uuid        not null,
            channel_id          uuid        not null,
            channel_name        text        not null,
            channel_kind        text        not null,
            dedup_key           text        not null,
            group_key           text        not null,
            message             jsonb       not null,
            event_id            uuid,
            automation_id       uuid,
            flow_run_id         uuid,
            status              text        not null,
            tries               integer     not null,
            last_try            integer     not null,
            scheduled_at        timestamptz not null,
            next_try_at         timestamptz,
            last_answer         text        not null,
            last_status_code    integer     not null,
            created_at          timestamptz not null default now(),
            ended_at            timestamptz,
            digest_id           uuid,
            grouped             integer     not null,
            acknowledged_at     timestamptz,
            acknowledged_by     text        not null,
            escalates_at        timestamptz,
            escalated_to_id     uuid,
            escalation_of_id    uuid,
            escalations         integer     not null,
            constraint channel_delivery_pkey primary key (channel_delivery_id)
        ) with (fillfactor = 70);
create index channel_delivery_due on channel_delivery (channel_id, next_try_at, channel_delivery_id) where status = 'PENDING';
create index channel_delivery_group on channel_delivery (channel_id, group_key, scheduled_at) where group_key <> '';
create index channel_delivery_workspace on channel_delivery (workspace_id, channel_delivery_id);
create index channel_delivery_channel on channel_delivery (channel_id, channel_delivery_id);
create index channel_delivery_event on channel_delivery (event_id) where event_id is not null;
create index channel_delivery_automation on channel_delivery (automation_id, channel_delivery_id) where automation_id is not null;
create index channel_delivery_flow_run on channel_delivery (flow_run_id, channel_delivery_id) where flow_run_id is not null;
create index channel_delivery_digest on channel_delivery (digest_id, channel_delivery_id) where digest_id is not null;
create index channel_delivery_escalating on channel_delivery (escalates_at) where escalates_at is not null;
create index channel_delivery_ended on channel_delivery (ended_at) where ended_at is not null;
create unique index channel_delivery_key on channel_delivery (channel_id, dedup_key);
create table channel_delivery_try (
                channel_delivery_id uuid             not null,
                number              integer          not null,
                workspace_id        uuid             not null,
                ended_at            timestamptz      not null default now(),
                took_seconds        double precision not null,
                delivered           boolean          not null,
                status_code         integer          not null,
                answer              text             not null,
                constraint channel_delivery_try_pkey primary key (channel_delivery_id, number),
                constraint channel_delivery_try_of foreign key (channel_delivery_id)
                    references channel_delivery (channel_delivery_id) on delete cascade
            );
set local role none;
set local search_path to headrace, public;
set local role headrace_identity;
set local search_path to identity, headrace, public;
set local headrace.workspace to '*';
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
    );
create unique index principal_user_idx on principal (account_id, handle) where workspace_id is null;
create unique index principal_service_account_idx on principal (workspace_id, handle) where workspace_id is not null;
create table external_identity (
        provider         text        not null,
        subject          text        not null,
        principal_id     uuid        not null,
        created_at       timestamptz not null default now(),
        last_sign_in_at  timestamptz,
        constraint external_identity_pkey primary key (provider, subject),
        constraint external_identity_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    );
create index external_identity_principal_id_idx on external_identity (principal_id);
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
    );
create table team_member (
        team_id      uuid        not null,
        principal_id uuid        not null,
        created_at   timestamptz not null default now(),
        constraint team_member_pkey primary key (team_id, principal_id),
        constraint team_member_team_id_fkey foreign key (team_id) references team (team_id) on delete cascade,
        constraint team_member_principal_id_fkey foreign key (principal_id)
            references principal (principal_id) on delete cascade
    );
create index team_member_principal_id_idx on team_member (principal_id);
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
    );
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
    );
create unique index role_assignment_idx on role_assignment (coalesce(principal_id, team_id), coalesce(workspace_id, account_id), role, object_kind, object);
create index role_assignment_workspace_id_idx on role_assignment (workspace_id, role_assignment_id);
create index role_assignment_principal_id_idx on role_assignment (principal_id);
create index role_assignment_team_id_idx on role_assignment (team_id);
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
    );
create index api_key_principal_id_idx on api_key (principal_id, created_at);
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
    );
create index session_principal_id_idx on session (principal_id);
create index session_expires_at_idx on session (expires_at);
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
    );
create index invitation_workspace_id_idx on invitation (workspace_id, created_at);
create table setup_token (
        is_only     boolean     not null default true,
        secret_hash bytea       not null,
        expires_at  timestamptz not null,
        constraint setup_token_pkey primary key (is_only),
        constraint setup_token_is_only check (is_only)
    );
create table signing_key (
        key_id      text        not null,
        public_key  bytea       not null,
        private_key text        not null,
        created_at  timestamptz not null default now(),
        retired_at  timestamptz,
        constraint signing_key_pkey primary key (key_id)
    );
create table access_version (
        is_only boolean not null default true,
        version bigint  not null,
        constraint access_version_pkey primary key (is_only),
        constraint access_version_is_only check (is_only)
    );
insert into access_version (version) values (1);
alter table workspace add column calls_per_second double precision;
alter table workspace add column concurrent_calls integer;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70);
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70);
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70);
set local role none;
set local search_path to headrace, public;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70);
set local role none;
set local search_path to headrace, public;
set local role headrace_identity;
set local search_path to identity, headrace, public;
set local headrace.workspace to '*';
create table audit_pending (
    audit_entry_id uuid        not null,
    is_complete    boolean     not null,
    recorded_at    timestamptz not null default now(),
    payload        bytea       not null,
    constraint audit_pending_pkey primary key (audit_entry_id)
) with (fillfactor = 70);
set local role none;
set local search_path to headrace, public;
create table identity.audit_entry (
    workspace_id   uuid        not null,
    sequence       bigint      not null,
    audit_entry_id uuid        not null,
    occurred_at    timestamptz not null,
    recorded_at    timestamptz not null default now(),
    principal_id   text        not null,
    principal_kind text        not null,
    principal_name text        not null,
    action         text        not null,
    permission     text        not null,
    object_kind    text        not null,
    object_id      text        not null,
    outcome        text        not null,
    reason         text        not null,
    address        text        not null,
    user_agent     text        not null,
    correlation_id text        not null,
    before_digest  text        not null,
    after_digest   text        not null,
    previous_hash  text        not null,
    hash           text        not null,
    constraint audit_entry_pkey primary key (workspace_id, sequence),
    constraint audit_entry_audit_entry_id_key unique (audit_entry_id)
);
create index audit_entry_object_idx on identity.audit_entry (workspace_id, object_kind, object_id, sequence desc);
create index audit_entry_principal_idx on identity.audit_entry (workspace_id, principal_id, sequence desc);
create function identity.refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log can only be added to';
end
$$;
create trigger audit_entry_is_append_only before update or delete or truncate on identity.audit_entry for each statement execute function identity.refuse_audit_change();
revoke all on identity.audit_entry from public, headrace_identity;
grant select, insert on identity.audit_entry to headrace_identity;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
create table webhook (
                webhook_id            uuid             not null,
                workspace_id          uuid             not null,
                name                  text             not null,
                slug                  text             not null,
                description           text             not null,
                paused                boolean          not null,
                authentication        text             not null,
                secret                text             not null,
                secret_before         text             not null,
                grace_until           timestamptz,
                template              jsonb            not null,
                replay_window_seconds double precision not null,
                most_bytes            integer          not null,
                most_per_minute       integer          not null,
                creator               jsonb            not null,
                created_at            timestamptz      not null default now(),
                updated_at            timestamptz      not null default now(),
                free_at               timestamptz,
                last_received_at      timestamptz,
                received_count        bigint           not null default 0,
                last_error            text             not null default '',
                last_error_at         timestamptz,
                constraint webhook_pkey primary key (webhook_id)
            ) with (fillfactor = 50);
create unique index webhook_slug on webhook (slug);
create index webhook_by_name on webhook (workspace_id, name, webhook_id);
create table webhook_call (
                webhook_id   uuid        not null,
                digest       bytea       not null,
                workspace_id uuid        not null,
                event_id     uuid        not null,
                expires_at   timestamptz not null,
                constraint webhook_call_pkey primary key (webhook_id, digest)
            );
create index webhook_call_expires on webhook_call (expires_at);
set local role none;
set local search_path to headrace, public;
set local role headrace_identity;
set local search_path to identity, headrace, public;
set local headrace.workspace to '*';
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
    );
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
    );
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
    );
create index device_sign_in_expires_at_idx on device_sign_in (expires_at);
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
create table service_lease (
            name       text        not null,
            holder     text        not null,
            epoch      bigint      not null,
            expires_at timestamptz not null,
            constraint service_lease_pkey primary key (name)
        ) with (fillfactor = 50);
create table quota (
                workspace_id     uuid        not null,
                lines_per_second integer     not null,
                bytes_per_day    bigint      not null,
                updated_at       timestamptz not null default now(),
                constraint quota_pkey primary key (workspace_id)
            );
create table usage (
                workspace_id uuid   not null,
                day          date   not null,
                records      bigint not null,
                bytes        bigint not null,
                constraint usage_pkey primary key (workspace_id, day)
            ) with (fillfactor = 50);
create table retention_rule (
                workspace_id  uuid        not null,
                deployment_id text        not null,
                level_at_most smallint    not null,
                days          integer     not null,
                swept_until   timestamptz,
                updated_at    timestamptz not null default now(),
                constraint retention_rule_pkey primary key (workspace_id, deployment_id, level_at_most)
            );
create table sink (
                workspace_id   uuid        not null,
                name           text        not null,
                kind           smallint    not null,
                url            text        not null,
                header_names   text[]      not null,
                headers        text        not null,
                level_at_least smallint    not null,
                is_paused      boolean     not null,
                token          text        not null,
                sent_records   bigint      not null default 0,
                sent_at        timestamptz,
                failures       integer     not null default 0,
                last_error     text        not null default '',
                revision       bigint      not null default 1,
                updated_at     timestamptz not null default now(),
                constraint sink_pkey primary key (workspace_id, name)
            ) with (fillfactor = 50);
set local role none;
set local search_path to headrace, public;
create function headrace.protect(target regclass) returns void
language plpgsql
set search_path = pg_catalog
as $$
declare
    -- As CASE, so that the planner takes it for a coin toss and not for a rare match.
    seen text := $policy$case current_setting('headrace.workspace', true)
        when '*' then true
        when workspace_id::text then true
        else false
    end$policy$;
begin
    if not exists (
        select
          from pg_attribute
         where attrelid = target
           and attname = 'workspace_id'
           and attnotnull
    ) then
        seen := format('case when workspace_id is null then true else %s end', seen);
    end if;
    execute format('alter table %s enable row level security', target);
    execute format('alter table %s force row level security', target);
    if not exists (select from pg_policy where polrelid = target and polname = 'workspace') then
        execute format('create policy workspace on %s using (%s)', target, seen);
    end if;
end
$$;
do $$
declare
    searching regprocedure;
begin
    for searching in
        select pg_proc.oid::regprocedure
          from pg_proc
         where pg_proc.oid = any (array['pg_catalog.arraycontains(anyarray, anyarray)', 'pg_catalog.arrayoverlap(anyarray, anyarray)', 'pg_catalog.jsonb_contains(jsonb, jsonb)', 'pg_catalog.textlike(text, text)', 'pg_catalog.texticlike(text, text)']::regprocedure[])
           and pg_proc.proleakproof is distinct from true
    loop
        execute format('alter function %s leakproof', searching);
    end loop;
exception
    when insufficient_privilege then
        raise notice 'searches by tags, labels, parameters and words will read more rows than they need';
end
$$;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role headrace_state;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_scheduler;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_log;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_notification;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_identity;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
create table held_event (
                event_id         uuid        not null,
                workspace_id     uuid        not null,
                follows_event_id uuid        not null,
                occurred_at      timestamptz not null,
                held_until       timestamptz not null,
                constraint held_event_pkey primary key (event_id)
            );
create index held_event_follows on held_event (follows_event_id);
create index held_event_until on held_event (held_until);
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
alter table worker add column pause_reason text;
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
alter table block_schema add column client_checksum text not null default '';
set local role none;
set local search_path to headrace, public;
set local role headrace_scheduler;
set local search_path to scheduler, headrace, public;
set local headrace.workspace to '*';
alter table worker add column silent_after_seconds double precision;
set local role none;
set local search_path to headrace, public;
set local role headrace_notification;
set local search_path to notification, headrace, public;
set local headrace.workspace to '*';
alter table webhook add column handshake text not null default '';
set local role none;
set local search_path to headrace, public;
set local role headrace_identity;
set local search_path to identity, headrace, public;
set local headrace.workspace to '*';
create table sign_in_try (
        provider     text        not null,
        name_digest  text        not null,
        failures     integer     not null,
        locked_until timestamptz,
        tried_at     timestamptz not null,
        constraint sign_in_try_pkey primary key (provider, name_digest)
    );
create index sign_in_try_tried_at_idx on sign_in_try (tried_at);
alter table principal add column external_id text not null default '';
create unique index principal_external_id_idx on principal (account_id, external_id) where external_id <> '';
alter table team add column external_id text not null default '';
create unique index team_external_id_idx on team (account_id, external_id) where external_id <> '';
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
create table record_intake (like record including defaults) partition by range (occurred_at);
revoke all on record_intake from headrace_log;
grant insert on record_intake to headrace_log;
alter table record_intake attach partition record for values from (minvalue) to (maxvalue);
set local role none;
set local search_path to headrace, public;
set local role headrace_log;
set local search_path to log, headrace, public;
set local headrace.workspace to '*';
alter policy workspace on record using (
case
    when workspace_id = (
         select nullif(nullif(current_setting('headrace.workspace', true), '*'), '')::uuid
         ) then true
    else (select current_setting('headrace.workspace', true) = '*')
end
);
set local role none;
set local search_path to headrace, public;
set local role headrace_state;
set local search_path to state, headrace, public;
set local headrace.workspace to '*';
ALTER TABLE lease ADD COLUMN taken_by UUID;
ALTER TABLE waiter ADD COLUMN taken_by UUID;
ALTER TABLE background_task ADD COLUMN queued_by UUID;
set local role none;
set local search_path to headrace, public;
do $$
declare
    searching regprocedure;
begin
    for searching in
        select pg_proc.oid::regprocedure
          from pg_proc
         where pg_proc.oid = any (array['pg_catalog.arraycontains(anyarray, anyarray)', 'pg_catalog.arrayoverlap(anyarray, anyarray)', 'pg_catalog.jsonb_contains(jsonb, jsonb)', 'pg_catalog.textlike(text, text)', 'pg_catalog.texticlike(text, text)']::regprocedure[])
           and pg_proc.proleakproof is distinct from true
    loop
        execute format('alter function %s leakproof', searching);
    end loop;
exception
    when insufficient_privilege then
        raise notice 'searches by tags, labels, parameters and words will read more rows than they need';
end
$$;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role headrace_state;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_scheduler;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_log;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_notification;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
set local role headrace_identity;
select headrace.protect(pg_class.oid) 
  from pg_class
  join pg_attribute
    on pg_attribute.attrelid = pg_class.oid
   and pg_attribute.attname = 'workspace_id'
   and not pg_attribute.attisdropped
 where pg_class.relnamespace::regnamespace::text in ('state', 'scheduler', 'log', 'notification', 'identity')
   and pg_class.relkind in ('r', 'p')
   and pg_class.relowner = current_user::regrole
   and has_table_privilege(pg_class.relowner, pg_class.oid, 'select')
 and not pg_class.relforcerowsecurity;
set local role none;
insert into headrace.version (version_num) values ('0034_state_makers');
