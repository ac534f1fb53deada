-- Stores what flow runs became: their rows $1, history $2, queue $3 and $4, leases $5 and $6 with slots $7 to $9,
-- outbox $10 to $12. $13 are the ids of the rows. Returns the limits whose slots became free.
-- The planner takes an equality with none of no ids for one that any partial index serves, and walks all of it; so
-- it is told apart.
with stored as (
    update flow_run
       set state_id = new.state_id,
           state_type = new.state_type,
           state_name = new.state_name,
           state_message = new.state_message,
           state_at = new.state_at,
           state_version = new.state_version,
           state_details = new.state_details,
           state_result = new.state_result,
           answers = new.answers,
           work_pool_id = new.work_pool_id,
           work_pool_name = new.work_pool_name,
           work_queue_id = new.work_queue_id,
           work_queue_name = new.work_queue_name,
           worker_id = new.worker_id,
           worker_name = new.worker_name,
           retry_policy = new.retry_policy,
           retries_used = new.retries_used,
           infrastructure_retries_used = new.infrastructure_retries_used,
           run_count = new.run_count,
           attempt = new.attempt,
           attempt_token = new.attempt_token,
           lease_id = new.lease_id,
           updated_at = new.updated_at,
           expected_start_at = new.expected_start_at,
           next_scheduled_start_at = new.next_scheduled_start_at,
           started_at = new.started_at,
           ended_at = new.ended_at,
           run_seconds = new.run_seconds,
           start_delay_seconds = new.start_delay_seconds,
           infrastructure_id = new.infrastructure_id
      from json_populate_recordset(null::flow_run, $1::text::json) as new
     where flow_run.flow_run_id = new.flow_run_id
       and flow_run.flow_run_id = any ($13::uuid[])
),
history as (
    insert into transition (
           run_id,
           version,
           occurred_at,
           workspace_id,
           flow_run_id,
           attempt,
           state_id,
           state_type,
           state_name,
           message,
           details,
           result,
           proposal_id,
           answer
    )
    select new.run_id,
           new.version,
           new.occurred_at,
           new.workspace_id,
           new.flow_run_id,
           new.attempt,
           new.state_id,
           new.state_type,
           new.state_name,
           new.message,
           new.details,
           new.result,
           new.proposal_id,
           new.answer
      from json_populate_recordset(null::transition, $2::text::json) as new
),
unqueued as (
    delete from due_run
     where flow_run_id = any ($3::uuid[])
       and cardinality($3::uuid[]) > 0
),
queued as (
    insert into due_run (
           flow_run_id,
           workspace_id,
           due_at,
           expires_at,
           work_pool_id,
           work_queue_id,
           deployment_id,
           limits,
           worker_labels,
           concurrency_strategy,
           is_late
    )
    select new.flow_run_id,
           new.workspace_id,
           new.due_at,
           new.expires_at,
           new.work_pool_id,
           new.work_queue_id,
           new.deployment_id,
           new.limits,
           new.worker_labels,
           new.concurrency_strategy,
           new.is_late
      from json_populate_recordset(null::due_run, $4::text::json) as new
        on conflict (flow_run_id) do update
       set due_at = excluded.due_at,
           expires_at = excluded.expires_at,
           is_late = excluded.is_late
),
released as (
    delete from lease
     where lease_id = any ($5::uuid[])
       and cardinality($5::uuid[]) > 0
),
freed as (
    delete from lease_slot
     where lease_id = any ($5::uuid[])
       and cardinality($5::uuid[]) > 0
    returning workspace_id, limit_name
),
taken as (
    insert into lease (
           lease_id,
           workspace_id,
           holder_kind,
           holder_id,
           flow_run_id,
           token,
           limits,
           since,
           duration_seconds,
           expires_at
    )
    select new.lease_id,
           new.workspace_id,
           new.holder_kind,
           new.holder_id,
           new.flow_run_id,
           new.token,
           new.limits,
           new.since,
           new.duration_seconds,
           new.expires_at
      from json_populate_recordset(null::lease, $6::text::json) as new
),
held as (
    insert into lease_slot (workspace_id, limit_name, lease_id, slots)
    select slot.workspace_id, slot.limit_name, slot.lease_id, 1
      from unnest($7::uuid[], $8::text[], $9::uuid[]) as slot (workspace_id, limit_name, lease_id)
),
told as (
    insert into outbox (workspace_id, kind, payload)
    select entry.workspace_id, entry.kind, entry.payload
      from unnest($10::uuid[], $11::text[], $12::bytea[]) with ordinality
           as entry (workspace_id, kind, payload, place)
     order by entry.place
)
select distinct freed.workspace_id, freed.limit_name
  from freed
