-- Stores what flow runs became whose attempts end: their rows $1 with ids $3, history $2, outbox $4 to $6, and leases $7.
-- Returns the limits whose slots became free.
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
       and flow_run.flow_run_id = any ($3::uuid[])
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
released as (
    delete from lease
     where lease_id = any ($7::uuid[])
       and cardinality($7::uuid[]) > 0
),
freed as (
    delete from lease_slot
     where lease_id = any ($7::uuid[])
       and cardinality($7::uuid[]) > 0
    returning workspace_id, limit_name
),
told as (
    insert into outbox (workspace_id, kind, payload)
    select entry.workspace_id, entry.kind, entry.payload
      from unnest($4::uuid[], $5::text[], $6::bytea[]) with ordinality
           as entry (workspace_id, kind, payload, place)
     order by entry.place
)
select distinct freed.workspace_id, freed.limit_name
  from freed
