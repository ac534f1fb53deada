-- Creates flow runs $1 with payloads $2, history $3, queue $4, leases $5 and outbox $6 to $8. Those whose id or
-- idempotency key is taken are left out with all that belongs to them. Returns the ids of those that were created.
with made as (
    insert into flow_run (
           flow_run_id,
           workspace_id,
           flow_id,
           flow_name,
           name,
           state_id,
           state_type,
           state_name,
           state_message,
           state_at,
           state_version,
           state_details,
           state_result,
           deployment_id,
           deployment_name,
           deployment_version_id,
           flow_version,
           work_pool_id,
           work_pool_name,
           work_queue_id,
           work_queue_name,
           worker_id,
           worker_name,
           tags,
           labels,
           notes,
           parent_task_run_id,
           parent_flow_run_id,
           root_flow_run_id,
           idempotency_key,
           creator_kind,
           creator_id,
           creator_name,
           auto_scheduled,
           retry_policy,
           retries_used,
           infrastructure_retries_used,
           run_count,
           attempt,
           attempt_token,
           lease_id,
           answers,
           limits,
           concurrency_strategy,
           maximum_lateness_seconds,
           worker_labels,
           created_at,
           updated_at,
           expected_start_at,
           next_scheduled_start_at,
           started_at,
           ended_at,
           run_seconds,
           start_delay_seconds,
           infrastructure_id
    )
    select new.flow_run_id,
           new.workspace_id,
           new.flow_id,
           new.flow_name,
           new.name,
           new.state_id,
           new.state_type,
           new.state_name,
           new.state_message,
           new.state_at,
           new.state_version,
           new.state_details,
           new.state_result,
           new.deployment_id,
           new.deployment_name,
           new.deployment_version_id,
           new.flow_version,
           new.work_pool_id,
           new.work_pool_name,
           new.work_queue_id,
           new.work_queue_name,
           new.worker_id,
           new.worker_name,
           new.tags,
           new.labels,
           new.notes,
           new.parent_task_run_id,
           new.parent_flow_run_id,
           new.root_flow_run_id,
           new.idempotency_key,
           new.creator_kind,
           new.creator_id,
           new.creator_name,
           new.auto_scheduled,
           new.retry_policy,
           new.retries_used,
           new.infrastructure_retries_used,
           new.run_count,
           new.attempt,
           new.attempt_token,
           new.lease_id,
           new.answers,
           new.limits,
           new.concurrency_strategy,
           new.maximum_lateness_seconds,
           new.worker_labels,
           new.created_at,
           new.updated_at,
           new.expected_start_at,
           new.next_scheduled_start_at,
           new.started_at,
           new.ended_at,
           new.run_seconds,
           new.start_delay_seconds,
           new.infrastructure_id
      from json_populate_recordset(null::flow_run, $1::text::json) as new
        on conflict do nothing
    returning flow_run_id
),
payload as (
    insert into flow_run_payload (
           flow_run_id,
           workspace_id,
           parameters,
           job_variables,
           context
    )
    select new.flow_run_id,
           new.workspace_id,
           new.parameters,
           new.job_variables,
           new.context
      from json_populate_recordset(null::flow_run_payload, $2::text::json) as new
      join made on made.flow_run_id = new.flow_run_id
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
      from json_populate_recordset(null::transition, $3::text::json) as new
      join made on made.flow_run_id = new.run_id
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
      join made on made.flow_run_id = new.flow_run_id
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
      from json_populate_recordset(null::lease, $5::text::json) as new
      join made on made.flow_run_id = new.flow_run_id
),
told as (
    insert into outbox (workspace_id, kind, payload)
    select entry.workspace_id, 'flow-run.state', entry.payload
      from unnest($6::uuid[], $7::uuid[], $8::bytea[]) with ordinality
           as entry (flow_run_id, workspace_id, payload, place)
      join made on made.flow_run_id = entry.flow_run_id
     order by entry.place
)
select made.flow_run_id
  from made
